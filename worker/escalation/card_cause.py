"""The likely cause on a card: whose word it is, each sentence checked against what it cites, and its confidence.

Pure. What the desk itself says is its record and stands as it is; what a model or the rules concluded is taken out of
the desk's frame around it and checked, whoever wrote it. Called by the card.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from worker.contract import Disposition, Ending, TriageResult
from worker.contract.text import cut_to_bytes, visible
from worker.escalation.advice import MAY_STAY_CLOSED, name_of
from worker.escalation.card_checks import HEALTH_TOOL, LOG_TOOL
from worker.escalation.card_frames import FINISHED_BY_RULES, said_at_a_good_end, word_in
from worker.escalation.card_limits import clipped
from worker.escalation.card_parts import Confidence
from worker.escalation.card_sentences import Doubt, Sentence
from worker.escalation.citations import checked, sentences_of
from worker.escalation.newest_health import citing, evidence_of_restart, newest_of
from worker.models.rules_limits import full_of
from worker.models.rules_model import SIGNATURE

__all__ = ["Cause", "cause_of"]

SUMMARY_LIMIT_BYTES: Final = 8_000

_SPOKEN_BY_THE_DESK: Final = frozenset(
    {
        Ending.UNKNOWN_SERVER,
        Ending.RESOLVED_BEFORE_TRIAGE,
        Ending.INTERNAL_ERROR,
        Ending.RESTART_INTERRUPTED,
        Ending.CLAIMS_SPENT,
        Ending.ALERTS_KEPT_COMING,
        Ending.UNREADABLE,
        Ending.STEPS_SPENT,
        Ending.TOKENS_SPENT,
        Ending.SECONDS_SPENT,
        Ending.MONEY_SPENT,
        Ending.APPROVAL_REFUSED,
        Ending.CONCLUDED,
    }
)

_OUTCOME: Final = re.compile(
    r"The restart (?:did not|was not|may|is)\b|The server's (?:health|log) could not be read"
    r"|The tool \S+ was not available"
)
"""What a summary begins with that tells how it ended, and no cause."""

_DEED: Final = re.compile(r"(?<=\. )(?:The restart (?:was|did|brought|of)|But restarts were not available)\b")
"""Where the rules go on with what became of a restart, behind what was seen."""

_QUOTATION: Final = re.compile("“[^”]*”")
_RULES: Final = "by rules, no language model"
_RECORD: Final = "Firstline's record"
_GOOD_ENDS: Final = (Disposition.RECOVERED, Disposition.NO_ACTION)
_NOT_KNOWN: Final = Sentence(text="The cause is not known.")


@dataclass(frozen=True, slots=True)
class Cause:
    """What is likely wrong; without a confidence nobody named a cause, and the sentences say why it was handed over."""

    sentences: tuple[Sentence, ...]
    confidence: Confidence | None
    said_by: str


def cause_of(result: TriageResult) -> Cause:
    """Return the cause of any result: high where all of it is cited and stands, low where a citation is false."""
    summary = _summary(result)
    if result.ending is Ending.CONCLUDED and result.disposition in _GOOD_ENDS:
        return _of_a_good_end(summary, result)
    word, is_framed = word_in(summary, result)
    if result.ending in _SPOKEN_BY_THE_DESK and not is_framed:
        return Cause((Sentence(text=" ".join(summary.split())),), None, "Firstline's word, not a model's")
    if not result.is_llm or (result.ending in FINISHED_BY_RULES and is_framed):
        return _of_rules(word, result)
    sentences = sentences_of(word, result.evidence, names=_names(result))
    if _OUTCOME.match(word):
        return Cause((_NOT_KNOWN, *sentences), None, _model(result))
    confidence = _confidence(sentences, result, is_of_rules=False)
    return Cause(sentences or (Sentence(text="Nothing was said."),), confidence, _model(result))


def _of_rules(word: str, result: TriageResult) -> Cause:
    """Return the rules' word: a cause only where they saw a fault, for pressure alone is none."""
    sentences = sentences_of(_without_the_deed(word), result.evidence, names=_names(result), is_own=True)
    if _OUTCOME.match(word) or not _has_fault(result):
        return Cause((_NOT_KNOWN, *sentences), None, _RULES)
    return Cause(sentences, _confidence(sentences, result, is_of_rules=True), _RULES)


def _of_a_good_end(summary: str, result: TriageResult) -> Cause:
    """Return how it ended by the desk's own record, and what a language model said to it, checked like all it says."""
    word = said_at_a_good_end(summary) if result.is_llm else ""
    said = sentences_of(word, result.evidence, names=_names(result))
    return Cause((_record(result), *said), None, f"{_RECORD}; then {_model(result)}" if said else _RECORD)


def _record(result: TriageResult) -> Sentence:
    if result.disposition is Disposition.RECOVERED:
        proven = citing(evidence_of_restart(result))
        text = f"Health was proven good after one restart{proven}; why it was needed is not known."
    else:
        health, log = citing(newest_of(HEALTH_TOOL, result)), citing(newest_of(LOG_TOOL, result))
        text = f"Health was read good{health}, and the log shows no fault{log}."
    return checked(text, result.evidence, names=_names(result), is_own=True)


def _has_fault(result: TriageResult) -> bool:
    """Say whether a line of the log names a fault, or a disk or the like is full."""
    findings, health = result.findings, result.last_health
    has_lines = findings is not None and any(findings.quotations)
    return has_lines or (health is not None and bool(full_of(health)))


def _names(result: TriageResult) -> Sequence[str]:
    return [name for name in (name_of(result), result.service) if name]


def _summary(result: TriageResult) -> str:
    """Return the summary without what the card says elsewhere: by whom it is, and that a server may stay closed."""
    before, closed, behind = result.summary.replace(f" {SIGNATURE}", "").partition(MAY_STAY_CLOSED)
    named = before.rstrip().rpartition(" ")[0] if closed else before
    return cut_to_bytes(visible(f"{named}{behind}"), SUMMARY_LIMIT_BYTES).strip()


def _without_the_deed(word: str) -> str:
    """Return what was seen, without what became of a restart behind it: the card tells of deeds elsewhere."""
    bare = _QUOTATION.sub(lambda found: "-" * len(found[0]), word)
    deed = _DEED.search(bare)
    return word if deed is None else word[: deed.start()]


def _confidence(sentences: Sequence[Sentence], result: TriageResult, *, is_of_rules: bool) -> Confidence:
    """Return how far to trust it: no more than halfway what a model says, or what a restart did not cure."""
    if result.suspicions:
        return Confidence.LOW
    doubts = [sentence.doubt for sentence in sentences]
    if doubts and not any(doubts):
        return Confidence.HIGH if is_of_rules and result.restart is None else Confidence.MEDIUM
    is_false = Doubt.UNSEEN in doubts or Doubt.UNSUPPORTED in doubts
    return Confidence.MEDIUM if not is_false and 0 < len(doubts) <= 2 * doubts.count(None) else Confidence.LOW


def _model(result: TriageResult) -> str:
    return f"by {clipped(result.model, 1, limit_bytes=64)}, a language model"
