"""The lines of a log that are shown, within a budget of bytes, with a mark where lines of a stack trace are missing.

Pure; it decides nothing about what is worth showing. `condensing.py` fills it.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from worker.contract.text import cut_to_bytes, visible
from worker.triage.stack_traces import Trace

__all__ = ["ShownLines"]

_LINE_BYTES: Final = 600
_MARK_BYTES: Final = 56


class ShownLines:
    """Takes lines by their places as long as they fit, as bytes of JSON; `kept_back` is room for what comes later."""

    def __init__(self, lines: Sequence[str], *, limit_bytes: int) -> None:
        self.left_bytes = limit_bytes
        self._lines = lines
        self._kept: dict[int, str] = {}
        self._gaps: list[range] = []

    def __contains__(self, place: int) -> bool:
        return place in self._kept

    @property
    def places(self) -> Iterable[int]:
        """The places of the lines that are shown."""
        return self._kept.keys()

    def text(self, place: int) -> str:
        """Return a line as it is shown: visible, and cut to its limit."""
        text = visible(self._lines[place])
        return cut_to_bytes(text if len(text) <= _LINE_BYTES else text.strip(), _LINE_BYTES)

    def take(self, places: Sequence[int], *, kept_back: int, marks: int = 0) -> bool:
        """Take all of these lines, or none where they do not fit; a line is paid for once."""
        missing = [place for place in places if place not in self._kept]
        least_bytes = sum(min(len(self._lines[place]), _LINE_BYTES) for place in missing)
        if least_bytes > self.left_bytes - kept_back and all(
            len(self._lines[place]) <= _LINE_BYTES for place in missing
        ):
            return False  # a glance is enough for most of those that come too late
        texts = {place: self.text(place) for place in missing}
        if not self.pays(*texts.values(), kept_back=kept_back, marks=marks):
            return False
        self._kept |= texts
        return True

    def take_each(self, places: Iterable[int], *, kept_back: int) -> None:
        """Take each line that fits; one that does not stands in no other's way."""
        for place in places:
            self.take((place,), kept_back=kept_back)

    def take_trace(self, trace: Trace, *, ends: int, kept_back: int) -> bool:
        """Take a trace, or both its ends and its causes, with marks between them."""
        places = trace.shortened(ends)
        gaps = [range(one + 1, other) for one, other in pairwise(places) if other > one + 1]
        is_taken = self.take(places, kept_back=kept_back, marks=len(gaps))
        if is_taken:
            others = [gap for gap in self._gaps if not trace.start <= gap.start < trace.end]
            self._set_gaps([*others, *gaps], paid=len(gaps))
        return is_taken

    def take_error_line(self, place: int, trace: Trace | None, *, kept_back: int) -> None:
        """Take an error line; where its trace is not taken yet, with a mark in the trace's place."""
        is_missing = trace is not None and trace.start + 1 not in self._kept
        if self.take((place,), kept_back=kept_back, marks=int(is_missing)) and trace is not None and is_missing:
            others = [gap for gap in self._gaps if gap.start != trace.start + 1]
            self._set_gaps([*others, range(trace.start + 1, trace.end)], paid=1)

    def give_back_marks(self) -> None:
        """Free the room of marks for lines that have been taken since."""
        self._set_gaps([gap for gap in self._gaps if not self._kept.keys() >= set(gap)], paid=0)

    def pays(self, *parts: object, kept_back: int, marks: int = 0) -> bool:
        """Pay for what is to be written as JSON, and say whether there was room for it."""
        cost_bytes = marks * _MARK_BYTES + sum(map(_cost_bytes, parts))
        if self.left_bytes - cost_bytes < kept_back:
            return False
        self.left_bytes -= cost_bytes
        return True

    def in_order(self) -> tuple[str, ...]:
        """Return the lines, oldest first, and the marks between them."""
        marks: dict[int, str] = {}
        for gap in self._gaps:
            missing = [place for place in gap if place not in self._kept]
            if missing:
                marks[missing[0]] = f"[… {len(missing)} lines of this stack trace are left out]"
        shown = marks | self._kept
        return tuple(shown[place] for place in sorted(shown))

    def _set_gaps(self, gaps: list[range], *, paid: int) -> None:
        self.left_bytes += _MARK_BYTES * (len(self._gaps) + paid - len(gaps))
        self._gaps = gaps


def _cost_bytes(part: object) -> int:
    return len(json.dumps(part, ensure_ascii=False).encode()) + 2  # comma and space
