"""The lines of a log that are shown, within a budget of bytes, with a mark where lines of a stack trace are missing.

Pure; it decides nothing about what is worth showing. `condensing.py` fills it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from worker.triage.long_lines import shortened
from worker.triage.stack_traces import Trace

__all__ = ["Mark", "ShownLines"]

Mark = Mapping[str, int]
"""How many lines of a stack trace are missing in its place."""

_LINE_BYTES: Final = 600
_WIDE_LINE_BYTES: Final = 2_000
_MARK_BYTES: Final = 42


class ShownLines:
    """Takes lines by their places as long as they fit, as bytes of JSON; `kept_back` is room for what comes later."""

    def __init__(self, lines: Sequence[str], *, limit_bytes: int) -> None:
        self.left_bytes = limit_bytes
        self._lines = lines
        self._kept: dict[int, str] = {}
        self._gaps: list[tuple[int, ...]] = []

    def __contains__(self, place: int) -> bool:
        return place in self._kept

    @property
    def places(self) -> Iterable[int]:
        """The places of the lines that are shown."""
        return self._kept.keys()

    def text(self, place: int) -> str:
        """Return a line as it is shown: visible, and cut to its limit."""
        return shortened(self._lines[place], _LINE_BYTES)

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
        gaps = _gaps(trace, places)
        is_taken = self.take(places, kept_back=kept_back, marks=len(gaps))
        if is_taken:
            own = set(trace.places)
            others = [gap for gap in self._gaps if gap[0] not in own]
            self._set_gaps([*others, *gaps], paid=len(gaps))
        return is_taken

    def take_error_line(self, place: int, trace: Trace | None, *, kept_back: int) -> None:
        """Take an error line; where its trace is not taken yet, with a mark in the trace's place."""
        rest = trace.places[1:] if trace is not None else ()
        is_missing = bool(rest) and rest[0] not in self._kept
        if self.take((place,), kept_back=kept_back, marks=int(is_missing)) and is_missing:
            others = [gap for gap in self._gaps if gap[0] != rest[0]]
            self._set_gaps([*others, rest], paid=1)

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

    def widen(self, places: Iterable[int]) -> None:
        """Show more of these lines, if they are shown and cut, as far as there is room."""
        for place in places:
            if place not in self._kept or len(self._lines[place]) <= _LINE_BYTES:
                continue
            text = shortened(self._lines[place], _WIDE_LINE_BYTES)
            more_bytes = _cost_bytes(text) - _cost_bytes(self._kept[place])
            if 0 < more_bytes <= self.left_bytes:
                self.left_bytes -= more_bytes
                self._kept[place] = text

    def in_order(self) -> tuple[str | Mark, ...]:
        """Return the lines, oldest first, and the marks between them: no text, so that no line can look like one."""
        marks: dict[int, str | Mark] = {}
        for gap in self._gaps:
            missing = [place for place in gap if place not in self._kept]
            if missing:
                marks[missing[0]] = {"stack_trace_lines_left_out": len(missing)}
        shown = marks | self._kept
        return tuple(shown[place] for place in sorted(shown))

    def _set_gaps(self, gaps: list[tuple[int, ...]], *, paid: int) -> None:
        self.left_bytes += _MARK_BYTES * (len(self._gaps) + paid - len(gaps))
        self._gaps = gaps


def _cost_bytes(part: object) -> int:
    return len(json.dumps(part, ensure_ascii=False).encode()) + 2  # comma and space


def _gaps(trace: Trace, places: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the rows of a trace's lines that are not among the places."""
    numbers = {place: number for number, place in enumerate(trace.places)}
    kept = [numbers[place] for place in places]
    return [trace.places[one + 1 : other] for one, other in pairwise(kept) if other > one + 1]
