"""Evidence as a citation needs it: read for all that it says, when it is first cited.

Pure. What a statement quotes is a log's word, too. A bounded part is read, so that no result holds up the others.
Called by the citations.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import accumulate
from typing import Final

from worker.contract.result import Evidence
from worker.escalation.citation_claims import Said, folded, said_in
from worker.escalation.citation_numbers import in_plain_digits

__all__ = ["READ_CHARACTERS", "Library", "Seen"]

READ_CHARACTERS: Final = 4096
"""So much is read of a statement, of its quotations together, and of a sentence. What is longer came from elsewhere."""

_READ_IN_ALL: Final = 16 * READ_CHARACTERS
_QUOTED: Final = re.compile("“.*”|“.*", re.DOTALL)
"""From the first mark to the last: a line of a log may hold marks of its own."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One piece of evidence, read for what it says: with its quotations, and for what the desk itself `stated`.

    Quotations are a log's word. They say nothing of health, deeds and people, nor of the kinds of the log's lines.
    """

    tool: str
    is_whole: bool
    raw: str
    raw_stated: str
    folded: str
    folded_stated: str
    said: Said
    stated: Said

    def told(self, *, is_quoting: bool) -> Said:
        """Return what bears out a sentence; quotations do so only where it tells that it is quoting."""
        return self.said if is_quoting else self.stated

    @property
    def is_of_log(self) -> bool:
        """Whether it is a reading of a log."""
        return self.tool == "fetch_recent_logs"

    @property
    def has_log(self) -> bool:
        """Whether it is a reading of a log, or quotes one."""
        return self.is_of_log or self.raw != self.raw_stated

    @property
    def is_of_another(self) -> bool:
        """Whether its words of status are of a dependency, not of the incident's own server."""
        return "which this server needs" in self.raw_stated

    @classmethod
    def of(cls, evidence: Evidence) -> "Seen":
        """Read one piece of evidence; its time, in UTC, is a part of it."""
        seen_at = evidence.observed_at.astimezone(UTC)
        times = f"{seen_at:%Y-%m-%d %H:%M:%S} {seen_at:%H:%M}"
        statement = _read(_QUOTED.sub(" ", evidence.statement))
        quotations = " ; ".join((*_QUOTED.findall(evidence.statement), *evidence.quotations))
        raw = " ; ".join(filter(None, (statement, _read(quotations))))
        stated = said_in(statement, has_quotations=False)
        return cls(
            tool=evidence.tool,
            is_whole=max(len(evidence.statement), len(quotations)) <= READ_CHARACTERS,
            raw=in_plain_digits(f"{raw} ; {evidence.tool} ; {times}").casefold(),
            raw_stated=in_plain_digits(f"{statement} ; {evidence.tool} ; {times}").casefold(),
            folded=folded(raw),
            folded_stated=folded(statement),
            said=stated if raw == statement else said_in(raw, has_quotations=False),
            stated=stated,
        )


def _length(evidence: Evidence) -> int:
    return len(evidence.statement) + sum(map(len, evidence.quotations))


def _read(text: str) -> str:
    """Return what is read of a text, to the end of a word."""
    return text if len(text) <= READ_CHARACTERS else text[:READ_CHARACTERS].rpartition(" ")[0]


class Library:
    """The first pieces of evidence by their ids; each is read when it is first cited."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        lengths = accumulate(min(_length(one), 2 * READ_CHARACTERS) for one in evidence)
        self._unread = {
            one.evidence_id: one for one, so_far in zip(evidence, lengths, strict=True) if so_far <= _READ_IN_ALL
        }
        self._read: dict[str, Seen] = {}

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._unread

    def __getitem__(self, identifier: str) -> Seen:
        if identifier not in self._read:
            self._read[identifier] = Seen.of(self._unread[identifier])
        return self._read[identifier]
