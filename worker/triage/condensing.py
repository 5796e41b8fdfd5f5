"""The condensed form of a log: which of thousands of lines a model is shown within its budget, and how others count.

Pure and deterministic. Lines are shown whole or counted under their template; nothing is summed up in other words. What
matters comes first: one line of each kind of error, stack traces, the lines before a crash; so a flood of one error
hides no other. `log_reading.py` calls it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise, zip_longest
from typing import Final, Self

from worker.contract.text import cut_to_bytes, visible
from worker.triage.line_groups import Group, LineGroups
from worker.triage.log_signs import SignOfLine
from worker.triage.stack_traces import Trace

__all__ = ["Condensed", "condensed"]

_LINE_BYTES: Final = 600
_TEMPLATE_BYTES: Final = 200
_MARK_BYTES: Final = 64
_LINES_BEFORE_A_CRASH: Final = 20
_CRASHES: Final = 3
_TRACES: Final = 3
_NEWEST_OF_A_KIND: Final = 3
_SHORT: Final = (8,)
_LONG_OR_SHORT: Final = (30, 8)
"""How many lines of a trace's beginning and of its end are kept; a trace that is no longer than both is whole."""


@dataclass(frozen=True, slots=True)
class Condensed:
    """What is shown of a log's lines, and how many are not."""

    lines: tuple[str, ...]
    shown: int
    errors_left_out: int
    error_kinds_left_out: int
    error_groups: tuple[dict[str, object], ...]
    line_groups: tuple[dict[str, object], ...]

    @classmethod
    def nothing(cls) -> Self:
        """Return the form of a log of which nothing is shown."""
        return cls((), 0, 0, 1, (), ())  # one unseen kind, so that the words on it are counted


def condensed(
    lines: Sequence[str],
    signs: Sequence[SignOfLine | None],
    *,
    quoted: Iterable[int],
    newest_lines: int,
    year: int,
    limit_bytes: int,
) -> Condensed:
    """Return the lines worth showing, oldest first, and the groups of the others; never more than `limit_bytes`.

    The lines at the places `quoted` are shown before all others. `newest_lines` are shown as far as there is room
    beside what matters; `year` is that of times without one.
    """
    selection = _Selection(lines, signs, LineGroups.of(lines, signs, year=year), limit_bytes)
    return selection.condensed(quoted, newest_lines)


@dataclass(slots=True)
class _Room:
    """What is left of the budget, as bytes of JSON."""

    left_bytes: int

    def takes(self, cost_bytes: int, *, kept_back: int) -> bool:
        if self.left_bytes - cost_bytes < kept_back:
            return False
        self.left_bytes -= cost_bytes
        return True


@dataclass
class _Selection:
    """Takes lines and groups, what matters first, until the budget is used; each step leaves room for the next ones."""

    lines: Sequence[str]
    signs: Sequence[SignOfLine | None]
    groups: LineGroups
    limit_bytes: int
    kept: dict[int, str] = field(default_factory=dict)
    gaps: list[tuple[int, int]] = field(default_factory=list)

    @cached_property
    def room(self) -> _Room:
        return _Room(self.limit_bytes)

    def condensed(self, quoted: Iterable[int], newest_lines: int) -> Condensed:
        """Take everything in its order, and say what is left out."""
        errors = sorted(self.groups.errors, key=lambda group: group.newest, reverse=True)
        traces = [group.newest_trace for group in errors if group.newest_trace is not None]
        self._take(((number,) for number in quoted), kept_back=0)
        self._take_lines_before_crashes(errors, crashes=1, kept_back=self._part(0.6))
        self._take_traces(traces[:_TRACES], ends=_SHORT, kept_back=self._part(0.4))
        self._take(((group.newest,) for group in _each_kind_first(errors)), kept_back=self._part(0.2))
        error_groups = self._counted(errors)
        self._take_more_of_each(errors, kept_back=self._part(0.35))
        self._take_traces(traces, ends=_LONG_OR_SHORT, kept_back=self._part(0.35))
        self._take_lines_before_crashes(errors, crashes=_CRASHES, kept_back=self._part(0.35))
        newest = range(len(self.lines) - 1, max(0, len(self.lines) - newest_lines) - 1, -1)
        self._take(((number,) for number in newest), kept_back=self._part(0.15))
        line_groups = self._listed()
        self._take(((number,) for number in newest), kept_back=0)
        return Condensed(
            lines=tuple(self._in_order()),
            shown=len(self.kept),
            errors_left_out=sum(sign is not None for sign in self.signs) - self._errors_shown(),
            error_kinds_left_out=sum(self.kept.keys().isdisjoint(group.starts) for group in errors),
            error_groups=error_groups,
            line_groups=line_groups,
        )

    def _part(self, share: float) -> int:
        return int(self.limit_bytes * share)

    def _take(self, wanted: Iterable[Sequence[int]], *, kept_back: int) -> None:
        """Take each row of lines that fits as a whole; one that does not stands in no other's way."""
        for numbers in wanted:
            self._take_row(numbers, kept_back=kept_back)

    def _take_row(self, numbers: Sequence[int], *, kept_back: int, marks: int = 0) -> bool:
        missing = [number for number in numbers if number not in self.kept]
        least_bytes = sum(min(len(self.lines[number]), _LINE_BYTES) for number in missing)
        if least_bytes > self.room.left_bytes - kept_back:
            return False  # a glance is enough for most of those that come too late
        texts = {number: self._text(number) for number in missing}
        cost_bytes = marks * _MARK_BYTES + sum(map(_cost_bytes, texts.values()))
        if not self.room.takes(cost_bytes, kept_back=kept_back):
            return False
        self.kept |= texts
        return True

    def _text(self, number: int) -> str:
        text = visible(self.lines[number])
        return cut_to_bytes(text if len(text) <= _LINE_BYTES else text.strip(), _LINE_BYTES)

    def _take_lines_before_crashes(self, errors: Sequence[Group], *, crashes: int, kept_back: int) -> None:
        """Take the crash and the lines before it, the nearest first; crashes close to each other are one."""
        for last in _apart([group.newest for group in errors if group.is_crash])[:crashes]:
            before = range(last, max(-1, last - _LINES_BEFORE_A_CRASH - 1), -1)
            self._take(((number,) for number in before), kept_back=kept_back)

    def _take_traces(self, traces: Sequence[Trace], *, ends: Sequence[int], kept_back: int) -> None:
        """Take the newest trace of each kind: as much of both its ends as there is room for, and the causes."""
        for trace in traces:
            for lines in ends:
                numbers = trace.shortened(lines)
                gaps = [(one + 1, other) for one, other in pairwise(numbers) if other > one + 1]
                if self._take_row(numbers, kept_back=kept_back, marks=len(gaps)):
                    self.gaps = [gap for gap in self.gaps if not trace.start <= gap[0] < trace.end] + gaps
                    break

    def _take_more_of_each(self, errors: Sequence[Group], *, kept_back: int) -> None:
        """Take the first of each kind of error, then the newest few."""
        self._take(((group.oldest,) for group in errors), kept_back=kept_back)
        for place in range(2, _NEWEST_OF_A_KIND + 1):
            rows = ((group.starts[-place],) for group in errors if len(group.starts) >= place)
            self._take(rows, kept_back=kept_back)

    def _counted(self, errors: Sequence[Group]) -> tuple[dict[str, object], ...]:
        """Return the errors that came more than once, most frequent first, as far as there is room."""
        frequent = sorted(errors, key=lambda group: len(group.starts), reverse=True)
        rows = (self._row(group, with_example=False) for group in frequent if len(group.starts) > 1)
        return tuple(row for row in rows if self.room.takes(_cost_bytes(row), kept_back=self._part(0.3)))

    def _listed(self) -> tuple[dict[str, object], ...]:
        """Return the other lines by template: the most frequent and the rarest, in turn."""
        unseen = [group for group in self.groups.others if not self.kept.keys() >= set(group.starts)]
        by_count = sorted(unseen, key=lambda group: (-len(group.starts), -group.newest))
        in_turn = dict.fromkeys(
            place
            for pair in zip_longest(range(len(by_count)), reversed(range(len(by_count))))
            for place in pair
            if place is not None
        )
        rows = []
        for place in in_turn:
            row = self._row(by_count[place], with_example=by_count[place].newest not in self.kept)
            if self.room.takes(_cost_bytes(row), kept_back=0):
                rows.append(row)
            elif self.room.left_bytes < _TEMPLATE_BYTES:
                break
        return tuple(rows)

    def _row(self, group: Group, *, with_example: bool) -> dict[str, object]:
        row: dict[str, object] = {
            "template": cut_to_bytes(visible(group.template), _TEMPLATE_BYTES),
            "count": len(group.starts),
            "first_seen": self.groups.seen(group.oldest),
            "last_seen": self.groups.seen(group.newest),
        }
        return row | {"newest_example": self._text(group.newest)} if with_example else row

    def _errors_shown(self) -> int:
        return sum(self.signs[number] is not None for number in self.kept)

    def _in_order(self) -> Iterator[str]:
        marks: dict[int, str] = {}
        for start, end in self.gaps:
            missing = [number for number in range(start, end) if number not in self.kept]
            if missing:
                marks[missing[0]] = f"[… {len(missing)} lines of this stack trace are left out]"
        shown = marks | self.kept
        return (shown[number] for number in sorted(shown))


def _each_kind_first(errors: Sequence[Group]) -> list[Group]:
    """Return groups so that those that differ much come before those that differ in one word, such as a name."""
    ranks: dict[tuple[object, ...], int] = {}
    ranked = []
    for place, group in enumerate(errors):
        rank = ranks[group.family] = ranks.get(group.family, -1) + 1
        ranked.append((rank, place))
    return [errors[place] for _, place in sorted(ranked)]


def _apart(crashes: Sequence[int]) -> list[int]:
    """Return the places of crashes, newest first, without those that stand in the lines before another one."""
    apart: list[int] = []
    for place in crashes:
        if not apart or apart[-1] - place > _LINES_BEFORE_A_CRASH:
            apart.append(place)
    return apart


def _cost_bytes(part: object) -> int:
    return len(json.dumps(part, ensure_ascii=False).encode()) + 2  # comma and space
