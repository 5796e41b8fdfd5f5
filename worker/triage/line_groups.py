"""Log lines in groups: errors by template and stack trace, all other lines by template.

Pure, in one pass. A stack trace belongs to its error line, and equal traces are one group. `condensing.py` asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from worker.triage.line_templates import template_of
from worker.triage.line_times import LineTime, in_order
from worker.triage.log_signs import SignOfLine
from worker.triage.long_lines import shortened
from worker.triage.stack_traces import Trace, traces_in

__all__ = ["Group", "LineGroups"]

_SIGNATURE_LINES: Final = 40
_FAMILY_WORDS: Final = 4
_LONG_LINE: Final = 600


@dataclass(slots=True)
class Group:
    """Lines, or traces, that differ in numbers, names and times only; `starts` are their places, oldest first."""

    template: str
    starts: list[int]
    is_crash: bool = False
    newest_trace: Trace | None = None

    @property
    def oldest(self) -> int:
        """The place of the first."""
        return self.starts[0]

    @property
    def newest(self) -> int:
        """The place of the last."""
        return self.starts[-1]

    @property
    def family(self) -> tuple[object, ...]:
        """What groups have in common that differ in a word that is no number: their length and beginning."""
        words = self.template.split()
        return len(words), *words[:_FAMILY_WORDS]


@dataclass(frozen=True, slots=True)
class LineGroups:
    """The groups of one scan."""

    times: Sequence[LineTime | None]
    errors: Sequence[Group]
    others: Sequence[Group]

    @classmethod
    def of(cls, lines: Sequence[str], signs: Sequence[SignOfLine | None], times: Sequence[LineTime | None]) -> Self:
        """Sort lines into groups; lines of a trace are in no group but their trace's."""
        traces = {trace.start: trace for trace in traces_in(lines, [sign is not None for sign in signs])}
        within = {place for trace in traces.values() for place in trace.places[1:]}
        templates: dict[str, str] = {}
        errors: dict[tuple[str, ...], Group] = {}
        others: dict[str, Group] = {}
        for number, line in enumerate(lines):
            if number in within:
                continue
            trace = traces.get(number)
            has_sign = signs[number] is not None
            if line not in templates:
                is_long = len(line) > _LONG_LINE
                templates[line] = template_of(shortened(line, _LONG_LINE, has_sign=has_sign) if is_long else line)
            template = templates[line]
            if trace is None and not has_sign:
                others.setdefault(template, Group(template, [])).starts.append(number)
                continue
            group = errors.setdefault((template, *_signature(lines, trace)), Group(template, []))
            group.starts.append(number)
            group.newest_trace = trace
            own = (signs[place] for place in (trace.places if trace else (number,)))
            group.is_crash = group.is_crash or any(sign is not None and sign.is_crash for sign in own)
        return cls(times, list(errors.values()), list(others.values()))

    @property
    def lines_count(self) -> int:
        """How many lines there are."""
        return len(self.times)

    def seen(self, group: Group) -> dict[str, str]:
        """Return the earliest and the latest time of a group's lines; without any, the lines' numbers in the scan."""
        dated = [
            (in_order(time.moment), place) for place in group.starts if (time := self.times[place]) and time.moment
        ]
        first, last = (min(dated)[1], max(dated)[1]) if dated else (group.oldest, group.newest)
        return {"first_seen": self._when(first), "last_seen": self._when(last)}

    def _when(self, place: int) -> str:
        time = self.times[place]
        return time.text if time else f"line {place + 1}"


def _signature(lines: Sequence[str], trace: Trace | None) -> tuple[str, ...]:
    """Return what makes a trace another one: its lines' templates, of long traces those of both ends."""
    if trace is None:
        return ()
    numbers = trace.shortened(_SIGNATURE_LINES // 2)[1:]
    return tuple(template_of(lines[number]) for number in numbers)
