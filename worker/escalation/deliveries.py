"""What is to be delivered where, and what was: one durable record for each incident and sink, kept in Redis.

A result is noted for a sink once, however often it comes. Each attempt is counted before it is made, and a yes is
recorded after it was given, so that a crash in between repeats one attempt, and whoever repeats it knows. A step is
taken under a lease: of two consumers one sends. Times are Redis' own. Called by the dispatcher, its senders and
`firstline status`; nothing here talks to a sink.
"""

import json
from collections.abc import Collection, Sequence
from functools import partial
from hashlib import sha256
from secrets import token_hex
from typing import Final

from redis import Redis

from worker.contract import TriageResult
from worker.contract.handling import Action, Handled
from worker.errors import ConfigurationError
from worker.escalation.delivery import (
    GIVEN_UP,
    SETTLED,
    SINKS,
    Delivery,
    Ended,
    delivery_key,
    due_key,
    keys_of,
    served_key,
    sink_key,
    taken_key,
)
from worker.registry.script import load_script

__all__ = ["HEAD_START_SECONDS", "PAUSE_WAITED_OUT_SECONDS", "Deliveries"]

LEASE_SECONDS: Final = 120.0
"""Longer than any sink takes to answer or to give up."""
SERVED_SECONDS: Final = 10.0
"""A sink of which no consumer has said for so long that it serves it has none."""
KEPT_SECONDS: Final = 30 * 86_400.0

FAILURES_OF_A_SINK_THAT_IS_DOWN: Final = 6
DOWN_AFTER_SECONDS: Final = 60.0
TRIED_AGAIN_SECONDS: Final = 60.0
"""A sink that is down gets one attempt in this time; every other page goes to its backup at once, or waits."""
PAUSE_WAITED_OUT_SECONDS: Final = 60.0
"""A sink that wants nothing for longer is as good as down to every page that comes meanwhile."""
HEAD_START_SECONDS: Final = 3_600.0
"""A critical page is due so long before its time: it passes all that wait for the same sink and are less urgent."""

_Arguments = list[str | int]
_script = partial(load_script, room=__package__)


class Deliveries:
    """The records. The client must decode its replies. Safe from many threads; every method raises `RedisError`.

    `member` is the consumer that takes, under a name that no other process has: it has one step of a sink in hand at a
    time, and back after its death it need not wait for its own lease. One without a name never comes back.
    """

    def __init__(self, redis: Redis, *, lease_seconds: float = LEASE_SECONDS, member: str | None = None) -> None:
        if not redis.get_encoder().decode_responses:
            raise ConfigurationError("Deliveries need a Redis client made with decode_responses=True.")
        self._redis = redis
        self._lease_seconds = lease_seconds
        self._member = member or token_hex(8)
        self._schedule = _script(redis, "schedule_delivery.lua")
        self._take = _script(redis, "take_delivery.lua")
        self._record = _script(redis, "record_delivery.lua")
        self._postpone = _script(redis, "sink_failure.lua", "postpone_delivery.lua")
        self._let_go = _script(redis, "sink_failure.lua", "let_go_delivery.lua")
        self._follow = _script(redis, "follow_delivery.lua")
        self._retry = _script(redis, "retry_delivery.lua")
        self._settle = _script(redis, "settle_delivery.lua")
        self._wake = _script(redis, "wake_delivery.lua")

    def routed(self, result: TriageResult, sinks: Sequence[str]) -> list[str]:
        """Keep to which sinks an incident goes, once, and return what was kept first: `sinks`, or those of before.

        A result that goes nowhere keeps none from going somewhere that comes after it.
        """
        key = f"firstline:routed:{result.incident.incident_id}"
        if sinks:
            kept = self._redis.set(key, json.dumps(sinks), nx=True, get=True, px=_milliseconds(KEPT_SECONDS))
        else:
            kept = self._redis.get(key)
        return [str(name) for name in json.loads(str(kept))] if kept else list(sinks)

    def sinks(self) -> frozenset[str]:
        """Return every sink that was ever noted anything, also one that no routes file names any more."""
        return frozenset(map(str, self._redis.smembers(SINKS)))

    def serve(self, sinks: Collection[str]) -> None:
        """Say that these have senders: to be said again before `SERVED_SECONDS` are over."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for sink in sinks:
                pipeline.set(served_key(sink), 1, px=_milliseconds(SERVED_SECONDS))
            pipeline.execute()

    def unserved(self) -> list[str]:
        """Return the sinks that no consumer serves."""
        return [sink for sink in sorted(self.sinks()) if not self._redis.exists(served_key(sink))]

    def is_noted(self, sink: str, incident_id: str) -> bool:
        """Say whether a sink has, had, or will have an incident's page."""
        return bool(self._redis.exists(delivery_key(sink, incident_id)))

    def is_left_behind(self, result: TriageResult, present: Collection[str]) -> bool:
        """Say whether its incident has pages, all of other results, and none that one of `present` has or waits with.

        Such sinks have left the routes file, or handed the page to one that has.
        """
        finished_at, is_paged = str(_milliseconds(result.finished_at.timestamp())), False
        for sink in self.sinks():
            kept = self._redis.hmget(delivery_key(sink, result.incident.incident_id), "state", "finished_at")
            is_here = sink in present and kept[0] not in {None, "HANDED_OVER"}
            if is_here or kept[1] == finished_at:
                return False
            is_paged = is_paged or kept[0] is not None
        return is_paged

    def schedule(self, sink: str, result: TriageResult, *, delay_seconds: float, is_anew: bool = False) -> bool:
        """Note that a sink is to be sent a result, `delay_seconds` from now; False when that was noted before.

        With `is_anew` a page that the sink handed on before does not count.
        """
        incident_id = result.incident.incident_id
        keys = [*keys_of(sink, incident_id), due_key(sink), SINKS]
        finished_at = _milliseconds(result.finished_at.timestamp())
        args: _Arguments = [sink, incident_id, result.model_dump_json(), _milliseconds(delay_seconds)]
        return bool(self._schedule(keys=keys, args=[*args, finished_at, int(is_anew)]))

    def follow(self, result: TriageResult, handled: Handled, *, is_newer: bool = False) -> list[str]:
        """Note for every sink that has the page, or will, that it is to show what was done, once; return their names.

        It needs no routes file and no secret, so that any process of an engineer's may call it. With `is_newer` it is
        for those sinks only whose page was noted of another result.
        """
        incident_id, step = result.incident.incident_id, handled.model_dump_json()
        what: _Arguments = [incident_id, result.model_dump_json(), step, sha256(step.encode()).hexdigest()]
        opens = int(handled.action is Action.REOPEN)
        finished_at = _milliseconds(result.finished_at.timestamp()) if is_newer else 0
        return [
            sink
            for sink in sorted(self.sinks())
            if self._follow(
                keys=[*keys_of(sink, incident_id), due_key(sink), SETTLED, GIVEN_UP],
                args=[*what, sink, opens, _milliseconds(KEPT_SECONDS), finished_at],
            )
        ]

    def settle(self, taken: Delivery) -> bool:
        """End a page that nobody needs any more; False when the lease went to another, or it was opened again."""
        keys = [*keys_of(taken.sink, taken.incident_id), due_key(taken.sink), SETTLED]
        args: _Arguments = [taken.incident_id, taken.token, taken.sink, _milliseconds(KEPT_SECONDS)]
        return bool(self._settle(keys=keys, args=args))

    def wake(self, sink: str) -> int:
        """Let what waits for the end of a sink's quiet hours be due now, and what this member had in hand when it died.

        Return how many steps that are. Whoever starts with a routes file calls it once, before it takes anything: the
        hours may be others than when the pages were put off.
        """
        args: _Arguments = [delivery_key(sink, ""), _milliseconds(HEAD_START_SECONDS)]
        return int(self._wake(keys=[due_key(sink), taken_key(sink, self._member)], args=args))

    def take(self, sink: str) -> Delivery | None:
        """Take the step that is due first, for as long as the lease lasts, and count the attempt."""
        token = token_hex(8)
        args: _Arguments = [
            delivery_key(sink, ""),
            _milliseconds(self._lease_seconds),
            token,
            FAILURES_OF_A_SINK_THAT_IS_DOWN,
            _milliseconds(DOWN_AFTER_SECONDS),
            _milliseconds(PAUSE_WAITED_OUT_SECONDS),
            _milliseconds(HEAD_START_SECONDS),
            _milliseconds(TRIED_AGAIN_SECONDS),
        ]
        reply = self._take(keys=[due_key(sink), sink_key(sink), taken_key(sink, self._member)], args=args)
        return Delivery.taken(sink, token, reply) if reply else None

    def record(self, taken: Delivery, *, is_sent: bool = True) -> bool:
        """Record the sink's yes, or that it has nothing to show of this step; False when somebody else had."""
        keys = [*keys_of(taken.sink, taken.incident_id), due_key(taken.sink), sink_key(taken.sink), GIVEN_UP]
        step: _Arguments = [taken.incident_id, taken.step, taken.token]
        args: _Arguments = [*step, _milliseconds(KEPT_SECONDS), int(is_sent), taken.sink]
        return bool(self._record(keys=keys, args=args))

    def hold(self, taken: Delivery, *, delay_seconds: float) -> bool:
        """Put a page off until quiet hours end; the sink was not asked."""
        return self._put_off(taken, delay_seconds, is_held=True)

    def spare(self, taken: Delivery, *, delay_seconds: float, is_urgent: bool) -> bool:
        """Put a step off because the sink is left alone."""
        return self._put_off(taken, delay_seconds, is_urgent=is_urgent)

    def postpone(
        self,
        taken: Delivery,
        *,
        delay_seconds: float,
        failure: str,
        sink_pause_seconds: float = 0,
        is_doubtful: bool = False,
        is_urgent: bool = False,
    ) -> bool:
        """Put a step off because of a `failure`; the sink is left alone meanwhile if it wants a pause.

        `is_doubtful` says that the sink may have it all the same.
        """
        return self._put_off(
            taken, delay_seconds, failure, sink_pause_seconds, is_doubtful=is_doubtful, is_urgent=is_urgent
        )

    def hand_over(
        self,
        taken: Delivery,
        backup: str,
        *,
        routes: str,
        delay_seconds: float,
        note: str,
        failure: str = "",
        sink_pause_seconds: float = 0,
        is_doubtful: bool = False,
    ) -> Ended:
        """Give a page to the backup sink, in one move; it is given up where that has let it go itself.

        `routes` tells one routes file's chains from another's: under each a sink gets a page once.
        """
        step: _Arguments = [taken.incident_id, taken.step, taken.token, failure]
        pause, is_held = _milliseconds(sink_pause_seconds), int(delay_seconds > 0)
        there: _Arguments = [taken.sink, backup, _milliseconds(delay_seconds), note]
        here: _Arguments = [routes, pause, int(is_doubtful), is_held]
        return self._end(taken, backup, [*step, *_ENDING_TIMES, *there, *here])

    def give_up(self, taken: Delivery, *, failure: str, routes: str, is_doubtful: bool = False) -> Ended:
        """End the tries, with nobody who takes it.

        Here and above an empty `failure` says that the sink was not asked, or is not to blame.
        """
        step: _Arguments = [taken.incident_id, taken.step, taken.token, failure]
        return self._end(taken, "", [*step, *_ENDING_TIMES, taken.sink, "", 0, "", routes, 0, int(is_doubtful), 0])

    def retry(self, sink: str) -> int:
        """Note again what a sink was given up for, and return of how many incidents: somebody has mended it."""
        return int(self._retry(keys=[GIVEN_UP, due_key(sink), sink_key(sink)], args=[sink, delivery_key(sink, "")]))

    def _put_off(
        self,
        taken: Delivery,
        delay_seconds: float,
        failure: str = "",
        pause_seconds: float = 0,
        *,
        is_doubtful: bool = False,
        is_held: bool = False,
        is_urgent: bool = False,
    ) -> bool:
        keys = [delivery_key(taken.sink, taken.incident_id), due_key(taken.sink), sink_key(taken.sink)]
        times = [_milliseconds(TRIED_AGAIN_SECONDS), _milliseconds(pause_seconds)]
        step: _Arguments = [taken.incident_id, taken.token, _milliseconds(delay_seconds), failure]
        args: _Arguments = [*step, *times, int(is_doubtful), int(is_held), int(is_urgent)]
        return bool(self._postpone(keys=keys, args=args))

    def _end(self, taken: Delivery, backup: str, args: _Arguments) -> Ended:
        here = [*keys_of(taken.sink, taken.incident_id), due_key(taken.sink), sink_key(taken.sink), SINKS, GIVEN_UP]
        keys = [*here, *keys_of(backup, taken.incident_id), due_key(backup)]
        return Ended(int(self._let_go(keys=keys, args=args)))


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


_ENDING_TIMES: Final = (_milliseconds(KEPT_SECONDS), _milliseconds(TRIED_AGAIN_SECONDS))
