"""Sentences that cite several pieces of evidence: the facts of two never join into a third.

Pure. Each part of such a sentence has to be borne out by one piece alone. Parts are told apart only where each has a
subject of its own, and no other server is named: whose health it is, would be open. Of health and deeds one piece
speaks, and a log may stand beside it; no other piece of that tool is cited that says otherwise. Called by the
citations.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from worker.escalation.citation_claims import said_in
from worker.escalation.citation_evidence import Seen
from worker.escalation.citation_words import is_inferred

__all__ = ["joined_in"]

_BETWEEN: Final = re.compile(
    r"(?:[;,]|\b(?:and|but|while|whereas)\b)\s+(?=(?:the (?:service|server|restart|logs?)|CPU|memory"
    r"|no (?:dependency|local|errors?)|\d+ (?:log )?(?:lines|of))\b)",
    re.IGNORECASE,
)
_REASON: Final = re.compile(r"\b(?:since|as|so|therefore|after|before|despite|following)\b", re.IGNORECASE)
"""What ties a sentence together, beside the words of an inference."""

_AT_MOST: Final = 4
"""So many parts and pieces of evidence are weighed against each other."""


def joined_in(
    text: str, seen: Sequence[Seen], names: Sequence[str], is_borne_out: Callable[[str, Seen], bool]
) -> str | None:
    """Return the first part of a sentence that no piece of its evidence bears out alone, or None."""
    parts = _parts_of(text, names)
    if max(len(parts), len(seen)) > _AT_MOST:
        return text
    bearers = [{place for place, one in enumerate(seen) if is_borne_out(part, one)} for part in parts]
    for part, places in zip(parts, bearers, strict=True):
        tools = {seen[place].tool for place in places}
        if not places or any(one.tool in tools and place not in places for place, one in enumerate(seen)):
            return part
    of_others = [places for places in bearers if not any(seen[place].is_of_log for place in places)]
    is_of_one = not of_others or bool(set.intersection(*of_others))
    return None if is_of_one else text


def _parts_of(text: str, names: Sequence[str]) -> list[str]:
    said = said_in(text, has_quotations=True)
    has_another = bool(said.endpoints) or any(fixed.casefold() not in names for fixed in said.fixed)
    return [text] if has_another or is_inferred(text) or _REASON.search(text) else _BETWEEN.split(text)
