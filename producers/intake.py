"""The one door through which incidents enter, and the producers' only contact with Redis.

For each incident one atomic script writes the registry's entry and the queue's message, or neither: the message is a
hint that may get lost, the entry is the truth. An answer that never arrived is asked for again: the incident is then a
duplicate. It never waits without bound, and never repeats a write by itself. Every producer calls it.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from worker.contract import Incident
from worker.contract.queue import (
    BROKER_KEY_PREFIX,
    OPEN_INCIDENTS,
    QUEUES,
    WATCHED_INCIDENTS,
    incident_key,
    queue_of,
    render_message,
)

__all__ = ["Answer", "IntakeUnavailable", "Verdict", "connect", "take_in"]

BATCH_SIZE: Final = 300
"""Commands past 1 MB, about 700 incidents of usual size, get slower; within one script everybody else waits."""

BATCH_SIZE_LIMIT: Final = 1_000
OPEN_INCIDENTS_LIMIT: Final = 100_000
"""With this many incidents unanswered the desk is not working: better a no now than a yes that nobody keeps."""

SWEEPER_PATIENCE_SECONDS: Final = 30
"""The sweeper first looks at an incident after this: by then a message that was not lost has brought it to a worker."""

SOCKET_TIMEOUT_SECONDS: Final = 5
CONNECT_TIMEOUT_SECONDS: Final = 3
HEALTH_CHECK_INTERVAL_SECONDS: Final = 5

_QUEUE_KEYS: Final = tuple(f"{BROKER_KEY_PREFIX}{queue}" for queue in QUEUES)
_FIRST_QUEUE_INDEX: Final = 2


class Answer(StrEnum):
    """What intake says to one incident, in the order of the script's numbers.

    ACCEPTED it yields a result, whatever happens · DUPLICATE this occurrence was accepted before, nothing was
    written · FULL too many incidents are open, nothing was written: keep the alert and send it again later.
    """

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FULL = "full"


_ANSWERS: Final = tuple(Answer)


class Verdict(NamedTuple):
    """The answer to one incident."""

    incident_id: str
    answer: Answer


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
    incidents: Iterable[Incident],
    *,
    batch_size: int = BATCH_SIZE,
    open_limit: int = OPEN_INCIDENTS_LIMIT,
) -> Iterator[Verdict]:
    """Yield one verdict an incident, in order: one round trip, one atomic script and all or nothing per batch.

    A batch is sent when it is full or `incidents` ends, and nothing is sent that is not asked for: iterate to the
    end. From a slow source take batches of 1. Any number of producers may send the same incident at the same time:
    one of them hears ACCEPTED. When Redis is unavailable this raises `IntakeUnavailable` after the verdicts
    so far; the batch at hand may be in or not, and sending it again is safe.
    """
    if not 1 <= batch_size <= BATCH_SIZE_LIMIT:
        raise ValueError(f"batch_size is {batch_size}; it must lie between 1 and {BATCH_SIZE_LIMIT}")
    waiting = iter(incidents)
    while batch := list(islice(waiting, batch_size)):
        for incident, answer in zip(batch, _answers(redis, batch, open_limit), strict=True):
            yield Verdict(incident.incident_id, answer)


def _answers(redis: Redis, batch: list[Incident], open_limit: int) -> list[Answer]:
    keys = [
        OPEN_INCIDENTS,
        *_QUEUE_KEYS,
        WATCHED_INCIDENTS,
        *(incident_key(incident.incident_id) for incident in batch),
    ]
    arguments: list[str | int] = [open_limit, round(SWEEPER_PATIENCE_SECONDS * 1000)]
    for incident in batch:
        queue = queue_of(incident.severity)
        message = render_message(incident.incident_id, queue)
        queue_index = _FIRST_QUEUE_INDEX + QUEUES.index(queue)
        arguments += [incident.incident_id, incident.model_dump_json(), message, queue_index]
    try:
        numbers = redis.register_script(_script())(keys=keys, args=arguments)
    except RedisError as error:
        raise IntakeUnavailable(_sentence(error)) from error
    return [_ANSWERS[number] for number in numbers]


def _sentence(error: RedisError) -> str:
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        remedy = "start it or correct FIRSTLINE_REDIS_URL, then send the same alerts again"
        return f"Redis cannot be reached ({error}): {remedy}; those with a time of their own are recognised"
    return f"Redis refused to take incidents in ({error}): correct that, then send the same alerts again"


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
