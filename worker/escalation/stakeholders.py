"""The drafted note to people outside operations: what is known, who has it, and that no more is known.

Pure, from the typed result only: it invents no impact and names no cause. Called by the card.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Final

from worker.contract import Disposition, Ending, ServiceStatus, TriageResult
from worker.escalation.card_limits import clipped
from worker.escalation.newest_health import newest_health

__all__ = ["stakeholder_note"]

_NAME_LIMIT_BYTES: Final = 253
_KNOWN: Final[Mapping[Disposition, str]] = {
    Disposition.RECOVERED: "The service was restarted automatically, and was well when we last checked it after that.",
    Disposition.NO_ACTION: "Automatic checks found nothing wrong.",
    Disposition.AWAITING_APPROVAL: "A restart has been proposed and waits for an engineer's decision.",
}


def stakeholder_note(result: TriageResult, sentences: int) -> tuple[str, ...]:
    """Return a drafted notification: so many sentences of what is known and who has it, and what nobody knows."""
    service, server = (
        clipped(text, 2, limit_bytes=_NAME_LIMIT_BYTES) if text else "" for text in (result.service, result.server_id)
    )
    subject = f"the {service} service" if service else server or "one of our systems"
    raised_at = f"{result.incident.started_at.astimezone(UTC):%H:%M} UTC"
    is_over = result.disposition in (Disposition.RECOVERED, Disposition.NO_ACTION)
    opening = f"We {'looked' if is_over else 'are looking'} into an alert about {subject} from {raised_at}."
    known = (opening, _state_for_stakeholders(result))[:sentences]
    return (*known, "Effect on users: not yet known.")


def _state_for_stakeholders(result: TriageResult) -> str:
    if result.ending is Ending.RESOLVED_BEFORE_TRIAGE:
        return "It was over before anything was checked."
    if result.disposition in _KNOWN:
        return _KNOWN[result.disposition]
    newest = newest_health(result)
    if newest is not None and newest.is_probe and newest.reading.status is ServiceStatus.STOPPED:
        return "The service was stopped after an automatic restart; an engineer has been asked to look."
    if result.restart is not None and result.restart.restarted_at is not None:
        return "An automatic restart did not resolve it; an engineer has been asked to look."
    return "Automatic checks could not resolve it; an engineer has been asked to look."
