"""How many of the testers' canaries are gone: told by what can still be read of them, six characters in a row."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.redaction.blind.lines import BlindLine
from worker.redaction import Detector, Masker, Placeholders

__all__ = ["Found", "found"]

_SEEN: Final = 6  # less of a value gives nothing away


@dataclass(slots=True)
class Found:
    """Canaries and those that were missed, in all and by template; one missed line of each template."""

    canaries: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        return 1 - self.missed.total() / self.canaries.total()

    @property
    def mostly_missed(self) -> set[str]:
        """The templates whose canaries are missed more than half of the time."""
        return {template for template, number in self.missed.items() if number * 2 > self.canaries[template]}


def found(lines: Iterable[BlindLine], detector: Detector) -> Found:
    """Mask each line alone, and look for its canaries."""
    made = Found()
    for line in lines:
        masked = Masker(detector, Placeholders()).masked(line.text)
        missed = sum(_is_seen(canary, masked, line.frame) for canary in line.canaries)
        made.canaries[line.template] += len(line.canaries)
        made.missed[line.template] += missed
        if missed:
            made.examples.setdefault(line.template, (line.text, masked))
    return made


def _is_seen(canary: str, masked: str, frame: str) -> bool:
    """Say whether six characters in a row of the canary, or all of a shorter one, are there and not of the frame."""
    length = min(_SEEN, len(canary))
    pieces = {canary[start : start + length] for start in range(len(canary) - length + 1)}
    return any(piece in masked and piece not in frame for piece in pieces)
