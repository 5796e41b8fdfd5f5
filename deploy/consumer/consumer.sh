#!/bin/sh
# Takes Firstline's results to your own tool, each at least once. Copy it, and write your own `handle`.
# A password goes into REDISCLI_AUTH, the address into FIRSTLINE_REDIS_URL.
set -u

stream=firstline:results
group=${CONSUMER_GROUP:-my-team}
name=${CONSUMER_NAME:-$(hostname)}
claim_after=${CLAIM_AFTER_MILLISECONDS:-60000}

handle() { # $1 is one result, JSON on one line; the same may come again
  printf '%s\n' "$1"
}

ask() {
  redis-cli -u "$FIRSTLINE_REDIS_URL" --raw "$@"
}

ask XGROUP CREATE "$stream" "$group" 0 MKSTREAM >/dev/null 2>&1
while true; do
  # First what a dead process left behind, else a new one; line 2 of the answer is its id, line 8 the result.
  answer=$(ask XAUTOCLAIM "$stream" "$group" "$name" "$claim_after" 0 COUNT 1)
  result=$(printf '%s\n' "$answer" | sed -n 8p)
  if [ -z "$result" ]; then
    answer=$(ask XREADGROUP GROUP "$group" "$name" COUNT 1 BLOCK 2000 STREAMS "$stream" '>')
    result=$(printf '%s\n' "$answer" | sed -n 8p)
  fi
  [ -n "$result" ] || { sleep "${PAUSE_SECONDS:-1}"; continue; }
  entry=$(printf '%s\n' "$answer" | sed -n 2p)
  handle "$result" && ask XACK "$stream" "$group" "$entry" >/dev/null # after the work, never before
done
