#!/bin/sh
# Takes Firstline's results to your own tool, each at least once. Copy it, and write your own `handle`.
# The address, without user and password, goes into FIRSTLINE_REDIS_URL, a user of its own into CONSUMER_USER, the
# password into REDISCLI_AUTH.
set -u

stream=firstline:results
group=${CONSUMER_GROUP:-my-team}
name=${CONSUMER_NAME:-$(hostname)}
claim_after=${CLAIM_AFTER_MILLISECONDS:-60000}

handle() { # $1 is one result, JSON on one line; the same may come again
  printf '%s\n' "$1"
}

ask() {
  redis-cli -u "$FIRSTLINE_REDIS_URL" ${CONSUMER_USER:+--user "$CONSUMER_USER"} --raw "$@"
}

result_of() { # the line behind the field's name, wherever it stands
  printf '%s\n' "$1" | sed -n '/^result$/{n;p;q;}'
}

work_on() { # the one entry of an answer, whose id is line 2; fails where there is none
  result=$(result_of "$1")
  [ -n "$result" ] || return 1
  entry=$(printf '%s\n' "$1" | sed -n 2p)
  handle "$result" && ask XACK "$stream" "$group" "$entry" >/dev/null # after the work, never before
  return 0
}

while true; do
  # In turn one that a dead process left behind, and a new one: what is refused again and again holds up neither.
  left=$(ask XAUTOCLAIM "$stream" "$group" "$name" "$claim_after" "${cursor:-0}" COUNT 1)
  cursor=$(printf '%s\n' "$left" | sed -n '1{/^[0-9]*-[0-9]*$/p;}') # where the next search goes on; 0-0 at the end
  block=2000
  work_on "$left" && block=1
  new=$(ask XREADGROUP GROUP "$group" "$name" COUNT 1 BLOCK "$block" STREAMS "$stream" '>')
  work_on "$new" && continue
  case $new in
    NOGROUP*) ask XGROUP CREATE "$stream" "$group" 0 MKSTREAM >&2 ;; # at first, or it was destroyed, or Redis emptied
    ?*) printf '%s\n' "$new" >&2 ;;
  esac
  [ "$block" = 1 ] || sleep "${PAUSE_SECONDS:-1}"
done
