"""Dead letters: what nobody could work on is kept with its reason, and told to engineers; it never just vanishes.

Poison messages come from the broker's channel, unreadable entries from the registry, unreadable results from the
escalation consumer, and incidents that several workers have given up from the triage task. It is never trimmed.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

import structlog
from redis import Redis

from worker.contract.incident import Incident, Severity, identity
from worker.contract.queue import (
    DEAD_LETTERS,
    OPEN_INCIDENTS,
    RESULTS_STREAM,
    WATCHED_INCIDENTS,
    incident_key,
    journal_key,
)
from worker.contract.result import Disposition, Ending, Spent, TriageResult
from worker.contract.text import cut_to_bytes, visible
from worker.registry.registry import RETENTION_SECONDS
from worker.registry.script import load_script

__all__ = ["DeadLetter", "DeadLetters"]

_CONTENT_BYTES: Final = 256 * 1024
_DETAIL_BYTES: Final = 1_000
_AUDIT: Final = "firstline:dead-letters:audit"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One letter: why, what (its head, at most 256 KiB of `content_bytes` bytes), and where it was found."""

    entry_id: str
    reason: str
    detail: str
    found_in: str
    incident_id: str
    content: bytes
    content_bytes: int
    content_sha256: str

    @property
    def found_at(self) -> datetime:
        """The time of the server at which it was set aside."""
        return datetime.fromtimestamp(int(self.entry_id.partition("-")[0]) / 1000, UTC)

    @classmethod
    def of(cls, entry_id: str, fields: Mapping[str, str]) -> Self:
        """Read a stream entry; a field that is missing is empty."""
        return cls(
            entry_id=entry_id,
            reason=fields.get("reason", "unknown"),
            detail=fields.get("detail", ""),
            found_in=fields.get("found_in", ""),
            incident_id=fields.get("incident_id", ""),
            content=base64.b64decode(fields.get("content", "")),
            content_bytes=int(fields.get("content_bytes", 0)),
            content_sha256=fields.get("content_sha256", ""),
        )


class DeadLetters:
    """The stream of dead letters, for whoever finds one and for the command line. Safe from many threads.

    Redis errors (`redis.exceptions.RedisError`) pass through: what could not be set aside stays with the caller.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._bury = load_script(redis, "bury.lua")

    def bury(
        self, reason: str, *, content: bytes, found_in: str, detail: str, closes_incident_id: str | None = None
    ) -> str:
        """Set something aside and escalate it, in one script; return the letter's id.

        The same content found again escalates under the same incident id, so that engineers see one case. With
        `closes_incident_id` the registry's entry of that incident is closed in the same script, whatever it holds.
        """
        closing = closes_incident_id or ""
        incident_id = closing or identity("dead-letter", hashlib.sha256(content).hexdigest())
        result = _result_of(reason, incident_id=incident_id, content=content, found_in=found_in, detail=detail)
        letter = _fields(reason, content=content, found_in=found_in, detail=detail, incident_id=incident_id)
        entry_id = _text(
            self._bury(
                keys=[
                    *(DEAD_LETTERS, RESULTS_STREAM, incident_key(closing), OPEN_INCIDENTS, WATCHED_INCIDENTS),
                    journal_key(closing),
                ],
                args=[
                    result.incident.incident_id,
                    result.model_dump_json(),
                    closing,
                    round(RETENTION_SECONDS * 1000),
                    *(part for field in letter.items() for part in field),
                ],
            )
        )
        log.error("dead_letter.buried", reason=reason, found_in=found_in, entry_id=entry_id, content_bytes=len(content))
        return entry_id

    def keep(self, reason: str, *, incident: Incident, detail: str) -> None:
        """Keep a letter of an incident that can be read, and whose own result says that it was given up."""
        content = incident.model_dump_json().encode()
        letter = _fields(
            reason, content=content, found_in="the registry", detail=detail, incident_id=incident.incident_id
        )
        self._redis.xadd(DEAD_LETTERS, dict(letter.items()))

    def newest(self, limit: int) -> tuple[DeadLetter, ...]:
        """Return at most `limit` letters, the newest first."""
        return tuple(_letters(self._redis.xrevrange(DEAD_LETTERS, count=limit)))

    def find(self, entry_id: str) -> DeadLetter | None:
        """Return one letter, or None when there is none of this id."""
        return next(iter(_letters(self._redis.xrange(DEAD_LETTERS, entry_id, entry_id))), None)

    def count(self) -> int:
        """Count the letters that nobody has replayed or dropped."""
        return int(self._redis.xlen(DEAD_LETTERS))

    def remove(self, entry_id: str, *, action: str, person: str, why: str) -> None:
        """Take a letter out, and write down who did it and why, in one transaction."""
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xadd(_AUDIT, {"entry_id": entry_id, "action": action, "person": person, "why": why})
            pipeline.xdel(DEAD_LETTERS, entry_id)
            pipeline.execute()


def _fields(reason: str, *, content: bytes, found_in: str, detail: str, incident_id: str) -> dict[str, str]:
    return {
        "reason": reason,
        "detail": cut_to_bytes(visible(detail), _DETAIL_BYTES),
        "found_in": found_in,
        "incident_id": incident_id,
        "content": base64.b64encode(content[:_CONTENT_BYTES]).decode(),
        "content_bytes": str(len(content)),
        "content_sha256": hashlib.sha256(content).hexdigest(),
    }


def _result_of(reason: str, *, incident_id: str, content: bytes, found_in: str, detail: str) -> TriageResult:
    now = datetime.now(UTC)
    told = cut_to_bytes(visible(detail), _DETAIL_BYTES)
    return TriageResult(
        incident=Incident(
            incident_id=incident_id,
            source="dead-letter",
            fingerprint=hashlib.sha256(content).hexdigest()[:32],
            server_id=None,
            text=f"Something in {found_in} could not be worked on ({reason}): {told}",
            severity=Severity.WARNING,
            started_at=now,
            received_at=now,
        ),
        server_id=None,
        service=None,
        disposition=Disposition.DEAD_LETTERED,
        ending=Ending.UNREADABLE,
        summary=f"Nobody could work on this ({reason}): {told}. It is kept; see `firstline dead-letters list`.",
        model="none",
        is_llm=False,
        prompt_hash="none",
        spent=Spent(),
        epoch=0,
        worker="none",
        started_at=now,
        finished_at=now,
    )


def _letters(entries: Any) -> list[DeadLetter]:  # noqa: ANN401 - redis-py's reply
    return [
        DeadLetter.of(_text(entry_id), {_text(name): _text(value) for name, value in fields.items()})
        for entry_id, fields in entries
    ]


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
