"""The facts on a card, from the typed result only: impact, what was done or refused, what was checked and ruled out.

Pure. A fact that stands in evidence cites it, and is written only where that citation holds; what is the desk's own
record (no restart was done) needs none. Called by the card.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from worker.contract import Disposition, Evidence, IncidentKind, TriageResult
from worker.contract.observations import CPU_PRESSURE_PERCENT, MEMORY_PRESSURE_PERCENT
from worker.contract.quoting import quoted
from worker.contract.result import RestartOutcome
from worker.escalation.card_limits import Limits, clipped
from worker.escalation.card_sentences import Citation, CitationKind, Sentence
from worker.escalation.citations import checked
from worker.escalation.newest_health import RESTART_TOOL, evidence_of_restart, is_before_restart, newest_health

__all__ = ["checks_of", "deeds_of", "impact_of", "ruled_out_of", "urgency_of"]

HEALTH_TOOL: Final = "get_server_health"
LOG_TOOL: Final = "fetch_recent_logs"

SUSPICIONS_LIMIT: Final = 3
"""All that a result tells of; each is shown, however tight, so that a decoy hides nothing."""

_ONE_LINES: Final = re.compile(r"(?<![\d.,])1 log lines\b")
_LABELS: Final[Mapping[str, str]] = {HEALTH_TOOL: "health", LOG_TOOL: "log"}

_DEEDS: Final[Mapping[RestartOutcome, str]] = {
    RestartOutcome.RESTORED: "Restarted once, at {time}: health was proven good afterwards",
    RestartOutcome.NOT_RESTORED: "Restarted once, at {time}: health was not proven good afterwards",
    RestartOutcome.NOT_DONE: "No restart was done: the attempt at {time} restarted nothing",
    RestartOutcome.UNKNOWN: "One restart was tried at {time}: whether it happened is not known",
    RestartOutcome.PROOF_LOST: "Restarted once, at {time}: recorded as helpful, and its proof is lost",
    RestartOutcome.RESOLVED: "One restart was tried at {time}, and a person has resolved it since",
}


def urgency_of(result: TriageResult) -> str:
    """Return the most urgent severity of the incident's alerts; of a trend, it says that it is one."""
    severity = result.occurrences.severity or result.incident.severity
    return f"{severity} trend" if result.incident.kind is IncidentKind.TREND else severity


def impact_of(result: TriageResult) -> Iterator[Sentence]:
    """Yield what alerts and health say of the impact, and that nobody knows more."""
    counts = result.occurrences
    alerts = f"{counts.count} {urgency_of(result)} alert{'' if counts.count == 1 else 's'}"
    yield Sentence(text=f"{alerts}, {counts.resolved} of them over." if counts.resolved else f"{alerts}.")
    if newest := newest_health(result):
        yield from _of_health(f"The service is {newest.reading.status}", result, is_probe=newest.is_probe)
    yield Sentence(text="Effect on users: not known.")


def ruled_out_of(result: TriageResult) -> Iterator[Sentence]:
    """Yield what the newest health and log speak against, each with the value that does."""
    findings, newest = result.findings, newest_health(result)
    if findings is not None and findings.scanned_lines and not findings.dependency_failures:
        lines = f"{findings.scanned_lines} log line{'' if findings.scanned_lines == 1 else 's'}"
        yield from _standing(f"No dependency failure in {lines}", LOG_TOOL, result)
    if newest is None:
        return
    memory, cpu = newest.reading.memory_percent, newest.reading.cpu_percent
    if memory is not None and memory < MEMORY_PRESSURE_PERCENT:
        yield from _of_health(f"Not memory: {memory:.0f} %", result, is_probe=newest.is_probe)
    if cpu is not None and cpu < CPU_PRESSURE_PERCENT:
        yield from _of_health(f"Not CPU: {cpu:.0f} %", result, is_probe=newest.is_probe)


def checks_of(result: TriageResult, limits: Limits) -> Iterator[Sentence]:
    """Yield what was checked, with values and times, oldest first; the newest of each kind before any other."""
    checks = [seen for seen in result.evidence if seen.tool != RESTART_TOOL]
    if not checks:
        yield Sentence(text="Nothing could be checked.")
    newest = {seen.tool: number for number, seen in enumerate(checks)}
    order = sorted(range(len(checks)), key=lambda number: (newest[checks[number].tool] == number, number), reverse=True)
    kept = sorted(order[: limits.checks])
    yield from (_check(checks[number], limits.check_words) for number in kept)
    if left_out := len(checks) - len(kept):
        yield Sentence(text=f"{left_out} more in the transcript.")


def deeds_of(result: TriageResult, limits: Limits) -> Iterator[Sentence]:
    """Yield what was done, proposed or refused and why; first, where text tried to give instructions."""
    yield from _warnings(result, limits)
    yield _restart(result, limits.deed_words)
    if result.disposition is Disposition.AWAITING_APPROVAL:
        until = f"until {result.approve_until.astimezone(UTC):%H:%M} UTC" if result.approve_until else "for you"
        yield Sentence(text=f"A restart is proposed: it waits {until}.")
    attempts = list(_attempts(result, limits))
    yield from attempts[max(0, len(attempts) - limits.deeds) :]


def _attempts(result: TriageResult, limits: Limits) -> Iterator[Sentence]:
    words, approval = limits.deed_words, result.incident.approval
    if approval is not None:
        why = f": {quoted(clipped(approval.why, limits.suspicion_words))}" if approval.why.strip() else ""
        yield Sentence(text=f"Approved by {clipped(approval.person, 3)} for {approval.incident_id}{why}.")
    told = evidence_of_restart(result)
    attempts = [seen for seen in result.evidence if seen.tool == RESTART_TOOL and seen is not told]
    for refusal in result.refusals:
        if not any(refusal.detail in seen.statement for seen in result.evidence):
            yield Sentence(text=_stopped(clipped(f"Refused ({refusal.reason}): {refusal.detail}", words)))
    yield from (_check(seen, words) for seen in attempts)


def _warnings(result: TriageResult, limits: Limits) -> Iterator[Sentence]:
    """Say that text tried to give instructions; what it said is quoted, for it is data like any other."""
    if not result.suspicions:
        return
    yield Sentence(text="Text from outside tries to give instructions: restarts were off.")
    for suspicion in result.suspicions[:SUSPICIONS_LIMIT]:
        where, sign = clipped(suspicion.where, 3), clipped(suspicion.sign.replace("_", " "), 4)
        excerpt = quoted(clipped(suspicion.excerpt, limits.suspicion_words))
        yield Sentence(text=f"In {where} ({sign}): {excerpt}", citations=_citations(suspicion.where))


def _restart(result: TriageResult, words: int) -> Sentence:
    """Return what became of the restart, with its detail; it cites the evidence that has that detail."""
    restart = result.restart
    if restart is None:
        is_known = result.is_restart_known
        return Sentence(text="No restart was done." if is_known else "Whether a restart was done is not known.")
    seen = evidence_of_restart(result)
    deed = _DEEDS[restart.outcome].format(time=_time(restart.ordered_at))
    told = f"{deed} ({clipped(_without_outcome(restart.detail), words)})"
    if seen is None:
        return Sentence(text=f"{told}.")
    identifier = clipped(seen.evidence_id, 1)
    return Sentence(text=f"{told} [{identifier}].", citations=_citations(identifier))


def _without_outcome(detail: str) -> str:
    """Return the detail of a restart without what the deed says already."""
    return detail.rstrip(".").removeprefix("not proven good: ")


def _check(seen: Evidence, words: int) -> Sentence:
    """Return one piece of evidence as a sentence that cites it; statement and newest quotation share the words."""
    statement = seen.statement.replace(f"{RESTART_TOOL} was refused", "restart refused")
    statement = _ONE_LINES.sub("1 log line", statement)
    if seen.tool != RESTART_TOOL and not statement.startswith(seen.tool):
        statement = f"{_LABELS.get(seen.tool, seen.tool)}: {statement}"
    told = clipped(statement, words)
    left = words - len(told.split())
    if seen.quotations and left > 1:
        told += f" {quoted(clipped(seen.quotations[-1], left))}"
    identifier = clipped(seen.evidence_id, 1)
    return Sentence(text=f"{_time(seen.observed_at)} {told} [{identifier}]", citations=_citations(identifier))


def _of_health(text: str, result: TriageResult, *, is_probe: bool) -> Iterator[Sentence]:
    """Yield the sentence; a probe stands in the restart's own record, and cites the evidence that tells of it."""
    if not is_probe:
        yield from _standing(text, HEALTH_TOOL, result)
        return
    seen = evidence_of_restart(result)
    cited = f" [{seen.evidence_id}]" if seen is not None else ""
    yield Sentence(text=f"{text}, after the restart{cited}.", citations=_citations(seen.evidence_id) if seen else ())


def _standing(text: str, tool: str, result: TriageResult) -> Iterator[Sentence]:
    """Yield the sentence once, with the newest evidence of a tool that bears it out; without one, nothing."""
    for seen in reversed(result.evidence):
        if seen.tool == tool:
            sentence = checked(f"{text} [{seen.evidence_id}].", [seen], is_own=True)
            if sentence.doubt is None:
                yield _dated(sentence, seen.observed_at, result)
            return


def _dated(sentence: Sentence, moment: datetime, result: TriageResult) -> Sentence:
    """Return the sentence; of what was seen before the restart it says so, and when."""
    if not is_before_restart(moment, result):
        return sentence
    text = f"Before the restart, at {_time(moment)[:5]} UTC: {sentence.text[0].lower()}{sentence.text[1:]}"
    return sentence.model_copy(update={"text": text})


def _citations(identifier: str) -> Sequence[Citation]:
    is_evidence = identifier.startswith("E") and identifier[1:].isdecimal()
    return (Citation(kind=CitationKind.EVIDENCE, identifier=identifier),) if is_evidence else ()


def _stopped(text: str) -> str:
    return text if text.endswith((".", "…", "!", "?")) else f"{text}."


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S}"
