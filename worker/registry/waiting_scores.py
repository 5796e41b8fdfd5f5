"""The scores of the index of what waits for engineers: a band for each urgency, and in it a time in milliseconds.

Pure. Used by whoever lists or counts what waits; the scripts that write the index know the same in
`handling_shared.lua`.
"""

from typing import Final

__all__ = ["BANDS", "milliseconds_of"]

_URGENCIES: Final = 3
_BAND: Final = 10**13

BANDS: Final = tuple((urgency * _BAND, f"({(urgency + 1) * _BAND}") for urgency in range(_URGENCIES))
"""By urgency the least score, and what all scores are below, as Redis takes it."""


def milliseconds_of(score: float) -> float:
    """Return since when an incident waits, whatever the score: one that nobody of the desk gave may be infinite."""
    return min(max(score, 0), _URGENCIES * _BAND) % _BAND
