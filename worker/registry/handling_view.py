"""Reads how incidents stand with engineers: the list of what waits, and one incident's history. It changes nothing."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from pydantic import ValidationError
from redis import Redis

from worker.contract.handling import Handled, Handling, HandlingState
from worker.contract.queue import WAITING_INCIDENTS, handling_history_key, handling_key
from worker.errors import ConfigurationError, ContractError
from worker.registry.concluded import Concluded
from worker.registry.view import time_of

__all__ = ["HandlingView", "Waiting", "handled_of"]

_URGENCIES: Final = 3
_BAND: Final = 10**13
_LINE_FIELDS: Final = ["state", "person", "opened_at", "concluded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One incident that waits for engineers. `state` and `concluded` are None when its entry can't be read."""

    incident_id: str
    state: HandlingState | None
    person: str | None
    opened_at: datetime
    concluded: Concluded | None


def handled_of(milliseconds: str, told: str) -> Handled:
    """Read one action as it is stored: when, by Redis' clock, and who did what as JSON. Raises `ContractError`."""
    try:
        return Handled.model_validate(json.loads(told) | {"at": time_of(int(milliseconds))})
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise ContractError(f"an engineer's action can't be read ({type(error).__name__})") from None


class HandlingView:
    """Read access; safe to use from many threads. The client must decode. Redis errors pass through every method."""

    def __init__(self, redis: Redis) -> None:
        if not redis.get_encoder().decode_responses:
            raise ConfigurationError("Handling needs a Redis client made with decode_responses=True.")
        self._redis = redis

    def count(self) -> int:
        """Count what waits."""
        return int(self._redis.zcard(WAITING_INCIDENTS))

    def waiting(self, limit: int, *, newest_first: bool = False) -> tuple[Waiting, ...]:
        """List at most `limit` incidents: the most urgent first, of those the oldest; or the newest first."""
        listed = self._newest(limit) if newest_first else self._most_urgent(limit)
        with self._redis.pipeline(transaction=False) as pipeline:
            for incident_id, _ in listed:
                pipeline.hmget(handling_key(incident_id), _LINE_FIELDS)
            stored = pipeline.execute(raise_on_error=False)
        return tuple(
            _line_of(incident_id, score, values) for (incident_id, score), values in zip(listed, stored, strict=True)
        )

    def find(self, incident_id: str) -> Handling | None:
        """Read one incident's handling, or None when it needed nobody or is forgotten. Raises `ContractError`."""
        with self._redis.pipeline() as pipeline:
            pipeline.hgetall(handling_key(incident_id))
            pipeline.lrange(handling_history_key(incident_id), 0, -1)
            fields, history = pipeline.execute()
        if not fields:
            return None
        try:
            return Handling(
                incident_id=incident_id,
                state=HandlingState(fields["state"]),
                person=fields["person"] or None,
                history=tuple(handled_of(*told.split(" ", 1)) for told in history),
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ContractError(f"The handling of {incident_id} can't be read ({type(error).__name__}).") from None

    def concluded(self, incident_id: str) -> Concluded | None:
        """Return what was concluded of an incident that engineers handle, or None. Raises `ContractError`."""
        stored = self._redis.hget(handling_key(incident_id), "concluded")
        try:
            return None if stored is None else Concluded.model_validate_json(str(stored))
        except ValidationError:
            raise ContractError(f"What was concluded of {incident_id} can't be read.") from None

    def _most_urgent(self, limit: int) -> list[tuple[str, float]]:
        listed = self._redis.zrange(WAITING_INCIDENTS, 0, limit - 1, withscores=True)
        return cast("list[tuple[str, float]]", listed)

    def _newest(self, limit: int) -> list[tuple[str, float]]:
        """Look at the end of each urgency's part of the index: one's oldest is older than another's newest."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for urgency in range(_URGENCIES):
                end, start = f"({(urgency + 1) * _BAND}", urgency * _BAND
                pipeline.zrevrangebyscore(WAITING_INCIDENTS, end, start, start=0, num=limit, withscores=True)
            bands = pipeline.execute()
        return sorted((line for band in bands for line in band), key=lambda line: -(line[1] % _BAND))[:limit]


def _line_of(incident_id: str, score: float, values: object) -> Waiting:
    fields: dict[str, str | None] = dict(zip(_LINE_FIELDS, values if isinstance(values, list) else [], strict=False))
    state: HandlingState | None = None
    concluded: Concluded | None = None
    try:
        state = HandlingState(fields.get("state") or "none")
        concluded = Concluded.model_validate_json(fields.get("concluded") or "")
    except ValueError:
        pass  # what can't be read is None, and hides no other
    return Waiting(
        incident_id=incident_id,
        state=state,
        person=fields.get("person") or None,
        opened_at=time_of(min(max(score, 0), _URGENCIES * _BAND) % _BAND),
        concluded=concluded,
    )
