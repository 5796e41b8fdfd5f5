"""Evidence as a citation needs it: read for all that it says, when it is first cited.

Pure. Called by the citations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from worker.contract.result import Evidence
from worker.escalation.citation_claims import Said, folded, said_in
from worker.escalation.citation_numbers import in_plain_digits

__all__ = ["Library", "Seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One piece of evidence, read for what it says: with its quotations, and for what the desk itself `stated`.

    Quotations are a log's word. They say nothing of health, deeds and people, nor of the kinds of the log's lines.
    """

    tool: str
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
    def is_of_another(self) -> bool:
        """Whether its words of status are of a dependency, not of the incident's own server."""
        return "which this server needs" in self.raw_stated

    @classmethod
    def of(cls, evidence: Evidence) -> "Seen":
        """Read one piece of evidence; its time, in UTC, is a part of it."""
        seen_at = evidence.observed_at.astimezone(UTC)
        times = f"{seen_at:%Y-%m-%d %H:%M:%S} {seen_at:%H:%M}"
        raw = " ; ".join((evidence.statement, *evidence.quotations))
        return cls(
            tool=evidence.tool,
            raw=in_plain_digits(f"{raw} ; {evidence.tool} ; {times}").casefold(),
            raw_stated=in_plain_digits(f"{evidence.statement} ; {evidence.tool} ; {times}").casefold(),
            folded=folded(raw),
            folded_stated=folded(evidence.statement),
            said=said_in(raw, has_quotations=False),
            stated=said_in(evidence.statement, has_quotations=False),
        )


class Library:
    """The evidence by its id; each piece is read when it is first cited."""

    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._unread = {one.evidence_id: one for one in evidence}
        self._read: dict[str, Seen] = {}

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._unread

    def __getitem__(self, identifier: str) -> Seen:
        if identifier not in self._read:
            self._read[identifier] = Seen.of(self._unread[identifier])
        return self._read[identifier]
