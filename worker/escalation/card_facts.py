"""The facts on a card, from the typed result only: the impact, and what was ruled out.

Pure. A fact that stands in evidence cites it, and is written only where that citation holds. Called by the card.
"""

from collections.abc import Iterator
from datetime import datetime

from worker.contract import IncidentKind, TriageResult
from worker.contract.counting import counted
from worker.contract.observations import CPU_PRESSURE_PERCENT, MEMORY_PRESSURE_PERCENT
from worker.escalation.card_checks import HEALTH_TOOL, LOG_TOOL, citations_of, time_of
from worker.escalation.card_sentences import Sentence
from worker.escalation.citations import checked
from worker.escalation.newest_health import evidence_of_restart, is_before_restart, newest_health

__all__ = ["impact_of", "ruled_out_of", "urgency_of"]


def urgency_of(result: TriageResult) -> str:
    """Return the most urgent severity of the incident's alerts; of a trend, it says that it is one."""
    severity = result.occurrences.severity or result.incident.severity
    return f"{severity} trend" if result.incident.kind is IncidentKind.TREND else severity


def impact_of(result: TriageResult) -> Iterator[Sentence]:
    """Yield what alerts and health say of the impact, and that nobody knows more."""
    counts = result.occurrences
    alerts = counted(counts.count, f"{urgency_of(result)} alert")
    yield Sentence(text=f"{alerts}, {counts.resolved} of them over." if counts.resolved else f"{alerts}.")
    if newest := newest_health(result):
        yield from _of_health(f"The service is {newest.reading.status}", result, is_probe=newest.is_probe)
    yield Sentence(text="Effect on users: not known.")


def ruled_out_of(result: TriageResult) -> Iterator[Sentence]:
    """Yield what the newest health and log speak against, each with the value that does."""
    findings, newest = result.findings, newest_health(result)
    if findings is not None and findings.scanned_lines and not findings.dependency_failures:
        yield from _standing(
            f"A failing dependency (none in {counted(findings.scanned_lines, 'log line')})", LOG_TOOL, result
        )
    if newest is None:
        return
    memory, cpu = newest.reading.memory_percent, newest.reading.cpu_percent
    if memory is not None and memory < MEMORY_PRESSURE_PERCENT:
        yield from _of_health(f"Memory pressure ({memory:.0f} %)", result, is_probe=newest.is_probe)
    if cpu is not None and cpu < CPU_PRESSURE_PERCENT:
        yield from _of_health(f"CPU pressure ({cpu:.0f} %)", result, is_probe=newest.is_probe)


def _of_health(text: str, result: TriageResult, *, is_probe: bool) -> Iterator[Sentence]:
    """Yield the sentence; a probe stands in the restart's own record, and cites the evidence that tells of it."""
    if not is_probe:
        yield from _standing(text, HEALTH_TOOL, result)
        return
    seen = evidence_of_restart(result)
    cited = f" [{seen.evidence_id}]" if seen is not None else ""
    yield Sentence(text=f"{text} after the restart{cited}.", citations=citations_of(seen.evidence_id) if seen else ())


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
    text = f"Before the restart, at {time_of(moment)[:5]} UTC: {sentence.text[0].lower()}{sentence.text[1:]}"
    return sentence.model_copy(update={"text": text})
