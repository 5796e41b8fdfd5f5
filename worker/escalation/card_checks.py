"""What was checked, on a card: each piece of evidence as one sentence that cites it, in words for people.

Pure. Codes of reasons and names of tools are for programs: a sentence here has neither. Called by the card, and by what
tells of deeds.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from worker.contract import Evidence, TriageResult
from worker.contract.innermost import innermost
from worker.contract.quoting import quoted
from worker.escalation.card_cutting import undated
from worker.escalation.card_limits import Limits, clipped
from worker.escalation.card_sentences import Citation, CitationKind, Sentence
from worker.escalation.newest_health import RESTART_TOOL

__all__ = ["HEALTH_TOOL", "LOG_TOOL", "check_of", "checks_of", "citations_of", "time_of"]

HEALTH_TOOL: Final = "get_server_health"
LOG_TOOL: Final = "fetch_recent_logs"

_LABELS: Final[Mapping[str, str]] = {HEALTH_TOOL: "health", LOG_TOOL: "log", RESTART_TOOL: "restart"}
_PLAINLY: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    LOG_TOOL: ((" log line", " line"), ("local faults", "errors of its own"), (" with other errors", " with errors"))
}
_FEWEST_WORDS_OF_A_QUOTATION: Final = 4
_FAILED: Final = "failed: "
_FOR_MODELS: Final = re.compile(r" Ask again in \d+ s\.?$")
_REFUSED: Final = re.compile(r"^was refused \(\w+\): ")


def checks_of(result: TriageResult, limits: Limits) -> Iterator[Sentence]:
    """Yield what was checked, with values and times, oldest first; the newest of each kind before any other."""
    checks = [seen for seen in result.evidence if seen.tool != RESTART_TOOL]
    if not checks:
        yield Sentence(text="Nothing could be checked.")
    newest = {seen.tool: number for number, seen in enumerate(checks)}
    order = sorted(range(len(checks)), key=lambda number: (newest[checks[number].tool] == number, number), reverse=True)
    kept = sorted(order[: limits.checks])
    yield from (check_of(checks[number], limits.check_words) for number in kept)
    if left_out := len(checks) - len(kept):
        yield Sentence(text=f"{left_out} more in the transcript.")


def check_of(seen: Evidence, words: int) -> Sentence:
    """Return one piece of evidence as a sentence that cites it; statement and newest quotation share the words."""
    told = clipped(_without_codes(seen), words)
    left = words - len(told.split())
    if seen.quotations and left >= _FEWEST_WORDS_OF_A_QUOTATION:
        told += f" {undated(quoted(clipped(seen.quotations[-1], left)))}"
    identifier = clipped(seen.evidence_id, 1)
    return Sentence(text=f"{time_of(seen.observed_at)} {told} [{identifier}]", citations=citations_of(identifier))


def _without_codes(seen: Evidence) -> str:
    """Return a statement as it is told to people: without the tool's name, and without the reason's code."""
    label = _LABELS.get(seen.tool, seen.tool)
    if not seen.statement.startswith(f"{seen.tool} "):
        told = seen.statement
        for word, plain in _PLAINLY.get(seen.tool, ()):
            told = told.replace(word, plain, 1)
        return told if seen.tool == RESTART_TOOL else f"{label}: {told}"
    is_restart = seen.tool == RESTART_TOOL
    refused = "refused: " if is_restart else "not read, refused: "
    told = _REFUSED.sub(refused, seen.statement.removeprefix(f"{seen.tool} "))
    if told.startswith(_FAILED):
        told = f"{'failed' if is_restart else 'not read'}: {innermost(told.removeprefix(_FAILED))}"
    return f"{label} {_FOR_MODELS.sub('', told).replace(seen.tool, 'it').rstrip('.')}"


def citations_of(identifier: str) -> Sequence[Citation]:
    """Return the citation of one piece of evidence, or nothing where the identifier is none of evidence."""
    is_evidence = identifier.startswith("E") and identifier[1:].isdecimal()
    return (Citation(kind=CitationKind.EVIDENCE, identifier=identifier),) if is_evidence else ()


def time_of(moment: datetime) -> str:
    """Return a time of day to the second, in UTC."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"
