"""Sentences that cite several pieces of evidence: the facts of two never join into a third.

Pure. All logs that it cites have to bear a part out, or all else that it cites: so nothing cited says otherwise. Parts
are told apart only where each has a subject of its own, and no other server is named: whose health it is, would be
open. Called by the citations.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from worker.escalation.citation_claims import said_in
from worker.escalation.citation_evidence import Seen
from worker.escalation.citation_words import is_inferred

__all__ = ["joined_in"]

_BETWEEN: Final = re.compile(
    r"(?:[;,]|\b(?:and|but)\b)\s+(?=(?:the (?:service|server|restart|logs?)|CPU|memory"
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
    """Return the first part of a sentence that is borne out neither by its logs nor by its other evidence, or None."""
    parts = _parts_of(text, names)
    if max(len(parts), len(seen)) > _AT_MOST:
        return text
    logs, others = [one for one in seen if one.is_of_log], [one for one in seen if not one.is_of_log]
    for part in parts:
        if not any(alike and all(is_borne_out(part, one) for one in alike) for alike in (logs, others)):
            return part
    return None


def _parts_of(text: str, names: Sequence[str]) -> list[str]:
    said = said_in(text, has_quotations=True)
    has_another = bool(said.endpoints) or any(fixed.casefold() not in names for fixed in said.fixed)
    return [text] if has_another or is_inferred(text) or _REASON.search(text) else _BETWEEN.split(text)
