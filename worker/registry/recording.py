"""Writes each result into the audit, and lets it wait for engineers where it needs them, soon after it is published.

It has a consumer group of its own on the results stream, so nothing depends on who delivers results, or whether
anybody does, and no result is forgotten before it is recorded. A result is acknowledged after it was recorded; what is
recorded twice is recognised by the ids made from the result. So the audit misses none and doubles none. Runs in every
worker, and before a command lists what waits.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import structlog
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import ResponseError

from worker.contract.queue import RECORDS_GROUP, RESULTS_STREAM
from worker.contract.result import RestartRecord, TriageResult
from worker.registry.audit import AuditAction, AuditEntry, AuditLog
from worker.registry.handling import Handlings

__all__ = ["ResultsRecorder", "entries_of"]

_ONE_FOR_ALL: Final = "recorder"
"""All processes read under one name: what a dead one left is there for the next, and done twice it does no harm."""

_BATCH: Final = 100

log = structlog.get_logger()


class ResultsRecorder:
    """Records when told to. Redis errors pass through; what was not recorded comes again."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._audit = AuditLog(redis)
        self._handlings = Handlings(redis)
        self._is_member = False

    def record(self) -> int:
        """Record what waits, and return how many results that were; what others have in hand is recorded here too."""
        self._join_group()
        recorded = 0
        for after in ("0", ">"):
            while batch := self._read(after):
                self._record(batch)
                recorded += len(batch)
        return recorded

    def _join_group(self) -> None:
        if self._is_member:
            return
        try:
            self._redis.xgroup_create(RESULTS_STREAM, RECORDS_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        self._is_member = True

    def _read(self, after: str) -> list[tuple[str, Mapping[str, str]]]:
        try:
            reply: Any = self._redis.xreadgroup(RECORDS_GROUP, _ONE_FOR_ALL, {RESULTS_STREAM: after}, count=_BATCH)
        except ResponseError:
            self._is_member = False  # the server may have come back without its data
            raise
        return reply[0][1] if reply else []

    def _record(self, batch: Sequence[tuple[str, Mapping[str, str]]]) -> None:
        entries, results = list[AuditEntry](), list[TriageResult]()
        for stream_id, fields in batch:
            try:
                stored = (fields or {})["result"]
                result = TriageResult.model_validate_json(stored)
            except (KeyError, ValidationError) as error:
                # Its delivery makes a dead letter of it; that it was there must not be missing here.
                log.warning("result.unreadable", stream_id=stream_id, error=type(error).__name__)
                entries.append(_unreadable(stream_id))
            else:
                entries += entries_of(result, stored)
                results.append(result)
        self._audit.append_all(entries)
        self._handlings.open_all(results)
        self._redis.xack(RESULTS_STREAM, RECORDS_GROUP, *(stream_id for stream_id, _ in batch))


def _unreadable(stream_id: str) -> AuditEntry:
    why = f"Entry {stream_id} of {RESULTS_STREAM} is no result that can be read."
    return AuditEntry(action=AuditAction.UNREADABLE_RESULT, why=why, entry_id=f"result:{stream_id}")


def entries_of(result: TriageResult, stored: str) -> Iterator[AuditEntry]:
    """Yield what a result tells of the decision, the refusals and the one restart.

    `stored` is the result as the stream has it: its hash makes the entries' ids, so that each is written once.
    """
    digest = hashlib.sha256(stored.encode("utf-8", "backslashreplace")).hexdigest()
    entry = partial(
        AuditEntry,
        incident_id=result.incident.incident_id,
        person=f"worker {result.worker}",
        host="",
        at=result.finished_at,
    )
    where = {"server": result.server_id or "", "result_sha256": digest}
    own_id = f"result:{result.incident.incident_id}:{digest[:20]}"
    yield entry(
        action=AuditAction.DECISION,
        why=f"{result.disposition} ({result.ending})",
        details=where | _decision_of(result),
        entry_id=f"{own_id}:decision",
    )
    for number, refusal in enumerate(result.refusals, start=1):
        yield entry(
            action=AuditAction.REFUSAL,
            why=refusal.detail,
            details=where | {"reason": refusal.reason},
            entry_id=f"{own_id}:refusal:{number}",
        )
    if result.restart is not None:
        yield entry(
            action=AuditAction.RESTART,
            why=result.restart.detail,
            details=where | _restart_of(result.restart),
            entry_id=f"{own_id}:restart",
        )


def _decision_of(result: TriageResult) -> dict[str, str]:
    return {
        "service": result.service or "",
        "disposition": result.disposition,
        "ending": result.ending,
        "model": result.model,
        "prompt_hash": result.prompt_hash,
        "epoch": str(result.epoch),
        "restart_known": "yes" if result.is_restart_known else "no",
    }


def _restart_of(restart: RestartRecord) -> dict[str, str]:
    return {
        "ordered_at": restart.ordered_at.isoformat(),
        "fence": str(restart.fence),
        "outcome": restart.outcome,
        "restarted_at": restart.restarted_at.isoformat() if restart.restarted_at else "",
    }
