"""The desk's frame around the words of a model or of the rules, in a result's summary: whose words are whose.

Pure. A frame is believed only behind the endings that make it, so that nobody hides his own words in front of one.
Called by the card's cause, and where incidents are listed.
"""

import re
from collections.abc import Mapping
from typing import Final

from worker.contract import Ending, TriageResult

__all__ = ["FINISHED_BY_RULES", "said_at_a_good_end", "unframed", "word_in"]

FINISHED_BY_RULES: Final = frozenset(
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
    **dict.fromkeys(FINISHED_BY_RULES, _FINISHED),
    Ending.ALERTS_KEPT_COMING: _OVERTAKEN,
    Ending.HOSTILE_TEXT: _HANDED_OVER,
}
"""The desk's frame around somebody's words is believed only behind the endings that make it."""

_MAKES_QUOTATIONS: Final = (Ending.ESCALATED_BY_MODEL, Ending.CONCLUDED, Ending.HOSTILE_TEXT, Ending.ALERTS_KEPT_COMING)

_SAYS: Final = " says, unverified: “"

_FRAMED_RULES: Final = re.compile(
    r"By Firstline's own record [^“.]*\. rules says, unverified: “(?P<word>[^”]*)”?(?P<rest>.*)", re.DOTALL
)
_PLAIN_QUOTATION: Final = re.compile(r'([^"]*)"([^"]*)"([^"]*)')


def word_in(summary: str, result: TriageResult) -> tuple[str, bool]:
    """Return the words of a model or of the rules, and whether the desk's own words stood around them."""
    is_framed = False
    frame = _FRAMES.get(result.ending)
    frames = [frame] if frame is not None else []
    if result.is_llm and result.ending in _MAKES_QUOTATIONS:
        frames.append(_QUOTED_WORD)
    for one in frames:
        if found := one.match(summary):
            summary, is_framed = found["word"], True
    return summary if result.is_llm else unframed(summary), is_framed


def unframed(word: str) -> str:
    """Return the rules' words without the frame that earlier versions put around them, quotation marks restored.

    Where there is more than one quotation, nobody can say where each of them ends: the marks stay plain.
    """
    framed = _FRAMED_RULES.fullmatch(word)
    if framed is None:
        return word
    quotation = _PLAIN_QUOTATION.fullmatch(framed["word"])
    return (quotation.expand(r"\1“\2”\3") if quotation is not None else framed["word"]) + framed["rest"]


def said_at_a_good_end(summary: str) -> str:
    """Return what was said beside the desk's record of a good end, which stands before it; empty when nothing was."""
    return summary.partition(_SAYS)[2].rstrip(".").removesuffix("”")
