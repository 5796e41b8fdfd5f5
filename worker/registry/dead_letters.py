"""Dead letters: what nobody could work on is kept with its reason, and told to engineers; it never just vanishes.

Poison messages come from the broker's channel, unreadable entries from the registry, unreadable results from the
escalation consumer, and incidents that several workers have given up from their last claim. It is never trimmed. What
is kept is masked, for it may hold anything.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final, cast

import structlog
from redis import Redis
from redis.exceptions import ResponseError

from worker.contract.incident import Incident, Severity, identity
from worker.contract.queue import (
    DEAD_LETTERS,
    OPEN_INCIDENTS,
    RESULTS_STREAM,
    WATCHED_INCIDENTS,
    alerts_key,
    incident_key,
    journal_key,
    placeholders_key,
)
from worker.contract.result import Disposition, Ending, Spent, TriageResult
from worker.contract.text import cut_to_bytes, visible
from worker.redaction import STATELESS_MASKER
from worker.registry.letter import DETAIL_BYTES, DeadLetter, letter_fields
from worker.registry.registry import RETENTION_SECONDS
from worker.registry.script import load_script

__all__ = ["AUDIT", "DeadLetters"]

AUDIT: Final = "firstline:dead-letters:audit"
"""Stream of who put which letter away, how and why. It is never trimmed."""

log = structlog.get_logger()


class DeadLetters:
    """The stream of dead letters, for whoever finds one and for the command line. Safe from many threads.

    Redis errors (`redis.exceptions.RedisError`) pass through: what could not be set aside stays with the caller.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._bury = load_script(redis, "bury.lua")
        self._put_away = load_script(redis, "put_away.lua")

    def bury(
        self,
        reason: str,
        *,
        content: bytes,
        found_in: str,
        detail: str,
        closes_incident_id: str | None = None,
        server_id: str | None = None,
    ) -> str:
        """Set something aside and escalate it, in one script; return the letter's id.

        The same content found again escalates under the same incident id, so that engineers see one case. With
        `closes_incident_id` the registry's entry of that incident is closed in the same script, whatever it holds.
        """
        closing = closes_incident_id or ""
        incident_id = closing or identity("dead-letter", hashlib.sha256(content).hexdigest())
        result = _result_of(reason, incident_id=incident_id, content=content, found_in=found_in, detail=detail)
        result = result.model_copy(update={"server_id": server_id})
        letter = letter_fields(reason, content=content, found_in=found_in, detail=detail, incident_id=incident_id)
        entry_id = _text(
            self._bury(
                keys=[
                    *(DEAD_LETTERS, RESULTS_STREAM, incident_key(closing), OPEN_INCIDENTS, WATCHED_INCIDENTS),
                    journal_key(closing),
                    alerts_key(closing),
                    placeholders_key(closing),
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

    def bury_entry(self, incident_id: str, *, why: str, server_id: str | None = None) -> None:
        """Set an entry of the registry aside that is gone, or that nobody can read: closed, and told.

        `server_id` is its server, where somebody knows. A second call does nothing.
        """
        try:
            stored = cast("dict[str, str]", self._redis.hgetall(incident_key(incident_id)))
            content = json.dumps(stored).encode()
        except ResponseError as error:
            content = str(error).encode()
        self.bury(
            "unreadable_entry",
            content=content,
            found_in="the registry",
            detail=why,
            closes_incident_id=incident_id,
            server_id=server_id,
        )

    def newest(self, limit: int) -> tuple[DeadLetter, ...]:
        """Return at most `limit` letters, the newest first."""
        return tuple(_letters(self._redis.xrevrange(DEAD_LETTERS, count=limit)))

    def find(self, entry_id: str) -> DeadLetter | None:
        """Return one letter, or None when there is none of this id."""
        return next(iter(_letters(self._redis.xrange(DEAD_LETTERS, entry_id, entry_id))), None)

    def count(self) -> int:
        """Count the letters that nobody has replayed or dropped."""
        return int(self._redis.xlen(DEAD_LETTERS))

    def remove(self, entry_id: str, *, action: str, person: str, why: str) -> bool:
        """Take a letter out, and write down who did it and why, in one script; False when it was not there.

        Of two that remove it at once one is told True, and one word is written. A client that retries by itself after
        a lost answer is told False of its own removal: the word is then the caller's own.
        """
        word = {"entry_id": entry_id, "action": action, "person": person, "why": why}
        parts = [part for field in word.items() for part in field]
        return bool(self._put_away(keys=[DEAD_LETTERS, AUDIT], args=[entry_id, *parts]))


def _result_of(reason: str, *, incident_id: str, content: bytes, found_in: str, detail: str) -> TriageResult:
    now = datetime.now(UTC)
    told = cut_to_bytes(STATELESS_MASKER.checked(visible(detail)), DETAIL_BYTES)
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
        is_restart_known=False,
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
