"""What is to be delivered where, and what was: one durable record for each incident and sink, kept in Redis.

A result is noted for a sink once, however often it comes. Each attempt is counted before it is made, and a yes is
recorded after it was given, so that a crash in between repeats one attempt, and whoever repeats it knows. A step is
taken under a lease: of two consumers one sends. Times are Redis' own. Called by the dispatcher, its senders and
`firstline status`; nothing here talks to a sink.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from secrets import token_hex
from typing import Final

from redis import Redis
from redis.commands.core import Script

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.errors import ConfigurationError

__all__ = ["PAGE", "Deliveries", "Delivery", "delivery_key", "due_key", "sink_key"]

PAGE: Final = "page"
"""The first step of every delivery; each further one is what an engineer did."""

LEASE_SECONDS: Final = 120.0
"""Longer than any sink takes to answer or to give up."""
KEPT_SECONDS: Final = 30 * 86_400.0

FAILURES_OF_A_SINK_THAT_IS_DOWN: Final = 6
DOWN_AFTER_SECONDS: Final = 60.0
TRIED_AGAIN_SECONDS: Final = 60.0
"""A sink that is down gets one attempt in this time; every other page goes to its backup at once, or waits."""

_Arguments = list[str | int]

SINKS: Final = "firstline:sinks"
GIVEN_UP: Final = "firstline:deliveries:given-up"
"""Sorted set of "sink incident" that no sink took, scored by the time in milliseconds."""


def delivery_key(sink: str, incident_id: str) -> str:
    """Return the key of the hash: state (WAITING, DELIVERED, HANDED_OVER, GIVEN_UP), result, tries, times, note.

    Beside it, at the same key and `:steps`, the list of what is still to be said.
    """
    return f"firstline:delivery:{sink}:{incident_id}"


def due_key(sink: str) -> str:
    """Return the key of the sorted set of incidents with something to say, scored by when, in milliseconds."""
    return f"firstline:deliveries:{sink}"


def sink_key(sink: str) -> str:
    """Return the key of the hash with a sink's health: failures in a row, since when, and the last error."""
    return f"firstline:sink:{sink}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One step that was taken under a lease. `tries` counts this attempt; `note` says which sinks failed before."""

    sink: str
    incident_id: str
    step: str
    result: str
    note: str
    tries: int
    tried_for_seconds: float
    sink_is_down_for_seconds: float
    token: str

    @property
    def is_page(self) -> bool:
        """Whether it is the page, and not what was done since."""
        return self.step == PAGE


class Deliveries:
    """The records. The client must decode its replies. Safe from many threads; every method raises `RedisError`."""

    def __init__(self, redis: Redis, *, lease_seconds: float = LEASE_SECONDS) -> None:
        if not redis.get_encoder().decode_responses:
            raise ConfigurationError("Deliveries need a Redis client made with decode_responses=True.")
        self._redis = redis
        self._lease_seconds = lease_seconds
        self._schedule = _script(redis, "schedule")
        self._take = _script(redis, "take")
        self._record = _script(redis, "record")
        self._postpone = _script(redis, "postpone")
        self._let_go = _script(redis, "let_go")
        self._follow = _script(redis, "follow")
        self._retry = _script(redis, "retry")

    def schedule(self, sink: str, result: TriageResult, *, delay_seconds: float) -> bool:
        """Note that a sink is to be sent a result, `delay_seconds` from now; False when that was noted before."""
        incident_id = result.incident.incident_id
        keys = [*_keys(sink, incident_id), due_key(sink), SINKS]
        args: _Arguments = [sink, incident_id, result.model_dump_json(), _milliseconds(delay_seconds)]
        return bool(self._schedule(keys=keys, args=args))

    def follow(self, result: TriageResult, handled: Handled) -> list[str]:
        """Note for every sink that has the page, or will, that it is to show what was done, once; return their names.

        It needs no routes file and no secret, so that any process of an engineer's may call it.
        """
        incident_id, step = result.incident.incident_id, handled.model_dump_json()
        args: _Arguments = [incident_id, result.model_dump_json(), step, sha256(step.encode()).hexdigest()]
        sinks = sorted(map(str, self._redis.smembers(SINKS)))
        return [sink for sink in sinks if self._follow(keys=[*_keys(sink, incident_id), due_key(sink)], args=args)]

    def take(self, sink: str) -> Delivery | None:
        """Take the step that is due first, for as long as the lease lasts, and count the attempt."""
        token = token_hex(8)
        args: _Arguments = [
            delivery_key(sink, ""),
            _milliseconds(self._lease_seconds),
            token,
            FAILURES_OF_A_SINK_THAT_IS_DOWN,
            _milliseconds(DOWN_AFTER_SECONDS),
        ]
        reply = self._take(keys=[due_key(sink), sink_key(sink)], args=args)
        if not reply:
            return None
        incident_id, step, result, note, tries, age_milliseconds, wait_milliseconds = map(str, reply)
        return Delivery(
            sink=sink,
            incident_id=incident_id,
            step=step,
            result=result,
            note=note,
            tries=int(tries),
            tried_for_seconds=int(age_milliseconds) / 1000,
            sink_is_down_for_seconds=int(wait_milliseconds) / 1000,
            token=token,
        )

    def record(self, taken: Delivery) -> bool:
        """Record the sink's yes; False when somebody else had recorded one."""
        keys = [*_keys(taken.sink, taken.incident_id), due_key(taken.sink), sink_key(taken.sink)]
        args: _Arguments = [taken.incident_id, taken.step, taken.token, _milliseconds(KEPT_SECONDS)]
        return bool(self._record(keys=keys, args=args))

    def postpone(
        self, taken: Delivery, *, delay_seconds: float, failure: str = "", sink_pause_seconds: float = 0
    ) -> bool:
        """Put it off because of a `failure`, or unasked; the sink is left alone meanwhile if it wants a pause."""
        keys = [delivery_key(taken.sink, taken.incident_id), due_key(taken.sink), sink_key(taken.sink)]
        again, pause = _milliseconds(TRIED_AGAIN_SECONDS), _milliseconds(sink_pause_seconds)
        args: _Arguments = [taken.incident_id, taken.token, _milliseconds(delay_seconds), failure, again, pause]
        return bool(self._postpone(keys=keys, args=args))

    def hand_over(self, taken: Delivery, backup: str, *, delay_seconds: float, note: str, failure: str = "") -> bool:
        """Give a page to the backup sink, in one move; False when the lease went to another."""
        return self._end(taken, backup, delay_seconds=delay_seconds, note=note, failure=failure)

    def give_up(self, taken: Delivery, *, failure: str) -> bool:
        """End the tries, with nobody who takes it; False when the lease went to another.

        Here and above an empty `failure` says that the sink was not asked, or is not to blame.
        """
        return self._end(taken, "", delay_seconds=0, note="", failure=failure)

    def retry(self, sink: str) -> int:
        """Note again what a sink was given up for, and return how many pages that are: somebody has mended it."""
        return int(self._retry(keys=[GIVEN_UP, due_key(sink), sink_key(sink)], args=[sink, delivery_key(sink, "")]))

    def _end(self, taken: Delivery, backup: str, *, delay_seconds: float, note: str, failure: str) -> bool:
        keys = [
            *_keys(taken.sink, taken.incident_id),
            due_key(taken.sink),
            sink_key(taken.sink),
            SINKS,
            GIVEN_UP,
            *_keys(backup, taken.incident_id),
            due_key(backup),
        ]
        times = [_milliseconds(KEPT_SECONDS), _milliseconds(TRIED_AGAIN_SECONDS)]
        step = [taken.incident_id, taken.step, taken.token, failure]
        args: _Arguments = [*step, *times, taken.sink, backup, _milliseconds(delay_seconds), note]
        return bool(self._let_go(keys=keys, args=args))


def _keys(sink: str, incident_id: str) -> tuple[str, str]:
    key = delivery_key(sink, incident_id)
    return key, f"{key}:steps"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _script(redis: Redis, name: str) -> Script:
    return redis.register_script(files(__package__).joinpath(f"{name}_delivery.lua").read_text("utf-8"))
