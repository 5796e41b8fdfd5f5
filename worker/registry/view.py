"""The registry, for reading: what a command line, a console and an alarm want to know. Writes nothing to incidents.

Redis errors (`redis.exceptions.RedisError`) pass through every method.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, cast

import structlog
from pydantic import TypeAdapter, ValidationError
from redis import Redis
from redis.exceptions import ResponseError

from worker.contract.incident import Alert, Incident
from worker.contract.queue import (
    BROKER_KEY_PREFIX,
    OPEN_INCIDENTS,
    QUEUES,
    alerts_key,
    incident_key,
    journal_key,
    read_message,
    worker_key,
)
from worker.contract.result import Occurrences, TriageResult
from worker.contract.transcript import Step
from worker.errors import ConfigurationError, ContractError
from worker.registry.occurrences import occurrences_of

__all__ = [
    "IncidentState",
    "OpenIncident",
    "RegistryEntry",
    "RegistryView",
    "WorkerBeat",
    "readable_alerts",
    "time_of",
    "unreadable",
]

_ALERT: Final[TypeAdapter[Alert]] = TypeAdapter(Alert)
_log = structlog.get_logger()
_LINE_FIELDS: Final = ["state", "worker", "epoch", "deliveries", "lease_until", "not_before"]


class IncidentState(StrEnum):
    """Where an incident stands: nobody's, a worker's, or done."""

    NEW = "NEW"
    CLAIMED = "CLAIMED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEntry:
    """All that is known of one incident; `worker` claimed it last, `lease_seconds_left` is None when nobody has it.

    `occurrences` counts all alerts that came to it, also after it was closed; the newest are in `alerts`, newest first.
    """

    incident: Incident
    state: IncidentState
    accepted_at: datetime
    epoch: int
    deliveries: int
    worker: str | None
    lease_seconds_left: float | None
    steps: tuple[Step, ...]
    result: TriageResult | None
    occurrences: Occurrences
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """One incident without a result, as a line in a list; `lease_seconds_left` is None when nobody holds it.

    `waits_seconds`: its triage waits so long yet, because an engineer has its group or the group was quiet; else None.
    `state` is None when the entry can't be read; then nothing else is known but its age.
    """

    incident_id: str
    state: IncidentState | None
    worker: str | None
    epoch: int
    deliveries: int
    age_seconds: float
    lease_seconds_left: float | None
    waits_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerBeat:
    """A worker that has beaten within the last 15 s, with what it said of itself; None when that can't be read."""

    name: str
    fields: Mapping[str, str] | None


class RegistryView:
    """Read access to the registry; safe to use from many threads.

    The client must decode its replies (`decode_responses=True`), else this raises `ConfigurationError`.
    """

    def __init__(self, redis: Redis) -> None:
        if not redis.get_encoder().decode_responses:
            raise ConfigurationError("The registry needs a Redis client made with decode_responses=True.")
        self._redis = redis

    def find(self, incident_id: str) -> RegistryEntry | None:
        """Read one incident whole, or None when it is unknown or past its retention. Raises `ContractError`."""
        with self._redis.pipeline() as pipeline:
            pipeline.time()
            pipeline.hgetall(incident_key(incident_id))
            pipeline.lrange(journal_key(incident_id), 0, -1)
            pipeline.lrange(alerts_key(incident_id), 0, -1)
            clock, fields, steps, alerts = pipeline.execute()
        if not fields:
            return None
        try:
            return _entry_of(fields, steps, alerts, now_ms=_milliseconds(clock))
        except (KeyError, ValueError, OverflowError) as error:
            raise unreadable(incident_id, error) from None

    def open_incidents(self, limit: int) -> tuple[OpenIncident, ...]:
        """List at most `limit` incidents without a result, oldest first; one that can't be read hides no other."""
        oldest = self._oldest_open(limit)
        with self._redis.pipeline() as pipeline:
            pipeline.time()
            for incident_id, _ in oldest:
                pipeline.hmget(incident_key(incident_id), _LINE_FIELDS)
            clock, *stored = pipeline.execute(raise_on_error=False)
        now_ms = _milliseconds(clock)
        return tuple(
            _line_of(incident_id, values, age_seconds=_age_seconds(score, now_ms=now_ms), now_ms=now_ms)
            for (incident_id, score), values in zip(oldest, stored, strict=True)
        )

    def open_count(self) -> int:
        """Count the incidents without a result."""
        return int(self._redis.zcard(OPEN_INCIDENTS))

    def oldest_open_age_seconds(self) -> float | None:
        """Return how long the oldest incident has waited for its result, by Redis' clock; None when there is none."""
        oldest = self._oldest_open(1)
        if not oldest:
            return None
        ((_, accepted_ms),) = oldest
        return _age_seconds(accepted_ms, now_ms=_milliseconds(self._redis.time()))

    def queue_lengths(self) -> dict[str, int]:
        """Count the messages that wait in each queue, most urgent queue first. Messages are hints: alarm on age."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for queue in QUEUES:
                pipeline.llen(BROKER_KEY_PREFIX + queue)
            return dict(zip(QUEUES, pipeline.execute(), strict=True))

    def waiting_seconds(self) -> dict[str, float]:
        """Return how long the next incident of each queue has waited, by Redis' clock; without a queue that has none.

        A queue whose next message can't be read is left out too: it is poison, and the next to be buried.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.time()
            for queue in QUEUES:
                pipeline.lindex(BROKER_KEY_PREFIX + queue, -1)
            clock, *messages = pipeline.execute()
        now_ms, waiting = _milliseconds(clock), {}
        for queue, message in zip(QUEUES, messages, strict=True):
            with suppress(ValueError, ResponseError):
                accepted_ms = self._redis.hget(incident_key(read_message((message or "").encode())), "accepted_at")
                waiting[queue] = _age_seconds(float(str(accepted_ms)), now_ms=now_ms)
        return waiting

    def workers(self) -> tuple[WorkerBeat, ...]:
        """List the workers that live, by name."""
        keys = sorted(str(key) for key in self._redis.scan_iter(match=worker_key("*")))
        with self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hgetall(key)
            beats = pipeline.execute(raise_on_error=False)
        prefix = worker_key("")
        return tuple(
            WorkerBeat(name=key.removeprefix(prefix), fields=None if isinstance(fields, ResponseError) else fields)
            for key, fields in zip(keys, beats, strict=True)
            if fields
        )

    def _oldest_open(self, limit: int) -> list[tuple[str, float]]:
        return cast("list[tuple[str, float]]", self._redis.zrange(OPEN_INCIDENTS, 0, limit - 1, withscores=True))


def unreadable(incident_id: str, error: Exception) -> ContractError:
    """Return the error for an unreadable entry: it names the fields at fault, and never quotes what they hold."""
    if not isinstance(error, ValidationError):
        return ContractError(f"The registry's entry of {incident_id} lacks a field, or a number is none: {error!r}")
    complaints = [
        f"{'.'.join(map(str, details['loc'])) or 'the whole'}: {details['type']}"
        for details in error.errors(include_input=False)
    ]
    return ContractError(f"The registry's entry of {incident_id} can't be read: {'; '.join(complaints)}")


def time_of(milliseconds: float) -> datetime:
    """Return the aware time in UTC of a count of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def readable_alerts(incident_id: str, stored: Sequence[str]) -> tuple[Alert, ...]:
    """Read the alerts that came to an incident; one that can't be read is left out, and hides no other."""
    alerts = []
    for text in stored:
        try:
            alerts.append(_ALERT.validate_json(text))
        except ValidationError:
            _log.warning("registry.alert_unreadable", incident_id=incident_id)
    return tuple(alerts)


def _entry_of(fields: Mapping[str, str], steps: Sequence[str], alerts: Sequence[str], *, now_ms: int) -> RegistryEntry:
    result = fields.get("result")
    incident, accepted_at = Incident.model_validate_json(fields["incident"]), time_of(int(fields["accepted_at"]))
    counts = [fields.get(name) for name in ("occurrences", "resolved", "last_seen_at", "urgency")]
    return RegistryEntry(
        incident=incident,
        state=IncidentState(fields.get("state", IncidentState.NEW)),
        accepted_at=accepted_at,
        epoch=int(fields.get("epoch", 0)),
        deliveries=int(fields.get("deliveries", 0)),
        worker=fields.get("worker"),
        lease_seconds_left=_lease_seconds_left(fields, now_ms=now_ms),
        steps=tuple(Step.model_validate_json(step) for step in steps),
        result=None if result is None else TriageResult.model_validate_json(result),
        occurrences=occurrences_of(counts, first_seen_at=accepted_at),
        alerts=readable_alerts(incident.incident_id, alerts),
    )


def _line_of(
    incident_id: str, values: list[str | None] | ResponseError, *, age_seconds: float, now_ms: int
) -> OpenIncident:
    try:
        fields = dict(zip(_LINE_FIELDS, [] if isinstance(values, ResponseError) else values, strict=True))
        return OpenIncident(
            incident_id=incident_id,
            state=IncidentState(fields["state"] or IncidentState.NEW),
            worker=fields["worker"],
            epoch=int(fields["epoch"] or 0),
            deliveries=int(fields["deliveries"] or 0),
            age_seconds=age_seconds,
            lease_seconds_left=_lease_seconds_left(fields, now_ms=now_ms),
            waits_seconds=_waits_seconds(fields["not_before"], now_ms=now_ms),
        )
    except (ValueError, OverflowError):
        return OpenIncident(
            incident_id=incident_id,
            state=None,
            worker=None,
            epoch=0,
            deliveries=0,
            age_seconds=age_seconds,
            lease_seconds_left=None,
        )


def _age_seconds(accepted_ms: float, *, now_ms: int) -> float:
    """Return an age from 0 to that of 1970: a score may be any number, and infinite."""
    return (now_ms - min(max(accepted_ms, 0), now_ms)) / 1000


def _waits_seconds(not_before: str | None, *, now_ms: int) -> float | None:
    seconds = (int(not_before or 0) - now_ms) / 1000
    return seconds if seconds > 0 else None


def _lease_seconds_left(fields: Mapping[str, str | None] | Mapping[str, str], *, now_ms: int) -> float | None:
    lease_until = fields.get("lease_until")
    return None if lease_until is None else max(0, int(lease_until) - now_ms) / 1000


def _milliseconds(clock: tuple[int, int]) -> int:
    seconds, microseconds = clock
    return seconds * 1000 + microseconds // 1000
