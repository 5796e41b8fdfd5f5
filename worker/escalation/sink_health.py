"""How the sinks are, as Redis has it: which fail, since when, with which words, and how much waits for them.

Read by `firstline status`, which needs no routes file; it changes nothing. Errors are as the senders wrote them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis

from worker.escalation.delivery import GIVEN_UP, SETTLED, SINKS, due_key, sink_key

__all__ = ["SinkHealth", "given_up", "settled", "sinks_in_use"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkHealth:
    """One sink: how many deliveries wait for it, and what went wrong since it last took one."""

    sink: str
    waiting: int
    failures: int
    failing_since: datetime | None
    error: str | None


def sinks_in_use(redis: Redis) -> list[SinkHealth]:
    """Return every sink that was ever sent something, by name. Raises `RedisError`, `ValueError` for what is odd."""
    names = sorted(map(str, redis.smembers(SINKS)))
    return [_health_of(name, redis.zcard(due_key(name)), _fields(redis.hgetall(sink_key(name)))) for name in names]


def given_up(redis: Redis) -> int:
    """Return how many deliveries no sink took, within the time that records are kept."""
    return redis.zcard(GIVEN_UP)


def settled(redis: Redis) -> int:
    """Return how many pages nobody needed any more when they were to be sent, within the same time."""
    return redis.zcard(SETTLED)


def _fields(reply: Mapping[bytes | str, bytes | str]) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in reply.items()}


def _health_of(name: str, waiting: int, fields: Mapping[str, str]) -> SinkHealth:
    since = fields.get("failing_since_at")
    return SinkHealth(
        sink=name,
        waiting=waiting,
        failures=int(fields.get("failures", "0")),
        failing_since=datetime.fromtimestamp(int(since) / 1000, UTC) if since else None,
        error=fields.get("error"),
    )
