"""What was done, proposed or refused, on a card, and why; first of all, where text tried to give instructions.

Pure. A deed that stands in evidence cites it; what is the desk's own record (no restart was done) needs no citation.
Called by the card.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Final

from worker.contract import Disposition, Ending, Evidence, Refusal, TriageResult
from worker.contract.quoting import quoted
from worker.contract.result import RestartOutcome
from worker.escalation.card_checks import check_of, citations_of, time_of
from worker.escalation.card_limits import Limits, clipped
from worker.escalation.card_sentences import Sentence
from worker.escalation.newest_health import RESTART_TOOL, evidence_of_restart

__all__ = ["deeds_of"]

SUSPICIONS_LIMIT: Final = 3
"""All that a result tells of; each is shown, however tight, so that a decoy hides nothing."""

_DEEDS: Final[Mapping[RestartOutcome, str]] = {
    RestartOutcome.RESTORED: "Restarted once, at {time}: health was proven good afterwards",
    RestartOutcome.NOT_RESTORED: "Restarted once, at {time}: health was not proven good afterwards",
    RestartOutcome.NOT_DONE: "No restart was done: the attempt at {time} restarted nothing",
    RestartOutcome.UNKNOWN: "One restart was tried at {time}: whether it happened is unknown",
    RestartOutcome.PROOF_LOST: "Restarted once, at {time}: recorded as helpful, and its proof is lost",
    RestartOutcome.RESOLVED: "One restart was tried at {time}, and a person has resolved it since",
}


def deeds_of(result: TriageResult, limits: Limits) -> Iterator[Sentence]:
    """Yield what was done, proposed or refused and why; first, where text tried to give instructions."""
    yield from _warnings(result, limits)
    yield _restart(result, limits.deed_words)
    if result.disposition is Disposition.AWAITING_APPROVAL:
        yield _proposal(result, limits)
    attempts = list(_attempts(result, limits))
    yield from attempts[max(0, len(attempts) - limits.deeds) :]


def _proposal(result: TriageResult, limits: Limits) -> Sentence:
    """Return until when the proposal waits and, where there is room, why there is one, with its evidence."""
    until = f" until {result.approve_until.astimezone(UTC):%H:%M} UTC" if result.approve_until else ""
    refusal = _wanted_approval(result)
    if refusal is None or not limits.deeds:
        return Sentence(text=f"A restart is proposed{until}.")
    told = f"A restart is proposed{until}: {clipped(refusal.detail.rstrip('.'), limits.deed_words)}"
    seen = _told(refusal, result)
    if seen is None:
        return Sentence(text=_stopped(told))
    identifier = clipped(seen.evidence_id, 1)
    return Sentence(text=f"{told} [{identifier}].", citations=citations_of(identifier))


def _wanted_approval(result: TriageResult) -> Refusal | None:
    if result.disposition is not Disposition.AWAITING_APPROVAL:
        return None
    return next((refusal for refusal in result.refusals if refusal.reason == "needs_approval"), None)


def _told(refusal: Refusal | None, result: TriageResult) -> Evidence | None:
    """Return the evidence that tells of a refusal."""
    if refusal is None:
        return None
    return next((seen for seen in result.evidence if refusal.detail in seen.statement), None)


def _attempts(result: TriageResult, limits: Limits) -> Iterator[Sentence]:
    words, approval = limits.deed_words, result.incident.approval
    if approval is not None:
        why = f": {quoted(clipped(approval.why, limits.suspicion_words))}" if approval.why.strip() else ""
        yield Sentence(text=f"Approved by {clipped(approval.person, 3)} for {approval.incident_id}{why}.")
    told = evidence_of_restart(result)
    proposed = _wanted_approval(result)
    attempts = [
        seen for seen in result.evidence if seen.tool == RESTART_TOOL and seen not in (told, _told(proposed, result))
    ]
    for refusal in result.refusals:
        if refusal != proposed and _told(refusal, result) is None and result.ending is not Ending.APPROVAL_REFUSED:
            yield Sentence(text=_stopped(clipped(f"Refused: {refusal.detail}", words)))
    yield from (check_of(seen, words) for seen in attempts)


def _warnings(result: TriageResult, limits: Limits) -> Iterator[Sentence]:
    """Say that text tried to give instructions; what it said is quoted, for it is data like any other."""
    if not result.suspicions:
        return
    yield Sentence(text="Text from outside tries to give instructions: restarts were off.")
    for suspicion in result.suspicions[:SUSPICIONS_LIMIT]:
        where, sign = clipped(suspicion.where, 3), clipped(suspicion.sign.replace("_", " "), 4)
        excerpt = quoted(clipped(suspicion.excerpt, limits.suspicion_words))
        yield Sentence(text=f"In {where} ({sign}): {excerpt}", citations=citations_of(suspicion.where))


def _restart(result: TriageResult, words: int) -> Sentence:
    """Return what became of the restart, with its detail; it cites the evidence that has that detail."""
    restart = result.restart
    if restart is None:
        is_known = result.is_restart_known
        return Sentence(text="No restart was done." if is_known else "Whether a restart was done is not known.")
    seen = evidence_of_restart(result)
    deed = _DEEDS[restart.outcome].format(time=time_of(restart.ordered_at))
    told = f"{deed} ({clipped(_without_outcome(restart.detail), words)})"
    if seen is None:
        return Sentence(text=f"{told}.")
    identifier = clipped(seen.evidence_id, 1)
    return Sentence(text=f"{told} [{identifier}].", citations=citations_of(identifier))


def _without_outcome(detail: str) -> str:
    """Return the detail of a restart without what the deed says already."""
    return detail.rstrip(".").removeprefix("not proven good: ")


def _stopped(text: str) -> str:
    return text if text.endswith((".", "…", "!", "?")) else f"{text}."
