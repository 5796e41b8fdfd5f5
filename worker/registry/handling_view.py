"""Reads how incidents stand with engineers: what waits, one incident's history, and an id by its beginning.

It changes nothing, and searches no database: only the index of what waits, and what engineers did last.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from pydantic import ValidationError
from redis import Redis

from worker.contract.handling import Handled, Handling, HandlingState
from worker.contract.queue import HANDLED_STREAM, WAITING_INCIDENTS, handling_history_key, handling_key
from worker.contract.result import TriageResult
from worker.errors import ConfigurationError, ContractError
from worker.registry.concluded import Concluded
from worker.registry.view import time_of
from worker.registry.waiting_scores import BANDS, milliseconds_of

__all__ = ["HandlingView", "Waiting", "handled_of"]

_DAMAGED: Final = (
    "The handling of {incident} can't be read ({error}): what the desk did shows `firstline show {incident}`, and "
    "`firstline queue resolve {incident}` closes it."
)
_UNREADABLE: Final = (
    "What was concluded of {incident} can't be read, so nobody can judge it; all else can be done with it."
)
_PAGE: Final = 500
_HANDLED_LOOKED_AT: Final = 2_000
_LINE_FIELDS: Final = ["state", "person", "opened_at", "concluded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One incident that waits for engineers, since when the desk first concluded so. What can't be read is None.

    `opened_at` is when it was recorded that it waits: long after, where nobody had recorded results for a while.
    """

    incident_id: str
    state: HandlingState | None
    person: str | None
    waits_since: datetime
    opened_at: datetime | None
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

    def waiting(self, limit: int | None = None, *, newest_first: bool = False) -> tuple[Waiting, ...]:
        """List at most `limit` incidents: the most urgent first, of those the oldest; or the newest first."""
        listed = self._newest(limit) if newest_first else self._most_urgent(limit)
        pages = (listed[start : start + _PAGE] for start in range(0, len(listed), _PAGE))
        return tuple(line for page in pages for line in self._lines_of(page))

    def ids_that_begin_with(self, beginning: str) -> frozenset[str]:
        """Find the ids that begin so among what waits, and what engineers did last. It must hold no pattern."""
        waiting = self._redis.zscan_iter(WAITING_INCIDENTS, match=f"{beginning}*", count=_PAGE)
        handled: Any = self._redis.xrevrange(HANDLED_STREAM, count=_HANDLED_LOOKED_AT)
        handled_ids = (fields.get("incident_id", "") for _, fields in handled)
        found = (incident_id for incident_id in handled_ids if incident_id.startswith(beginning))
        return frozenset(found).union(incident_id for incident_id, _ in waiting)

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
        except (KeyError, ValueError, TypeError, ContractError) as error:
            raise ContractError(_DAMAGED.format(incident=incident_id, error=type(error).__name__)) from None

    def concluded(self, incident_id: str) -> Concluded | None:
        """Return what was concluded of an incident that engineers handle, or None. Raises `ContractError`."""
        stored = self._redis.hget(handling_key(incident_id), "concluded")
        try:
            return None if stored is None else Concluded.model_validate_json(str(stored))
        except ValidationError:
            raise ContractError(_UNREADABLE.format(incident=incident_id)) from None

    def letter(self, incident_id: str) -> TriageResult | None:
        """Return the result of a dead letter that engineers handle: the registry has none of it. Else None.

        Raises `ContractError`.
        """
        stored = self._redis.hget(handling_key(incident_id), "letter")
        try:
            return None if stored is None else TriageResult.model_validate_json(str(stored))
        except ValidationError:
            raise ContractError(_UNREADABLE.format(incident=incident_id)) from None

    def _lines_of(self, page: list[tuple[str, float]]) -> list[Waiting]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for incident_id, _ in page:
                pipeline.hmget(handling_key(incident_id), _LINE_FIELDS)
            stored = pipeline.execute(raise_on_error=False)
        return [_line_of(incident_id, score, fields) for (incident_id, score), fields in zip(page, stored, strict=True)]

    def _most_urgent(self, limit: int | None) -> list[tuple[str, float]]:
        listed = self._redis.zrange(WAITING_INCIDENTS, 0, -1 if limit is None else limit - 1, withscores=True)
        return cast("list[tuple[str, float]]", listed)

    def _newest(self, limit: int | None) -> list[tuple[str, float]]:
        """Look at the end of each urgency's part of the index: one's oldest is older than another's newest."""
        count = -1 if limit is None else limit
        with self._redis.pipeline(transaction=False) as pipeline:
            for start, end in BANDS:
                pipeline.zrevrangebyscore(WAITING_INCIDENTS, end, start, start=0, num=count, withscores=True)
            bands = pipeline.execute()
        return sorted((line for band in bands for line in band), key=lambda line: -milliseconds_of(line[1]))[:limit]


def _line_of(incident_id: str, score: float, values: object) -> Waiting:
    fields: dict[str, str | None] = dict(zip(_LINE_FIELDS, values if isinstance(values, list) else [], strict=False))
    state = concluded = opened_at = None
    with suppress(ValueError):
        state = HandlingState(fields.get("state") or "none")
    with suppress(ValueError):
        concluded = Concluded.model_validate_json(fields.get("concluded") or "")
    with suppress(ValueError, OverflowError, OSError):
        opened_at = time_of(int(fields.get("opened_at") or ""))
    return Waiting(
        incident_id=incident_id,
        state=state,
        person=fields.get("person") or None,
        waits_since=time_of(milliseconds_of(score)),
        opened_at=opened_at,
        concluded=concluded,
    )
