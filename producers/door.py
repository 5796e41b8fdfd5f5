"""The door that a producer knocks at: Redis, or the spool in front of it.

It holds no alert and repeats nothing: what it could not take in stays with the caller. The webhook and the pollers are
given a door; the spool is one and has one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from redis import Redis
from redis.exceptions import RedisError

from producers.intake import OPEN_INCIDENTS_LIMIT, StormRules, Verdict, take_in
from worker.contract import Alert
from worker.contract.queue import OPEN_INCIDENTS

__all__ = ["Door", "RedisDoor"]

_NO_REDIS: Final = "Redis does not answer: start it, or correct FIRSTLINE_REDIS_URL"


class Door(Protocol):
    """Where alerts enter. Safe from many threads; both calls block, for seconds at the most."""

    def take_in(self, alerts: Sequence[Alert]) -> list[Verdict]:
        """Return one verdict an alert, in order, once all that they promise is durable.

        Raises `IntakeUnavailable`: some alerts may be in or not, and sending all of them again is safe.
        """
        ...

    def unready(self) -> str | None:
        """Return why nothing can be taken in now, in one sentence with the remedy; None when something can."""
        ...


@dataclass(frozen=True, slots=True)
class RedisDoor:
    """Takes alerts straight in, durable as far as Redis is: `appendonly yes` and `appendfsync always` are its promise.

    `redis` comes from `connect`. When Redis is unavailable `take_in` raises `IntakeUnavailable`, and `unready` says so.
    """

    redis: Redis
    storms: StormRules = field(default_factory=StormRules)
    open_limit: int = OPEN_INCIDENTS_LIMIT

    def take_in(self, alerts: Sequence[Alert]) -> list[Verdict]:
        """Return one verdict an alert; see `Door`."""
        return list(take_in(self.redis, alerts, open_limit=self.open_limit, storms=self.storms))

    def unready(self) -> str | None:
        """Look at the open incidents: a Redis that is away, still loading, or full of them takes nothing in."""
        try:
            open_incidents = int(self.redis.zcard(OPEN_INCIDENTS))
        except RedisError:
            return _NO_REDIS
        if open_incidents >= self.open_limit:
            return f"{open_incidents} incidents are open, the limit is {self.open_limit}: start more workers"
        return None
