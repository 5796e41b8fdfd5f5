"""How much waits for engineers, and for how long: incidents, and proposed restarts. It changes nothing.

For whoever looks at the whole desk at a glance; the lists themselves are in `handling_view.py` and `approvals.py`.
"""

from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from worker.contract.queue import WAITING_INCIDENTS
from worker.registry.approvals import Approvals
from worker.registry.waiting_scores import BANDS, milliseconds_of

__all__ = ["Waited", "incidents_waiting", "proposals_waiting"]

_PROPOSALS_LOOKED_AT: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How many wait, and how long the oldest has by Redis' clock; None when there is none."""

    count: int
    oldest_seconds: float | None


def incidents_waiting(redis: Redis) -> Waited:
    """Count the incidents that wait for engineers, claimed ones too. Redis errors pass through."""
    with redis.pipeline() as pipeline:
        pipeline.time()
        pipeline.zcard(WAITING_INCIDENTS)
        for start, end in BANDS:
            pipeline.zrangebyscore(WAITING_INCIDENTS, start, end, start=0, num=1, withscores=True)
        (seconds, _), count, *bands = pipeline.execute()
    listed: list[Any] = [score for band in bands for _, score in band]
    oldest_ms = min((milliseconds_of(score) for score in listed), default=None)
    return Waited(count=count, oldest_seconds=None if oldest_ms is None else max(0.0, seconds - oldest_ms / 1000))


def proposals_waiting(redis: Redis, *, within_seconds: float) -> Waited:
    """Count what `firstline proposals` lists: a thousand are looked at. Redis errors pass through."""
    waiting = Approvals(redis).waiting(within_seconds=within_seconds, limit=_PROPOSALS_LOOKED_AT)
    ages = [(proposal.read_at - proposal.proposed_at).total_seconds() for proposal in waiting]
    return Waited(count=len(ages), oldest_seconds=max(0.0, *ages) if ages else None)
