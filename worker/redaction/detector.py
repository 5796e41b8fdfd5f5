"""Finds secrets and personal data by their shape, and checks each before it is believed."""

import re
from collections.abc import Sequence
from typing import Final

from worker.redaction.kinds import Finding, Kind
from worker.redaction.rules import RedactionRules

__all__ = ["PatternDetector"]

_PATTERN: Final = re.compile(r"(?P<IP_ADDRESS>\b\d{1,3}(?:\.\d{1,3}){3}\b)|password=(?P<PASSWORD>[^\s\[]+)", re.ASCII)


class PatternDetector:
    """Finds by patterns under an installation's rules. It holds no state, so many threads may ask at once."""

    def __init__(self, rules: RedactionRules) -> None:
        self._rules = rules

    def find(self, text: str) -> Sequence[Finding]:
        """Return what was found, by place, without overlaps."""
        return [
            Finding(*found.span(found.lastgroup or 0), Kind(found.lastgroup or ""))
            for found in _PATTERN.finditer(text)
            if found[0].casefold() not in self._rules.kept
        ]

    def kind_named(self, name: str) -> Kind | None:
        """Return what a field or label of this name holds, whatever it looks like."""
        return Kind.PASSWORD if "password" in name.casefold() else None
