"""What the desk concluded of one incident, in short: what the queue lists, and what engineers judge.

It outlives the registry's entry, so it holds all that either needs. Of the masked result, never of anything else.
"""

from typing import Final

from pydantic import AwareDatetime

from worker.contract.base import Frozen
from worker.contract.incident import Severity
from worker.contract.result import Disposition, Ending, RestartOutcome, TriageResult
from worker.contract.text import cut_to_bytes

__all__ = ["NEEDS_ENGINEERS", "Concluded"]

NEEDS_ENGINEERS: Final = frozenset({Disposition.ESCALATED, Disposition.AWAITING_APPROVAL, Disposition.DEAD_LETTERED})

_SUMMARY_BYTES: Final = 400


class Concluded(Frozen):
    """One result in short; `restart` is what came of the one restart, None where none was done."""

    incident_id: str
    severity: Severity
    server_id: str | None
    service: str | None
    disposition: Disposition
    ending: Ending
    summary: str
    restart: RestartOutcome | None
    model: str
    is_llm: bool
    prompt_hash: str
    finished_at: AwareDatetime

    @classmethod
    def of(cls, result: TriageResult) -> "Concluded":
        """Shorten a result; the severity is that of the most urgent alert."""
        return cls(
            incident_id=result.incident.incident_id,
            severity=result.occurrences.severity or result.incident.severity,
            server_id=result.server_id,
            service=result.service,
            disposition=result.disposition,
            ending=result.ending,
            summary=cut_to_bytes(result.summary, _SUMMARY_BYTES),
            restart=result.restart and result.restart.outcome,
            model=result.model,
            is_llm=result.is_llm,
            prompt_hash=result.prompt_hash,
            finished_at=result.finished_at,
        )

    @property
    def needs_engineers(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.disposition in NEEDS_ENGINEERS
