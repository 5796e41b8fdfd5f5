"""Writes each result and each move of a restart into the audit, and lets results wait for engineers who need to act.

Results and the guard's own journal are read through a consumer group of their own, soon after they were written: so
nothing depends on who delivers results, or whether anybody does, and no result is forgotten before it is recorded. What
is read is acknowledged after it was recorded; what is recorded twice is recognised by ids made from the result, or from
its place in the journal. So the audit misses none and doubles none. Runs in every worker, and before a command lists
what waits.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
from pydantic import ValidationError
from redis import Redis

from worker.contract.queue import RESTART_JOURNAL, RESULTS_STREAM
from worker.contract.result import TriageResult
from worker.registry.audit import AuditAction, AuditEntry, AuditLog
from worker.registry.follow_ups import tell_end
from worker.registry.handling import Handlings
from worker.registry.records_group import Batch, RecordsGroup
from worker.registry.view import time_of

__all__ = ["ResultsRecorder", "entries_of", "id_of_move"]

_ACTIONS: Final = {"HALTED": AuditAction.HALT, "RESUMED": AuditAction.RESUME}

log = structlog.get_logger()


class ResultsRecorder:
    """Records when told to. Redis errors pass through; what was not recorded comes again."""

    def __init__(self, redis: Redis) -> None:
        self._audit = AuditLog(redis)
        self._handlings = Handlings(redis)
        self._restarts = RecordsGroup(redis, RESTART_JOURNAL)
        self._results = RecordsGroup(redis, RESULTS_STREAM)

    def record(self) -> int:
        """Record what waits, and return how many results that were; what others have in hand is recorded here too."""
        self._restarts.pass_on(self._record_restarts)
        return self._results.pass_on(self._record_results)

    def _record_results(self, batch: Batch) -> None:
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
        for result in results:
            tell_end(self._handlings, result)

    def _record_restarts(self, batch: Batch) -> None:
        self._audit.append_all(_restart_of(stream_id, fields or {}) for stream_id, fields in batch)


def _unreadable(stream_id: str) -> AuditEntry:
    why = f"Entry {stream_id} of {RESULTS_STREAM} is no result that can be read."
    return AuditEntry(action=AuditAction.UNREADABLE_RESULT, why=why, entry_id=f"result:{stream_id}")


def entries_of(result: TriageResult, stored: str) -> Iterator[AuditEntry]:
    """Yield what a result tells of the decision and the refusals.

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


def _decision_of(result: TriageResult) -> dict[str, str]:
    without = "none" if result.is_restart_known else "not known"
    return {
        "service": result.service or "",
        "disposition": result.disposition,
        "ending": result.ending,
        "model": result.model,
        "prompt_hash": result.prompt_hash,
        "epoch": str(result.epoch),
        "restart": result.restart.outcome if result.restart else without,
    }


def id_of_move(stream_id: str) -> str:
    """Return the id of the entry for one line of the guard's journal: whoever else writes it writes it once."""
    return f"restart-journal:{stream_id}"


def _restart_of(stream_id: str, fields: Mapping[str, str]) -> AuditEntry:
    """Return the entry for one line of the journal, whoever it says that wrote it; a name is no reason to leave it out.

    The order to resume is there before its line is: the line tells that it took effect.
    """
    state = fields.get("state", "")
    return AuditEntry(
        action=_ACTIONS.get(state, AuditAction.RESTART),
        why=fields.get("detail", ""),
        incident_id=fields.get("incident", ""),
        details={"state": state, "server": fields.get("server", ""), "fence": fields.get("fence", "")},
        entry_id=id_of_move(stream_id),
        person=f"worker {fields.get('worker', '')}",
        host="",
        at=_time_in(stream_id),
    )


def _time_in(stream_id: str) -> datetime:
    try:
        return time_of(int(stream_id.split("-", maxsplit=1)[0]))
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
