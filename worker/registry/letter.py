"""A dead letter: one thing that nobody could work on, with its reason, as the stream keeps it: masked. No Redis."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from worker.contract.incident import Incident
from worker.contract.text import cut_to_bytes, visible
from worker.redaction import STATELESS_MASKER
from worker.registry.letter_content import masked_content

__all__ = ["DETAIL_BYTES", "DeadLetter", "letter_fields", "letter_fields_of_incident"]

_CONTENT_BYTES: Final = 256 * 1024
DETAIL_BYTES: Final = 1_000
_FIGURE_LIMIT: Final = 19
"""Digits; what is longer is no count of bytes."""


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
        """The time of the server at which it was set aside; 1970 when somebody wrote it under an id that is none."""
        try:
            return datetime.fromtimestamp(int(self.entry_id.partition("-")[0]) / 1000, UTC)
        except (ValueError, OverflowError):
            return datetime.fromtimestamp(0, UTC)

    @classmethod
    def of(cls, entry_id: str, fields: Mapping[str, str]) -> Self:
        """Read a stream entry, whoever wrote it: a missing field is empty, content that is not base64 is kept as it is.

        So that one bad letter can be listed, shown and dropped, and hides no other.
        """
        content = _decoded(fields.get("content", ""))
        return cls(
            entry_id=entry_id,
            reason=fields.get("reason", "unknown"),
            detail=fields.get("detail", ""),
            found_in=fields.get("found_in", ""),
            incident_id=fields.get("incident_id", ""),
            content=content,
            content_bytes=_count(fields.get("content_bytes", ""), otherwise=len(content)),
            content_sha256=fields.get("content_sha256", ""),
        )


def letter_fields(reason: str, *, content: bytes, found_in: str, detail: str, incident_id: str) -> dict[str, str]:
    """Return the stream's fields of a letter; of a long content its head is kept, masked, and the hash of all of it."""
    return {
        "reason": reason,
        "detail": cut_to_bytes(STATELESS_MASKER.checked(visible(detail)), DETAIL_BYTES),
        "found_in": found_in,
        "incident_id": incident_id,
        "content": base64.b64encode(masked_content(content, limit_bytes=_CONTENT_BYTES)).decode(),
        "content_bytes": str(len(content)),
        "content_sha256": hashlib.sha256(content).hexdigest(),
    }


def letter_fields_of_incident(reason: str, incident: Incident, *, detail: str) -> dict[str, str]:
    """Return the letter of an incident that can be read, and that is given up."""
    content = incident.model_dump_json().encode()
    return letter_fields(
        reason, content=content, found_in="the registry", detail=detail, incident_id=incident.incident_id
    )


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        return content.encode("utf-8", "backslashreplace")


def _count(figure: str, *, otherwise: int) -> int:
    return int(figure) if figure.isascii() and figure.isdecimal() and len(figure) < _FIGURE_LIMIT else otherwise
