"""Lets incidents wait for engineers: what a result opens, and what it opens again.

What a result opens again is the desk's own action: it is in the audit, in the incident's history, and on the stream of
what was done, or it was not done. All else that a result opens is in the audit as the desk's decision. Called by
`handling.py` only. Nothing here asks how urgent a result is to whom, or tells a sink.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from redis import Redis
from redis.exceptions import ResponseError

from worker.contract.handling import DESK, Action, Handled
from worker.contract.incident import Severity
from worker.contract.queue import (
    AUDIT_IDS,
    AUDIT_STREAM,
    HANDLED_STREAM,
    WAITING_INCIDENTS,
    alerts_key,
    handling_history_key,
    handling_key,
    incident_key,
    journal_key,
    placeholders_key,
)
from worker.contract.result import Disposition, TriageResult
from worker.registry.audit import AuditAction, AuditEntry, ChainedWrite
from worker.registry.concluded import Concluded
from worker.registry.handling_view import handled_of
from worker.registry.script import load_script

__all__ = ["HANDLED_KEPT", "HISTORY_KEPT", "Openings", "is_of_wrong_type", "registry_keys"]

HISTORY_KEPT: Final = 200
HANDLED_KEPT: Final = 100_000

log = structlog.get_logger()

_WORDS: Final = "new result"
_OPENED_AGAIN: Final = json.dumps({"person": DESK, "action": Action.REOPEN, "words": _WORDS})
_SCRIPTS: Final = ("handling_shared.lua", "handling_open.lua")
_NOT_FOR_THE_AUDIT: Final = ("", "")
"""Stands where the audit's end and the entry's place belong: what opens an incident again is not done, but told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """What the script is told of one result; `entry` is for the audit where the result opens its incident again."""

    entry: AuditEntry
    keys: tuple[str, ...]
    args: tuple[str | int, ...]


class Openings:
    """Opens on one Redis; safe to use from many threads. Redis errors pass through every method."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._open = load_script(redis, "audit.lua", *_SCRIPTS)
        self._open_again = ChainedWrite(redis, *_SCRIPTS)

    def open_all(self, results: Iterable[TriageResult]) -> int:
        """Open at the cost of one what is new, one by one what opens again; return how many wait from now on.

        One whose handling is of a wrong type is told in the log and left out. Raises what `ChainedWrite` raises; what
        was opened by then stays open.
        """
        openings = list(map(_opening_of, results))
        with self._redis.pipeline(transaction=False) as pipeline:
            for each in openings:
                args = [*_NOT_FOR_THE_AUDIT, each.entry.entry_id, *each.args]
                self._open(keys=[AUDIT_STREAM, AUDIT_IDS, *each.keys], args=args, client=pipeline)
            replies = pipeline.execute(raise_on_error=False)
        return sum(self._waits(each, reply) for each, reply in zip(openings, replies, strict=True))

    def _waits(self, opening: _Opening, reply: list[Any] | Exception) -> bool:
        """Say whether it waits from now on; what opens again is opened here."""
        try:
            if isinstance(reply, Exception):
                raise reply
            if reply[0] == "moved":
                reply = self._open_again(opening.entry, keys=opening.keys, args=opening.args)
        except ResponseError as error:
            if not is_of_wrong_type(error, opening.entry.incident_id):
                raise
            log.warning("handling.not_opened", incident_id=opening.entry.incident_id, error=str(error))
            return False
        return bool(reply[0] == "waits")

    def opened_by(self, result: TriageResult) -> Handled | None:
        """Return the newest opening of a handling as the desk's own action, where this very result opened it."""
        key = handling_key(result.incident.incident_id)
        opened_with, opened_again_at = self._redis.hmget(key, ["opened_with", "opened_again_at"])
        if opened_with != str(_milliseconds(result.finished_at)):
            return None
        return handled_of(str(opened_again_at or opened_with), _OPENED_AGAIN)


def is_of_wrong_type(error: ResponseError, incident_id: str) -> bool:
    """Say whether Redis refused because one incident's handling is damaged: that must stop no other."""
    told = str(error)  # a script names the key, a single command none
    return told.startswith(("WRONGTYPE Operation", f"WRONGTYPE {handling_key(incident_id)}"))


def registry_keys(incident_id: str) -> tuple[str, ...]:
    """Return the keys of what the registry has of an incident: all of it is kept while the incident waits."""
    return incident_key(incident_id), journal_key(incident_id), alerts_key(incident_id), placeholders_key(incident_id)


def _opening_of(result: TriageResult) -> _Opening:
    concluded = Concluded.of(result)
    incident_id, finished_at = concluded.incident_id, _milliseconds(concluded.finished_at)
    entry = AuditEntry(
        action=AuditAction.HANDLING,
        why=_WORDS,
        incident_id=incident_id,
        details={"action": Action.REOPEN},
        entry_id=f"opened-again:{incident_id}:{finished_at}",
        person=DESK,
    )
    own = (handling_key(incident_id), handling_history_key(incident_id))
    told = (incident_id, concluded.model_dump_json(), list(Severity).index(concluded.severity), finished_at)
    letter = result.model_dump_json() if result.disposition is Disposition.DEAD_LETTERED else ""
    return _Opening(
        entry=entry,
        keys=(*own, WAITING_INCIDENTS, HANDLED_STREAM, *registry_keys(incident_id)),
        args=(*told, int(concluded.needs_engineers), _OPENED_AGAIN, letter, HISTORY_KEPT, HANDLED_KEPT),
    )


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
