#!/bin/sh
# Takes Firstline's results to your own tool, each at least once. Copy it, and write your own `handle`.
# The address goes into FIRSTLINE_REDIS_URL, a user of its own into CONSUMER_USER, the password into REDISCLI_AUTH.
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

while true; do
  # First what a dead process left behind, else a new one; line 2 of the answer is its id.
  answer=$(ask XAUTOCLAIM "$stream" "$group" "$name" "$claim_after" 0 COUNT 1)
  result=$(result_of "$answer")
  if [ -z "$result" ]; then
    answer=$(ask XREADGROUP GROUP "$group" "$name" COUNT 1 BLOCK 2000 STREAMS "$stream" '>')
    result=$(result_of "$answer")
  fi
  if [ -z "$result" ]; then
    case $answer in
      NOGROUP*) ask XGROUP CREATE "$stream" "$group" 0 MKSTREAM >&2 ;; # at first, or it was destroyed, or Redis emptied
      ?*) printf '%s\n' "$answer" >&2 ;;
    esac
    sleep "${PAUSE_SECONDS:-1}"
    continue
  fi
  entry=$(printf '%s\n' "$answer" | sed -n 2p)
  handle "$result" && ask XACK "$stream" "$group" "$entry" >/dev/null # after the work, never before
done
