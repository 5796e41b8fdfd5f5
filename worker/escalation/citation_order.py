"""What stands together in a sentence otherwise than in its evidence: before and after, by whom, how long, how many.

Pure. English only. The words and the figures may all be true, and the sentence is false by their order alone. Called by
the citations.
"""

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["misplaced_in"]

_ORDER: Final = re.compile(
    r"(?<![\d.])(?<!for )\d[\d.,]* s (?:after|before|without) (?:the |a |an |its )?[a-z][\w-]*"
    r"|\b(?:after|before|as) (?:the |a |an |its )?[a-z][\w-]*|\bfrom \S+:\d+"
    r"|\b(?:requested|attempted|tried|stopped|restarted|refused|back)[”\"']? by \S+"
    r"|(?<![\w-])[\w-]+ needs|(?<![\w-])[\w-]+-\d+ was refused"
    r"|(?<!\S)\S+ refused (?:the |a |an |its )?restart\b|(?<!\S)\S+:\d+ (?:could not|cannot)\b"
    r"|(?<![\w:.-])[\w.-]*\w refused (?:the |a |any |to )?connect|\band this server\b|\bthis server and\b"
    r"|\bconnect to (?:the |a |an |its )?[\w.:-]*\w",
    re.IGNORECASE,
)
_DURATION: Final = re.compile(r"\bfor (\d[\d.,]*)")
_MIXED: Final = re.compile(r"\b(\d+) with ([a-z]+ [a-z]+(?: and [a-z]+ [a-z]+)+)")
"""So many lines are of several kinds together; how many of each, is not said."""

_ARTICLE: Final = re.compile(r"\b(?:the|a|an|its) ")


def misplaced_in(text: str, evidence: str) -> str | None:
    """Return the first order of events, duration, count or way of a connection that the evidence does not state."""
    durations = frozenset(_DURATION.findall(evidence))
    other = next((one for one in _DURATION.findall(text) if one not in durations), None)
    if other is not None and (durations or "the restart" in evidence):
        return f"for {other}"
    for count, kinds in _MIXED.findall(evidence):
        named = [kind.split()[0].rstrip("y") in text.casefold() for kind in kinds.split(" and ")]
        if any(named) and not all(named) and re.search(rf"(?<![\d.,]){count}(?![\d.,]*\d)", text):
            return f"{count} of one kind"
    stated = _ARTICLE.sub("", evidence)
    return next(
        (told for told in _orders_in(text) if not re.search(rf"(?<![\w.]){re.escape(told)}(?!\w)", stated)), None
    )


def _orders_in(text: str) -> Iterator[str]:
    for found in _ORDER.finditer(text):
        yield _ARTICLE.sub("", found[0].casefold())
