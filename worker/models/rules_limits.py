"""What of a server is full beside its CPU and memory: disks and file handles, from the typed figures of a reading.

Pure. A restart frees neither, so it is named before anything else. It guesses no limit: only shares in percent count.
Called by the rules, and by the advice of a card.
"""

import re
from collections.abc import Iterator
from typing import Final

from worker.contract.observations import HealthReading

__all__ = ["full_of"]

_FULL_PERCENT: Final = 95.0
"""From this share on a disk is about to refuse writes: many file systems keep the last 5 % for root."""

_PERCENT: Final = "_percent"
_FILLS_UP: Final = re.compile(r"disk|filesystem|inode|file handles", re.IGNORECASE)


def full_of(health: HealthReading) -> tuple[str, ...]:
    """Return what is full by its name in the evidence, such as “fullest disk at 99 %”; empty when nothing is."""
    return tuple(
        f"{name} at {share:g} %" for name, share in _shares(health) if share >= _FULL_PERCENT and _FILLS_UP.search(name)
    )


def _shares(health: HealthReading) -> Iterator[tuple[str, float]]:
    for name, value in health.figures.items():
        if name.endswith(_PERCENT) and isinstance(value, float):
            yield name, value
    for measure in health.measures:
        if measure.unit == "percent":
            yield measure.name, measure.value
