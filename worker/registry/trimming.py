"""Trimming the results stream: what every consumer has acknowledged is forgotten after the retention, nothing else.

Redis runs without eviction, so what grows for ever ends in a Redis that refuses everything. Runs in every worker
process, now and then; two at once do no harm. Dead letters and the restart journal are never trimmed: people read them.
"""

from typing import Final

import structlog
from redis import Redis

from worker.contract.queue import ESCALATION_GROUP, RESULTS_STREAM
from worker.registry.registry import RETENTION_SECONDS
from worker.registry.script import load_script

__all__ = ["ResultsTrimmer"]

_AT_ONCE: Final = 10_000

log = structlog.get_logger()


class ResultsTrimmer:
    """Trims when told to. Redis errors (`redis.exceptions.RedisError`) pass through; nothing is lost by one."""

    def __init__(self, redis: Redis, *, retention_seconds: float = RETENTION_SECONDS) -> None:
        self._retention_milliseconds = round(retention_seconds * 1000)
        self._trim = load_script(redis, "trim.lua")

    def trim(self) -> int:
        """Forget old, acknowledged results, and return how many, 10,000 at most, rounded down to the stream's nodes.

        While the group `escalation` has not read the stream, nothing is forgotten.
        """
        forgotten = int(
            self._trim(keys=[RESULTS_STREAM], args=[self._retention_milliseconds, _AT_ONCE, ESCALATION_GROUP])
        )
        if forgotten:
            log.info("results.trimmed", entries=forgotten)
        return forgotten
