"""The one door through which incidents enter, and the producers' only contact with Redis.

For each incident one atomic script writes the registry's entry and the queue's message, or neither: the message is a
hint that may get lost, the entry is the truth. A storm collapses in the same script: what belongs to an open incident
is attached to it and counted. An answer that never arrived is asked for again: the alert is then a duplicate. It never
waits without bound, and never repeats a write by itself. Every producer calls it.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from worker.contract import Alert, Incident, Resolution
from worker.contract.incident import identity
from worker.contract.queue import (
    BROKER_KEY_PREFIX,
    MESSAGE_PARTS,
    OPEN_INCIDENTS,
    QUEUES,
    WATCHED_INCIDENTS,
    alerts_key,
    group_key,
    incident_key,
    occurrence_key,
    queue_of,
)

__all__ = ["Answer", "IntakeUnavailable", "StormRules", "Verdict", "connect", "take_in"]

BATCH_SIZE: Final = 500
"""Commands past 1 MB get slower, and within one script, some milliseconds for as many, everybody else waits."""

BATCH_SIZE_LIMIT: Final = 1_000
_FIRST_BATCH_PART: Final = 8
"""The first batch of several is smaller by so much: Redis has work the sooner."""

OPEN_INCIDENTS_LIMIT: Final = 100_000
"""With this many incidents unanswered the desk is not working: better a no now than a yes that nobody keeps."""

SWEEPER_PATIENCE_SECONDS: Final = 30
"""The sweeper first looks at an incident after this: by then a message that was not lost has brought it to a worker."""

RETENTION_SECONDS: Final = 7 * 24 * 3600
"""How long an occurrence is known again: as long as a closed incident is kept."""

SOCKET_TIMEOUT_SECONDS: Final = 5
CONNECT_TIMEOUT_SECONDS: Final = 3
HEALTH_CHECK_INTERVAL_SECONDS: Final = 5

_KEYS: Final = (OPEN_INCIDENTS, *(f"{BROKER_KEY_PREFIX}{queue}" for queue in QUEUES), WATCHED_INCIDENTS)
_QUEUE_INDEX: Final = {queue: index for index, queue in enumerate(QUEUES, start=2)}
_NO_QUEUE: Final = 0
_FIRES_AGAIN: Final = 5


class Answer(StrEnum):
    """What intake says to one alert.

    ACCEPTED an incident was opened, it yields a result, whatever happens · ATTACHED it is counted with the incident
    that its group has already, or with the one that follows what an engineer has · DUPLICATE this occurrence is known,
    nothing was written · RESOLVED its end is noted · FULL too many incidents are open, nothing was written: keep the
    alert, and send it again later · SPOOLED it is on this machine's disk (`spool`), and taken in as soon as Redis is
    there.
    """

    ACCEPTED = "accepted"
    ATTACHED = "attached"
    DUPLICATE = "duplicate"
    RESOLVED = "resolved"
    FULL = "full"
    SPOOLED = "spooled"


_ANSWERS: Final = (Answer.ACCEPTED, Answer.ATTACHED, Answer.DUPLICATE, Answer.RESOLVED, Answer.FULL)
"""In the order of the script's numbers."""


class Verdict(NamedTuple):
    """The answer to one alert, and the incident that has it; where none does (FULL, the end of nothing), its own id."""

    incident_id: str
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class StormRules:
    """How a storm collapses once the first incident of a group is closed; while it is open, all that comes is attached.

    What comes then opens the next incident of the group, to which everything further is attached, and whose triage
    waits: `quiet_seconds` since an end that went well (`recovered`, `no_action`), `engineer_seconds` since the group
    was handed to an engineer, `engineer_critical_seconds` for critical alerts. If all of it is over by then, it closes
    by itself. An alert that is more urgent than all of the closed incident waits for none of these. `alerts_kept` is
    how many alerts beside its own an incident keeps; all are counted. A firing that comes within `lateness_seconds`
    after its own end may be a late copy: its triage waits until then.
    """

    quiet_seconds: float = 60
    engineer_seconds: float = 900
    engineer_critical_seconds: float = 300
    alerts_kept: int = 20
    lateness_seconds: float = 60


class IntakeUnavailable(Exception):  # noqa: N818 - the state, not an accident
    """Redis gave no answer for a batch: its incidents may be in or not, and sending them again is safe.

    The text is one sentence with the remedy, and never holds the URL, which may hold a password.
    """


def connect(url: str) -> Redis:
    """Return a client for `take_in` that gives up within seconds, and repeats no command by itself.

    A repeated write would be safe here, but it hides an outage from the caller, who has to keep the alert.
    It connects on first use. Raises `ValueError` when `url` is none.
    """
    return Redis.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        health_check_interval=HEALTH_CHECK_INTERVAL_SECONDS,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


def take_in(
    redis: Redis,
    alerts: Iterable[Alert],
    *,
    batch_size: int = BATCH_SIZE,
    open_limit: int = OPEN_INCIDENTS_LIMIT,
    storms: StormRules = StormRules(),
) -> Iterator[Verdict]:
    """Yield one verdict an alert, in order: one round trip, one atomic script and all or nothing per batch.

    A batch is sent when it is full or `alerts` ends, and nothing is sent that is not asked for: iterate to the
    end. From a slow source take batches of 1. Of a sequence the next batch is sent before the last is answered, and
    rendered while Redis works. Any number of producers may send the same incident at the same time: one of them hears
    ACCEPTED. When Redis is unavailable this raises `IntakeUnavailable` after the verdicts so far; the batch at hand,
    and of a sequence the next one, may be in or not, and sending them again is safe.
    """
    if not 1 <= batch_size <= BATCH_SIZE_LIMIT:
        raise ValueError(f"batch_size is {batch_size}; it must lie between 1 and {BATCH_SIZE_LIMIT}")
    head = _head(open_limit, storms)
    if isinstance(alerts, Sequence) and len(alerts) > batch_size:
        first_size = max(1, batch_size // _FIRST_BATCH_PART)
        yield from _one_ahead(redis, _batches(alerts, batch_size, first_size=first_size), head)
    else:
        for batch in _batches(alerts, batch_size, first_size=batch_size):
            yield from _verdicts(redis, batch, head)


class _Batch(NamedTuple):
    """Alerts, each behind its occurrence, and the script's arguments for them."""

    alerts: Sequence[tuple[str, Alert]]
    arguments: list[str | int]

    @property
    def occurrences(self) -> set[str]:
        return {occurrence for occurrence, _ in self.alerts}


def _batch(alerts: Sequence[tuple[str, Alert]]) -> _Batch:
    return _Batch(alerts, [argument for occurrence, alert in alerts for argument in _arguments(occurrence, alert)])


def _batches(alerts: Iterable[Alert], batch_size: int, *, first_size: int) -> Iterator[_Batch]:
    """Cut into batches, none of which has a firing and an end of one occurrence: what fires again is offered twice."""
    batch: list[tuple[str, Alert]] = []
    kinds: dict[str, type[Alert]] = {}
    size = first_size
    for alert in alerts:
        occurrence, kind = _occurrence(alert), type(alert)
        if kinds.setdefault(occurrence, kind) is not kind:
            yield _batch(batch)
            batch, kinds = [], {occurrence: kind}
        batch.append((occurrence, alert))
        if len(batch) == size:
            yield _batch(batch)
            batch, kinds, size = [], {}, batch_size
    if batch:
        yield _batch(batch)


def _occurrence(alert: Alert) -> str:
    return (alert.fires_again if isinstance(alert, Incident) else None) or alert.incident_id


def _one_ahead(redis: Redis, batches: Iterator[_Batch], head: Sequence[str | int]) -> Iterator[Verdict]:
    """Send each batch before the one before it is answered, but for those that have an occurrence in common."""
    with _Line(redis, head) as line:
        sent: _Batch | None = None
        for batch in batches:
            if sent and not sent.occurrences.isdisjoint(batch.occurrences):
                yield from line.verdicts(sent)
                sent = None
            line.send(batch)
            if sent:
                yield from line.verdicts(sent)
            sent = batch
        if sent:
            yield from line.verdicts(sent)


class _Line:
    """A connection on which the answers come in the order of the batches. Closed with one outstanding, it is cut."""

    def __init__(self, redis: Redis, head: Sequence[str | int]) -> None:
        self._redis, self._head, self._outstanding = redis, head, 0

    def __enter__(self) -> Self:
        with _told():
            self._connection: Any = self._redis.connection_pool.get_connection()
        return self

    def __exit__(self, *_: object) -> None:
        if self._outstanding:
            self._connection.disconnect()
        self._redis.connection_pool.release(self._connection)

    def send(self, batch: _Batch) -> None:
        self._outstanding += 1
        with _told():
            self._connection.send_command("EVAL", _script(), len(_KEYS), *_KEYS, *self._head, *batch.arguments)

    def verdicts(self, batch: _Batch) -> list[Verdict]:
        """Wait for the answer to the oldest batch that has none, which is this one."""
        with _told():
            reply = self._connection.read_response()
        self._outstanding -= 1
        return _read(self._redis, batch, self._head, reply)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise IntakeUnavailable(_sentence(error)) from error


def _verdicts(redis: Redis, batch: _Batch, head: Sequence[str | int]) -> list[Verdict]:
    with _told():
        reply = redis.register_script(_script())(keys=_KEYS, args=[*head, *batch.arguments])
    return _read(redis, batch, head, reply)


def _read(redis: Redis, batch: _Batch, head: Sequence[str | int], reply: Sequence[Any]) -> list[Verdict]:
    """Read the script's answers to a batch; what was over and fires again is offered once more, as a new incident."""
    numbers = [int(word) for word in reply[::2]]
    told = [word.decode() if isinstance(word, bytes) else str(word) for word in reply[1::2]]
    opened = _opened_again(redis, batch, numbers, told, head)
    return [
        next(opened) if number == _FIRES_AGAIN else Verdict(incident_id or occurrence, _ANSWERS[number])
        for (occurrence, _), number, incident_id in zip(batch.alerts, numbers, told, strict=True)
    ]


def _opened_again(
    redis: Redis, batch: _Batch, numbers: Sequence[int], told: Sequence[str], head: Sequence[str | int]
) -> Iterator[Verdict]:
    again = [
        (occurrence, _again(alert, since))
        for (occurrence, alert), number, since in zip(batch.alerts, numbers, told, strict=True)
        if number == _FIRES_AGAIN
    ]
    return iter(_verdicts(redis, _batch(again), head) if again else ())


def _head(open_limit: int, storms: StormRules) -> list[str | int]:
    seconds = (
        SWEEPER_PATIENCE_SECONDS,
        storms.quiet_seconds,
        storms.engineer_seconds,
        storms.engineer_critical_seconds,
        storms.lateness_seconds,
        RETENTION_SECONDS,
    )
    prefixes = (incident_key(""), alerts_key(""), occurrence_key(""), group_key(""))
    parts = chain.from_iterable(MESSAGE_PARTS[queue] for queue in QUEUES)
    return [open_limit, *(round(each * 1000) for each in seconds), storms.alerts_kept, *prefixes, *parts]


def _arguments(occurrence: str, alert: Alert) -> tuple[str | int, ...]:
    if isinstance(alert, Resolution):
        return occurrence, "", "", alert.model_dump_json(), f"{_NO_QUEUE} {_age_milliseconds(alert)}"
    incident_id, queue_index = alert.incident_id, _QUEUE_INDEX[queue_of(alert.severity)]
    if incident_id == occurrence:
        return occurrence, "", alert.group, alert.model_dump_json(), queue_index
    place = f"{queue_index} {_age_milliseconds(alert)}"
    return occurrence, incident_id, alert.group, alert.model_dump_json(), place


def _age_milliseconds(alert: Alert) -> int:
    return max(0, round((time.time() - alert.received_at.timestamp()) * 1000))


def _again(alert: Alert, since: str) -> Alert:
    """Return a firing as a new incident; the same one whoever sends it, for it is named after the end before it."""
    return alert.model_copy(update={"incident_id": identity(alert.fingerprint, f"{alert.incident_id} again {since}")})


def _sentence(error: RedisError) -> str:
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        remedy = "start it or correct FIRSTLINE_REDIS_URL, then send the same alerts again"
        return f"Redis cannot be reached ({error}): {remedy}; those with a time of their own are recognised"
    return f"Redis refused to take incidents in ({error}): correct that, then send the same alerts again"


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
