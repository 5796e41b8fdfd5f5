"""The condensed form of a log: which of thousands of lines a model is shown within its budget, and how others count.

Pure and deterministic. Lines are shown whole or counted under their template; nothing is summed up in other words. What
matters comes first: one line of each kind of error, stack traces, the lines before a crash; so a flood of one error
hides no other. `log_reading.py` calls it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from worker.contract.text import cut_to_bytes, visible
from worker.triage.line_groups import Group, LineGroups
from worker.triage.line_times import LineTime
from worker.triage.log_signs import SignOfLine
from worker.triage.shown_lines import Mark, ShownLines
from worker.triage.turns import apart, each_kind_first, from_both_ends

__all__ = ["Condensed", "condensed"]

_TEMPLATE_BYTES: Final = 200
_LINES_BEFORE_A_CRASH: Final = 20
_CRASHES: Final = 3
_CRASHES_OF_ALL_KINDS: Final = 30
_LINES_AROUND: Final = 5
_TRACES: Final = 3
_NEWEST_OF_A_KIND: Final = 3
_SHORT: Final = (8,)
_LONG_OR_SHORT: Final = (30, 8)
"""How many lines of a trace's beginning and of its end are kept; a trace that is no longer than both is whole."""


@dataclass(frozen=True, slots=True)
class Condensed:
    """What is shown of a log's lines, and how many are not."""

    lines: tuple[str | Mark, ...]
    shown: int
    errors_left_out: int
    error_kinds_left_out: int
    error_groups: tuple[dict[str, object], ...]
    line_groups: tuple[dict[str, object], ...]
    line_kinds_left_out: int
    lines_not_counted: int

    @classmethod
    def nothing(cls) -> Self:
        """Return the form of a log of which nothing is shown."""
        return cls((), 0, 0, 1, (), (), 1, 1)  # something is unseen, so that the words on it are counted


def condensed(
    lines: Sequence[str],
    signs: Sequence[SignOfLine | None],
    *,
    quoted: Sequence[Sequence[int]],
    newest_lines: int,
    times: Sequence[LineTime | None],
    limit_bytes: int,
) -> Condensed:
    """Return the lines worth showing, oldest first, and the groups of the others; never more than `limit_bytes`.

    `quoted` are the places of what guards quote, newest first for each kind: the newest are shown before all other
    lines, the others before the newest lines. `newest_lines` are shown as far as there is room beside what matters.
    """
    shown = ShownLines(lines, limit_bytes=limit_bytes)
    selection = _Selection(shown, LineGroups.of(lines, signs, times), limit_bytes)
    shown.take_each((places[0] for places in quoted if places), kept_back=0)
    error_groups = selection.take_what_matters()
    shown.take_each((place for places in quoted for place in places), kept_back=0)
    newest = range(len(lines) - 1, max(0, len(lines) - newest_lines) - 1, -1)
    line_groups = selection.take_newest(newest)
    unlisted = selection.unlisted()
    return Condensed(
        lines=shown.in_order(),
        shown=sum(1 for _ in shown.places),
        errors_left_out=sum(sign is not None and place not in shown for place, sign in enumerate(signs)),
        error_kinds_left_out=sum(all(start not in shown for start in group.starts) for group in selection.errors),
        error_groups=error_groups,
        line_groups=line_groups,
        line_kinds_left_out=len(unlisted),
        lines_not_counted=sum(start not in shown for group in unlisted for start in group.starts),
    )


class _Selection:
    """Takes lines and groups, what matters first, until the budget is used; each step leaves room for the next ones."""

    def __init__(self, shown: ShownLines, groups: LineGroups, limit_bytes: int) -> None:
        self.errors = sorted(groups.errors, key=lambda group: group.newest, reverse=True)
        self._shown = shown
        self._groups = groups
        self._limit_bytes = limit_bytes
        self._listed_templates: set[str] = set()

    def take_what_matters(self) -> tuple[dict[str, object], ...]:
        """Take errors, traces and the lines before crashes; return the errors that came more than once."""
        with_trace = [group for group in self.errors if group.newest_trace is not None]
        self._take_lines_before_crashes(1, kept_back=self._part(0.6))
        self._take_traces(with_trace[:_TRACES], ends=_SHORT, kept_back=self._part(0.4))
        self._take_one_of_each(kept_back=self._part(0.2))
        error_groups = self._counted(kept_back=self._part(0.3))
        self._take_more_of_each(kept_back=self._part(0.35))
        self._take_traces(with_trace, ends=_LONG_OR_SHORT, kept_back=self._part(0.25))
        self._take_lines_before_crashes(_CRASHES, kept_back=self._part(0.35))
        self._take_lines_around((group.newest for group in self.errors), kept_back=self._part(0.35))
        return error_groups

    def take_newest(self, newest: Sequence[int]) -> tuple[dict[str, object], ...]:
        """Take the newest lines, and what else there is room for; return other lines by template.

        Room that is left is for the lines before older crashes, around other errors, and for more of cut lines.
        """
        self._shown.take_each(newest, kept_back=self._part(0.15))
        self._take_one_of_each(kept_back=self._part(0.15))
        line_groups = self._listed()
        self._shown.take_each(newest, kept_back=0)
        self._take_one_of_each(kept_back=0)
        self._take_lines_before_older_crashes()
        self._take_lines_around(self._shown_errors(), kept_back=0)
        self._shown.widen(self._shown_errors())
        return line_groups

    def unlisted(self) -> list[Group]:
        """Return the groups of other lines of which neither every line is shown nor the template is listed."""
        return [group for group in self._unseen() if group.template not in self._listed_templates]

    def _part(self, share: float) -> int:
        return int(self._limit_bytes * share)

    def _take_lines_before_crashes(self, crashes: int, *, kept_back: int) -> None:
        """Take the crash and the lines before it, the nearest first; crashes close to each other are one."""
        for last in apart([group.newest for group in self.errors if group.is_crash], by=_LINES_BEFORE_A_CRASH)[
            :crashes
        ]:
            self._take_lines_before(last, kept_back=kept_back)

    def _take_lines_before_older_crashes(self) -> None:
        """Take the lines before crashes of kinds that came later again: the oldest and the newest, in turn."""
        places = sorted((start for group in self.errors if group.is_crash for start in group.starts), reverse=True)
        for last in from_both_ends(apart(places, by=_LINES_BEFORE_A_CRASH)[::-1])[:_CRASHES_OF_ALL_KINDS]:
            self._take_lines_before(last, kept_back=0)

    def _take_lines_before(self, last: int, *, kept_back: int) -> None:
        before = range(last, max(-1, last - _LINES_BEFORE_A_CRASH - 1), -1)
        self._shown.take_each(before, kept_back=kept_back)

    def _take_lines_around(self, errors: Iterable[int], *, kept_back: int) -> None:
        """Take what stands near shown errors, the nearest first: details behind them, then what came before."""
        for place in errors:
            if place in self._shown:
                behind = range(place + 1, min(self._groups.lines_count, place + _LINES_AROUND + 1))
                before = range(place - 1, max(-1, place - _LINES_AROUND - 1), -1)
                self._shown.take_each((*behind, *before), kept_back=kept_back)

    def _shown_errors(self) -> list[int]:
        """Return the places of the errors that are shown, newest first."""
        return sorted((start for group in self.errors for start in group.starts if start in self._shown), reverse=True)

    def _unseen(self) -> list[Group]:
        return [group for group in self._groups.others if any(start not in self._shown for start in group.starts)]

    def _take_traces(self, groups: Sequence[Group], *, ends: Sequence[int], kept_back: int) -> None:
        """Take the newest trace of each kind, as much of it as there is room for."""
        for group in groups:
            if trace := group.newest_trace:
                any(self._shown.take_trace(trace, ends=lines, kept_back=kept_back) for lines in ends)

    def _take_one_of_each(self, *, kept_back: int) -> None:
        self._shown.give_back_marks()
        for group in each_kind_first(self.errors):
            self._shown.take_error_line(group.newest, group.newest_trace, kept_back=kept_back)

    def _take_more_of_each(self, *, kept_back: int) -> None:
        """Take the first of each kind of error, then the newest few."""
        self._shown.take_each((group.oldest for group in self.errors), kept_back=kept_back)
        for place in range(2, _NEWEST_OF_A_KIND + 1):
            newest = (group.starts[-place] for group in self.errors if len(group.starts) >= place)
            self._shown.take_each(newest, kept_back=kept_back)

    def _counted(self, *, kept_back: int) -> tuple[dict[str, object], ...]:
        """Return the errors that came more than once, most frequent first, as far as there is room."""
        frequent = sorted(self.errors, key=lambda group: len(group.starts), reverse=True)
        rows = (self._row(group) for group in frequent if len(group.starts) > 1)
        return tuple(row for row in rows if self._shown.pays(row, kept_back=kept_back))

    def _listed(self) -> tuple[dict[str, object], ...]:
        """Return the other lines by template: the most frequent and the rarest, in turn."""
        rows = []
        for group in from_both_ends(sorted(self._unseen(), key=lambda group: (-len(group.starts), -group.newest))):
            row = self._row(group)
            if group.newest not in self._shown:
                row["newest_example"] = self._shown.text(group.newest)
            if self._shown.pays(row, kept_back=0):
                rows.append(row)
                self._listed_templates.add(group.template)
            elif self._shown.left_bytes < _TEMPLATE_BYTES:
                break
        return tuple(rows)

    def _row(self, group: Group) -> dict[str, object]:
        return {
            "template": cut_to_bytes(visible(group.template), _TEMPLATE_BYTES),
            "count": len(group.starts),
            **self._groups.seen(group),
        }
