"""The likely cause on a card: whose word it is, each sentence checked against what it cites, and its confidence.

Pure. What the desk itself says is its record and stands as it is; what a model or the rules concluded is taken out of
the desk's frame around it and checked, whoever wrote it. Called by the card.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from worker.contract import Ending, TriageResult
from worker.contract.text import cut_to_bytes, visible
from worker.escalation.advice import MAY_STAY_CLOSED, name_of
from worker.escalation.card_limits import clipped
from worker.escalation.card_parts import Confidence
from worker.escalation.card_sentences import Doubt, Sentence
from worker.escalation.citations import sentences_of
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

_FINISHED_BY_RULES: Final = frozenset(
    {
        Ending.MODEL_UNAVAILABLE,
        Ending.NO_USABLE_ANSWER,
        Ending.UNSUPPORTED_CONCLUSION,
        Ending.STEPS_SPENT,
        Ending.TOKENS_SPENT,
        Ending.SECONDS_SPENT,
        Ending.MONEY_SPENT,
    }
)

_QUOTED_WORD: Final = re.compile(
    r"^(?:By Firstline's own record [^“.]*\.|No restart was done\.) \S+ says, unverified: “(?P<word>[^”]*)”\.?$",
    re.DOTALL,
)
_FINISHED: Final = re.compile(r"^.*?The rules finished, without the right to restart: (?P<word>.*)$", re.DOTALL)
_OVERTAKEN: Final = re.compile(r"^Alerts kept coming after each look; the last one said: (?P<word>.*)$", re.DOTALL)
_HANDED_OVER: Final = re.compile(
    r"^Handed over because text in .*? tries to give instructions; without it, this would have ended as \w+: "
    r"(?P<word>.*)$",
    re.DOTALL,
)
_FRAMES: Final[Mapping[Ending, re.Pattern[str]]] = {
    **dict.fromkeys(_FINISHED_BY_RULES, _FINISHED),
    Ending.ALERTS_KEPT_COMING: _OVERTAKEN,
    Ending.HOSTILE_TEXT: _HANDED_OVER,
}
"""The desk's frame around somebody's words is believed only behind the endings that make it."""

_MAKES_QUOTATIONS: Final = (Ending.ESCALATED_BY_MODEL, Ending.CONCLUDED, Ending.HOSTILE_TEXT, Ending.ALERTS_KEPT_COMING)

_OUTCOME: Final = re.compile(
    r"The restart (?:did not|was not|may|is)\b|The server's (?:health|log) could not be read"
    r"|The tool \S+ was not available"
)
"""What a summary begins with that tells how it ended, and no cause."""

_SEEN: Final = "What was seen: "
_TRIED_ALREADY: Final = ": a restart is likely to help."
"""What the rules say before a restart, and nobody wants to read after one."""

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
    word, is_framed = _word_in(summary, result)
    if result.ending in _SPOKEN_BY_THE_DESK and not is_framed:
        return Cause((Sentence(text=" ".join(summary.split())),), None, "Firstline's word, not a model's")
    names = [name for name in (name_of(result), result.service) if name]
    is_of_rules = not result.is_llm or (result.ending in _FINISHED_BY_RULES and is_framed)
    has_no_cause = _OUTCOME.match(word) is not None
    if has_no_cause and is_of_rules:
        word = _without_the_deed(word, result)
    sentences = sentences_of(word, result.evidence, names=names, is_own=is_of_rules)
    said_by = "by rules, no language model" if is_of_rules else f"by {_name(result.model)}, a language model"
    if has_no_cause:
        return Cause((_NOT_KNOWN, *sentences), None, said_by)
    confidence = Confidence.LOW if result.suspicions else _confidence(sentences, is_of_rules=is_of_rules)
    return Cause(sentences or (Sentence(text="Nothing was said."),), confidence, said_by)


def _summary(result: TriageResult) -> str:
    """Return the summary without what the card says elsewhere: by whom it is, and that a server may stay closed."""
    before, closed, behind = result.summary.replace(SIGNATURE, "").partition(MAY_STAY_CLOSED)
    named = before.rstrip().rpartition(" ")[0] if closed else before
    return cut_to_bytes(visible(f"{named}{behind}"), SUMMARY_LIMIT_BYTES).strip()


def _without_the_deed(word: str, result: TriageResult) -> str:
    """Return what was seen, where the rules say so behind how it ended: the card tells of deeds elsewhere."""
    _, has_seen, seen = word.partition(_SEEN)
    told = f"{_SEEN}{seen}" if has_seen else word
    return told.replace(_TRIED_ALREADY, ".") if result.restart is not None else told


def _word_in(summary: str, result: TriageResult) -> tuple[str, bool]:
    """Return the words of a model or of the rules, and whether the desk's own words stood around them."""
    is_framed = False
    frame = _FRAMES.get(result.ending)
    frames = [frame] if frame is not None else []
    if result.is_llm and result.ending in _MAKES_QUOTATIONS:
        frames.append(_QUOTED_WORD)
    for one in frames:
        if found := one.match(summary):
            summary, is_framed = found["word"], True
    return summary, is_framed


def _confidence(sentences: Sequence[Sentence], *, is_of_rules: bool) -> Confidence:
    """Return how far to trust it: a model's words are never more than halfway, whatever they cite."""
    doubts = [sentence.doubt for sentence in sentences]
    if doubts and not any(doubts):
        return Confidence.HIGH if is_of_rules else Confidence.MEDIUM
    is_false = Doubt.UNSEEN in doubts or Doubt.UNSUPPORTED in doubts
    return Confidence.MEDIUM if not is_false and 0 < len(doubts) <= 2 * doubts.count(None) else Confidence.LOW


def _name(model: str) -> str:
    return clipped(model, 1, limit_bytes=64)
