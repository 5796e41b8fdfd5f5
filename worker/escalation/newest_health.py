"""The newest health of a result: what was probed after a restart goes before what was read ahead of it.

Pure. What was read ahead of a restart is never told as the present. Called by whatever tells of health: the card's
facts, the next steps, the note for stakeholders.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from worker.contract import Evidence, HealthReading, TriageResult
from worker.contract.result import RestartOutcome
from worker.escalation.card_limits import clipped

__all__ = [
    "RESTART_TOOL",
    "Newest",
    "citing",
    "evidence_of_restart",
    "is_before_restart",
    "newest_health",
    "newest_of",
]

RESTART_TOOL: Final = "restart_service"


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest reading; whether it is a probe after the restart, or was read ahead of one that may have happened."""

    reading: HealthReading
    is_probe: bool
    is_outdated: bool


def newest_health(result: TriageResult) -> Newest | None:
    """Return the newest health that was read, or None where none was."""
    last = result.last_health
    probe = result.restart.probes[-1] if result.restart is not None and result.restart.probes else None
    if probe is not None and (last is None or last.observed_at <= probe.observed_at):
        return Newest(probe, is_probe=True, is_outdated=False)
    if last is None:
        return None
    return Newest(last, is_probe=False, is_outdated=is_before_restart(last.observed_at, result))


def is_before_restart(moment: datetime, result: TriageResult) -> bool:
    """Say whether a restart that may have happened was ordered after this moment."""
    restart = result.restart
    return restart is not None and restart.outcome is not RestartOutcome.NOT_DONE and moment <= restart.ordered_at


def evidence_of_restart(result: TriageResult) -> Evidence | None:
    """Return the piece of evidence that tells of the result's restart."""
    if result.restart is None:
        return None
    attempts = (seen for seen in reversed(result.evidence) if seen.tool == RESTART_TOOL)
    return next((seen for seen in attempts if result.restart.detail in seen.statement), None)


def newest_of(tool: str, result: TriageResult) -> Evidence | None:
    """Return the newest piece of evidence of a tool."""
    return next((seen for seen in reversed(result.evidence) if seen.tool == tool), None)


def citing(seen: Evidence | None) -> str:
    """Return the citation of a piece of evidence, with a space before it, or nothing."""
    return "" if seen is None else f" [{clipped(seen.evidence_id, 1)}]"
