"""Reads the results stream and hands every result to the notifier at least once, whatever dies in between.

A result is acknowledged after the notifier has returned, never before, and nothing here trims the stream. What a dead
consumer left behind is claimed; what cannot be read is set aside as a dead letter and stops nobody. Runs in a process
of its own; several may run at once, each under its own name, and share the results.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import structlog
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from worker.contract import TriageResult
from worker.contract.queue import ESCALATION_GROUP, RESULTS_STREAM
from worker.ports import Notifier
from worker.registry.dead_letters import DeadLetters

__all__ = ["EscalationConsumer"]

RESULT_FIELD: Final = "result"
BATCH: Final = 16
CLAIM_BATCH: Final = 100
CLAIM_INTERVAL_SECONDS: Final = 15.0
BLOCK_SECONDS: Final = 2.0
"""Must stay below the client's socket timeout, or every quiet moment looks like an outage."""

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0

Entry = tuple[str, Mapping[str, str]]

log = structlog.get_logger()


class EscalationConsumer:
    """One member of the consumer group. `name` must belong to one process only, and is best kept over restarts.

    `redis` needs socket timeouts, and must not decode replies if foreign bytes are to be survived
    (`producers.intake.connect` gives such a client). Not for several threads.
    """

    def __init__(
        self,
        redis: Redis,
        notifier: Notifier,
        *,
        name: str,
        claim_after_seconds: float = 60,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._dead_letters = DeadLetters(redis)
        self._notifier = notifier
        self._name = name
        self._claim_after_milliseconds = int(claim_after_seconds * 1000)
        self._monotonic_seconds = monotonic_seconds
        self._is_member = False
        self._next_claim_seconds = monotonic_seconds()

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set; an outage of Redis is waited out, an error of the notifier passes."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while not stop.is_set():
            try:
                self.deliver_pending(BLOCK_SECONDS)
                pause_seconds = FIRST_PAUSE_SECONDS
            except RedisError as error:
                log.warning("redis.lost", error=type(error).__name__, retry_after_seconds=pause_seconds)
                stop.wait(pause_seconds)
                pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)

    def deliver_pending(self, block_seconds: float) -> int:
        """Deliver one round and return how many results arrived: left-overs of its own, of the dead, then new ones.

        Waits up to `block_seconds` when there is nothing; 0 does not wait. Raises `RedisError`, and what the notifier
        raises: then the result stays unacknowledged and comes again. When Redis is unavailable this delivers nothing,
        and what it has delivered without acknowledging comes twice.
        """
        try:
            self._join_group()
            delivered = sum(map(self._deliver, self._own_left_overs()))
            delivered += sum(map(self._deliver, self._left_overs_of_the_dead()))
            delivered += sum(map(self._deliver, self._new_entries(0 if delivered else block_seconds)))
        except RedisError:
            self._is_member = False  # the server may come back without its data
            raise
        return delivered

    def _join_group(self) -> None:
        if self._is_member:
            return
        try:
            self._redis.xgroup_create(RESULTS_STREAM, ESCALATION_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        self._is_member = True

    def _own_left_overs(self) -> Iterator[Entry]:
        return self._read("0", block_milliseconds=None)

    def _left_overs_of_the_dead(self) -> Iterator[Entry]:
        if self._monotonic_seconds() < self._next_claim_seconds:
            return iter(())
        self._next_claim_seconds = self._monotonic_seconds() + CLAIM_INTERVAL_SECONDS
        _, claimed, trimmed = self._redis.xautoclaim(
            RESULTS_STREAM, ESCALATION_GROUP, self._name, self._claim_after_milliseconds, count=CLAIM_BATCH
        )
        if trimmed:
            log.error("result.trimmed", entry_ids=[_text(entry_id) for entry_id in trimmed])
        return _entries(claimed)

    def _new_entries(self, block_seconds: float) -> Iterator[Entry]:
        # Redis takes a block of 0 for "for ever".
        return self._read(">", block_milliseconds=int(block_seconds * 1000) or None)

    def _read(self, after: str, *, block_milliseconds: int | None) -> Iterator[Entry]:
        reply = self._redis.xreadgroup(
            ESCALATION_GROUP, self._name, {RESULTS_STREAM: after}, count=BATCH, block=block_milliseconds
        )
        assert isinstance(reply, list)  # noqa: S101 - as the protocol of the default version has it
        return _entries(reply[0][1] if reply else [])

    def _deliver(self, entry: Entry) -> bool:
        entry_id, fields = entry
        try:
            result = TriageResult.model_validate_json(fields[RESULT_FIELD])
        except KeyError:
            self._set_aside(entry, "the entry has no field `result`" if fields else "the entry was trimmed unread")
            return False
        except ValidationError as error:
            self._set_aside(entry, f"the result has {error.error_count()} flaws: {_first_flaw(error)}")
            return False
        self._notifier.deliver(result)
        self._redis.xack(RESULTS_STREAM, ESCALATION_GROUP, entry_id)
        log.info("result.delivered", incident_id=result.incident.incident_id, disposition=result.disposition)
        return True

    def _set_aside(self, entry: Entry, reason: str) -> None:
        """Bury it first and acknowledge it then: in between, at most a second letter of the same case is written."""
        entry_id, fields = entry
        content = json.dumps(dict(fields)).encode()
        self._dead_letters.bury("unreadable_result", content=content, found_in=RESULTS_STREAM, detail=reason)
        self._redis.xack(RESULTS_STREAM, ESCALATION_GROUP, entry_id)
        log.error("result.dead_lettered", entry_id=entry_id, reason=reason)


def _entries(reply: object) -> Iterator[Entry]:
    """Yield entries with text in them, whether the client decodes or not; a trimmed one has no fields."""
    assert isinstance(reply, list)  # noqa: S101 - the protocol says so
    for entry_id, fields in reply:
        yield _text(entry_id), {_text(name): _text(value) for name, value in (fields or {}).items()}


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")


def _first_flaw(error: ValidationError) -> str:
    flaw = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, flaw['loc']))}: {flaw['msg']}"
