"""Reads the results stream and hands every result to the notifier at least once, whatever dies in between.

A result is acknowledged after the notifier has returned, never before, and nothing here trims the stream. What a dead
consumer left behind is claimed. What can't be read or shown, and what fails again and again while others arrive, is set
aside as a dead letter; no result keeps others from arriving. Runs in a process of its own; several may run at once,
each under its own name, and share the results.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from worker.contract import Ending, TriageResult
from worker.contract.queue import ESCALATION_FAILURES, ESCALATION_GROUP, RESULTS_STREAM
from worker.errors import ContractError
from worker.ports import Notifier
from worker.registry.dead_letters import DeadLetters

__all__ = ["EscalationConsumer"]

RESULT_FIELD: Final = "result"
BATCH: Final = 16
CLAIM_BATCH: Final = 100
FAILURES_LIMIT: Final = 5
"""What has failed more often, while others arrived, fails by itself and not for want of a way."""

CLAIM_INTERVAL_SECONDS: Final = 15.0
BLOCK_SECONDS: Final = 2.0
"""Must stay below the client's socket timeout, or every quiet moment looks like an outage."""

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0

_INCIDENT_ID: Final = re.compile(r"inc-[0-9a-f]{20}", re.ASCII)

Entry = tuple[str, Mapping[str, str]]

log = structlog.get_logger()


@dataclass(slots=True)
class _Round:
    """What became of the entries of one round."""

    delivered: int = 0
    set_aside: int = 0
    failures: list[tuple[Entry, TriageResult, Exception]] = field(default_factory=list)


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
        """Go through one round of left-overs of its own, of the dead, then new ones; return how many are done with.

        Waits up to `block_seconds` when there is nothing; 0 does not wait. Raises `RedisError`, and, at the end of the
        round, the first error of the notifier: its result stays unacknowledged and comes again. When Redis is
        unavailable this delivers nothing, and what it has delivered without acknowledging comes twice.
        """
        current = _Round()
        try:
            self._join_group()
            self._deliver_all(self._own_left_overs(), current)
            self._deliver_all(self._left_overs_of_the_dead(), current)
            is_idle = not (current.delivered or current.set_aside or current.failures)
            self._deliver_all(self._new_entries(block_seconds if is_idle else 0), current)
            errors = [error for entry, result, error in current.failures if not self._gives_up(entry, result, current)]
        except RedisError:
            self._is_member = False  # the server may come back without its data
            raise
        if errors:
            raise errors[0]
        return current.delivered + current.set_aside

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

    def _deliver_all(self, entries: Iterable[Entry], current: _Round) -> None:
        for entry in entries:
            try:
                result = _result_in(entry)
            except ContractError as flaw:
                self._set_aside(entry, str(flaw), current)
            else:
                self._deliver(entry, result, current)

    def _deliver(self, entry: Entry, result: TriageResult, current: _Round) -> None:
        try:
            self._notifier.deliver(result)
        except ContractError as error:
            if _is_letter(result):
                current.failures.append((entry, result, error))
            else:
                self._set_aside(entry, str(error), current)
        except Exception as error:  # noqa: BLE001 - the process' boundary: it is raised when the others had their turn
            current.failures.append((entry, result, error))
        else:
            self._acknowledge(entry[0])
            current.delivered += 1
            log.info("result.delivered", incident_id=result.incident.incident_id, disposition=result.disposition)

    def _gives_up(self, entry: Entry, result: TriageResult, current: _Round) -> bool:
        """Set aside what fails by itself, again and again, and say so. While nothing arrives, the way is at fault.

        Failures are counted, not deliveries: consumers that died, or were slow, are no fault of the result. A letter is
        never set aside: its own letter would fail as it does, and so on for ever.
        """
        if not current.delivered or _is_letter(result):
            return False
        failures = self._redis.hincrby(ESCALATION_FAILURES, entry[0], 1)
        if failures <= FAILURES_LIMIT:
            return False
        self._set_aside(entry, f"it could not be delivered {failures} times, while others could", current)
        return True

    def _acknowledge(self, entry_id: str) -> None:
        with self._redis.pipeline() as pipeline:
            pipeline.xack(RESULTS_STREAM, ESCALATION_GROUP, entry_id)
            pipeline.hdel(ESCALATION_FAILURES, entry_id)
            pipeline.execute()

    def _set_aside(self, entry: Entry, reason: str, current: _Round) -> None:
        """Bury it first and acknowledge it then: in between, at most a second letter of the same case is written."""
        entry_id, fields = entry
        content = json.dumps(dict(fields)).encode()
        told = f"{_name_of(fields)}: {reason}"
        self._dead_letters.bury("unreadable_result", content=content, found_in=RESULTS_STREAM, detail=told)
        self._acknowledge(entry_id)
        current.set_aside += 1
        log.error("result.dead_lettered", entry_id=entry_id, reason=told)


def _result_in(entry: Entry) -> TriageResult:
    """Read an entry's result. Raises `ContractError` that says what is wrong with it."""
    _, fields = entry
    try:
        return TriageResult.model_validate_json(fields[RESULT_FIELD])
    except KeyError:
        flaw = "the entry has no field `result`" if fields else "the entry was trimmed unread"
        raise ContractError(flaw) from None
    except ValidationError as error:
        raise ContractError(f"the result has {error.error_count()} flaws: {_first_flaw(error)}") from None


def _is_letter(result: TriageResult) -> bool:
    return result.ending is Ending.UNREADABLE


def _name_of(fields: Mapping[str, str]) -> str:
    """Name the incident of an entry, as far as the entry does."""
    incident_id = fields.get("incident_id", "")
    return f"the result of {incident_id}" if _INCIDENT_ID.fullmatch(incident_id) else "a result"


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
