"""What a text claims to have been done: a restart, or a recovery.

It judges words, never the world: the conclusion holds each claim against what was observed, and tells where the two
differ. A claim in other words or another language is missed, so nothing may rest on there being none.
"""

import re
from typing import Final

__all__ = ["claims_a_recovery", "claims_a_restart"]

_RESTART: Final = re.compile(
    r"\bre-?(?:started|booted|launched)\b|\bbounced\b|\b(?:power-?)?cycled\b"
    r"|\b(?:restart|reboot)\b.{0,20}\b(?:performed|complete[d]?|executed|done|fixed|helped|succeeded|successful)\b",
    re.IGNORECASE,
)
_RECOVERY: Final = re.compile(
    r"\b(?:recovered|restored|remedied|fixed|resolved)\b|\b(?:healthy|well|good|fine|up) again\b"
    r"|\bback to (?:normal|health)\b|\b(?:proven|verified) (?:good|healthy|well)\b",
    re.IGNORECASE,
)
_DENIAL: Final = re.compile(r"(?:\bnot?\b|n't|\bnever\b|\bwithout\b|\blast\b).{0,20}$", re.IGNORECASE)
_DENIAL_CHARACTERS: Final = 30
"""Longer than any denial: to look further back at each claim would take time that grows with the text's square."""


def claims_a_restart(text: str) -> bool:
    """Say whether a text says that a restart was done."""
    return _claims(_RESTART, text)


def claims_a_recovery(text: str) -> bool:
    """Say whether a text says that a server is well again."""
    return _claims(_RECOVERY, text)


def _claims(deed: re.Pattern[str], text: str) -> bool:
    starts = (claim.start() for claim in deed.finditer(text))
    return any(not _DENIAL.search(text[max(0, start - _DENIAL_CHARACTERS) : start]) for start in starts)
