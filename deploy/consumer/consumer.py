"""Takes Firstline's results to your own tool, each at least once. Copy it, and write your own `handle`."""

import contextlib
import json
import os
import sys
import time

from redis import Redis, exceptions

STREAM = "firstline:results"
GROUP = os.environ.get("CONSUMER_GROUP", "my-team")  # one a tool: every group gets every result
NAME = os.environ.get("CONSUMER_NAME", os.uname().nodename)  # one a process of this group, the same after a restart
CLAIM_AFTER_MILLISECONDS = int(os.environ.get("CLAIM_AFTER_MILLISECONDS", "60000"))  # longer than `handle` may take


def handle(result: dict) -> None:
    """Do the work. The same result may come again: tell it by its incident's id."""
    print(result["incident"]["incident_id"], result["disposition"], result["summary"], flush=True)


redis = Redis.from_url(os.environ["FIRSTLINE_REDIS_URL"], decode_responses=True, socket_timeout=10)
cursor = "0-0"
while True:
    try:  # one at a time: what waited in this process's hand would be taken over, and worked on twice
        cursor, entries, _ = redis.xautoclaim(STREAM, GROUP, NAME, CLAIM_AFTER_MILLISECONDS, cursor, count=1)
        fresh = [] if entries else redis.xreadgroup(GROUP, NAME, {STREAM: ">"}, count=1, block=2000)
        for entry_id, fields in entries or (fresh[0][1] if fresh else []):
            try:
                handle(json.loads(fields["result"]))
            except Exception as error:  # noqa: BLE001 - one bad entry holds up no other: it is put aside
                redis.xadd(f"{GROUP}:aside", {"entry_id": entry_id, "error": repr(error)}, maxlen=10_000)
            redis.xack(STREAM, GROUP, entry_id)  # after the work, never before
    except exceptions.RedisError as error:  # what was not acknowledged comes again
        print(repr(error), file=sys.stderr)
        time.sleep(1)
        if str(error).startswith("NOGROUP"):  # at first, or it was destroyed, or Redis emptied
            with contextlib.suppress(exceptions.RedisError):  # another process may have made it
                redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)  # 0: from the oldest kept; $: from now on
