"""Canaries: words that a test puts somewhere and looks for elsewhere, and a detector that finds these alone.

So a test of the wiring does not depend on what the patterns find.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from worker.redaction import Finding, Kind

__all__ = ["Blind", "Breaking", "CanaryDetector", "canaries_in"]


@dataclass(frozen=True)
class CanaryDetector:
    """Finds given values, each as its kind."""

    kinds: Mapping[str, Kind]
    names: Mapping[str, Kind] = field(default_factory=dict)

    def find(self, text: str) -> Sequence[Finding]:
        longest_first = sorted(self.kinds, key=len, reverse=True)
        found = re.finditer("|".join(map(re.escape, longest_first)), text)
        return [Finding(match.start(), match.end(), self.kinds[match[0]]) for match in found]

    def kind_named(self, name: str) -> Kind | None:
        return self.names.get(name)


class Blind:
    """Finds nothing: what redaction would be if it were off."""

    def find(self, text: str) -> Sequence[Finding]:
        return []

    def kind_named(self, name: str) -> Kind | None:
        return None


class Breaking:
    """Raises whatever it is asked, with the text that must not leave."""

    def find(self, text: str) -> Sequence[Finding]:
        raise RuntimeError(text)

    def kind_named(self, name: str) -> Kind | None:
        raise RuntimeError(name)


def canaries_in(text: str, canaries: Iterable[str]) -> set[str]:
    """Return the canaries that stand in a text, line by line where one has several lines."""
    return {canary for canary in canaries if any(line in text for line in canary.split("\n"))}
