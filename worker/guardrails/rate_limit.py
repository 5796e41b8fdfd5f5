"""Rate limits over the whole fleet: so many calls in so many seconds, whoever makes them. Fails closed.

They protect health sources, log sources and model endpoints from a storm of incidents. The tools' guard and the model
adapters ask before each call. They are no lock and no restart budget: for restarts see `restart_guard`.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from math import ceil
from typing import Final

from redis import Redis

from worker.guardrails.script import GuardScript

__all__ = ["RateLimit", "RateLimiter"]

_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`count` calls in `per_seconds`, spaced evenly, of which `burst` may come at once.

    In any window of `per_seconds`, one end included and the other not, at most `count + burst - 1` calls are granted:
    with `burst=1` that is `count`, wherever the window lies. A window that includes both its ends can hold one more, at
    its very edge. The price of `burst=1` is that two calls at once are never granted, however quiet it was before.
    """

    name: str
    _: KW_ONLY
    count: int
    per_seconds: float
    burst: int = 1

    def __post_init__(self) -> None:
        if self.count < 1 or self.burst < 1 or self.per_seconds <= 0:
            raise ValueError(f"rate limit {self.name}: count and burst are at least 1, per_seconds is more than 0")

    @property
    def interval_microseconds(self) -> int:
        """The time between two calls at full rate, rounded up, so that rounding never adds a call to a window."""
        return ceil(self.per_seconds * _MICROSECONDS / self.count)


class RateLimiter:
    """The fleet's rate limits, kept in Redis under `firstline:rate:<name>:<scope>` and measured by Redis' own clock."""

    def __init__(self, redis: Redis) -> None:
        self._script = GuardScript(redis, "rate_limit.lua")

    def take(self, limits: Sequence[tuple[RateLimit, str]]) -> float:
        """Take one call under every limit, each with its scope (a server, a model, ``fleet``), or under none.

        Returns 0.0 when granted, else the seconds until the tightest limit has room; by then another may have come
        first. Any number of workers may call at once: they are granted one after the other. A reply that was lost and
        asked for again counts as two calls.

        When Redis is unavailable this raises `GuardrailUnavailable`, and the caller must not make the call.
        """
        if not limits:
            return 0.0
        keys = [f"firstline:rate:{limit.name}:{scope}" for limit, scope in limits]
        (wait_microseconds,) = self._script(keys=keys, args=[number for limit, _ in limits for number in _paces(limit)])
        return int(wait_microseconds) / _MICROSECONDS


def _paces(limit: RateLimit) -> tuple[int, int]:
    return limit.interval_microseconds, limit.interval_microseconds * (limit.burst - 1)
