"""What a log says: the findings that guards and rules judge by, and the excerpt that a model is shown.

The excerpt is made of the whole scan, and a model may ask for few lines: that hides nothing. The findings are made of
less, so that a long scan does not change what a restart is judged by. What may justify one is recent: local faults and
other errors count among the newest `JUDGED_LINES`. What forbids one may be older: a dependency failure counts there
too, and as far back as its own time is within half an hour of the log's newest. Log text is data: it is matched and
quoted, never obeyed.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from worker.contract.observations import LogTail
from worker.contract.result import LogFindings
from worker.contract.text import cut_to_bytes, visible
from worker.triage.condensing import Condensed, condensed
from worker.triage.line_templates import time_in
from worker.triage.log_signs import LineKind, SignOfLine, signs_of

__all__ = ["JUDGED_LINES", "SCANNED_LINES", "LogReading"]

SCANNED_LINES: Final = 10_000
"""How far back a log is scanned at every read, in lines."""

JUDGED_LINES: Final = 400
"""How many of the newest lines the findings are made of."""

_FORBIDS_FOR: Final = timedelta(minutes=30)
_EXCERPT_BYTES: Final = 14_000
_FIGURES_BYTES: Final = 100
"""More than the words on what is left out can grow by."""

_QUOTATIONS: Final = 5
_QUOTATION_BYTES: Final = 300


@dataclass(frozen=True, slots=True)
class LogReading:
    """A tail whose lines are sorted; `signs` has one entry a line, None for a line that shows nothing."""

    tail: LogTail
    signs: Sequence[SignOfLine | None]

    @classmethod
    def of(cls, tail: LogTail) -> Self:
        """Sort the lines of a tail."""
        return cls(tail, signs_of(tail.lines))

    def findings(self) -> LogFindings:
        """Return the newest few lines of each kind, as quotations."""
        judged = self._judged()
        return LogFindings(
            scanned_lines=len(self.signs) - self._first_judged,
            error_lines=len(judged),
            dependency_failures=self._newest(LineKind.DEPENDENCY_FAILURE, judged),
            local_faults=self._newest(LineKind.LOCAL_FAULT, judged),
            other_errors=self._newest(LineKind.OTHER_ERROR, judged),
        )

    def excerpt(self, *, lines: int) -> str:
        """Return what the model sees, as JSON: what matters of the whole scan, the newest `lines` lines, what was cut.

        Bounded to 14 kB. The newest finding of each kind is always there: guards and rules quote it, and whatever is
        quoted must have been looked through for instructions. Lines that are not shown are counted by template.
        """
        limit_bytes = _EXCERPT_BYTES - len(self._as_json(Condensed.nothing()).encode()) - _FIGURES_BYTES
        shown = condensed(
            self.tail.lines,
            self.signs,
            quoted={sign.kind: place for place in self._judged() if (sign := self.signs[place])}.values(),
            newest_lines=lines,
            year=self.tail.observed_at.year,
            limit_bytes=limit_bytes,
        )
        return self._as_json(shown)

    def _as_json(self, shown: Condensed) -> str:
        tail = self.tail
        return json.dumps(
            {
                "server_id": tail.server_id,
                "source": tail.source,
                "observed_at": tail.observed_at.isoformat(),
                "lines_scanned": len(tail.lines),
                "lines_shown": shown.shown,
                "left_out": self._left_out(shown),
                "repeated_errors": shown.error_groups,
                "other_lines": shown.line_groups,
                "log_lines_oldest_first": shown.lines,
            },
            ensure_ascii=False,
        )

    def _left_out(self, shown: Condensed) -> str:
        older = "the log goes further back" if self.tail.older_lines_exist else "the log starts there"
        errors = f"{shown.errors_left_out} of them errors" if shown.errors_left_out else "none of them an error"
        kinds = shown.error_kinds_left_out
        unseen = f"{kinds} kinds of errors are not shown at all; " if kinds else ""
        return f"{len(self.tail.lines) - shown.shown} of the scanned lines are not shown, {errors}; {unseen}{older}"

    @property
    def _first_judged(self) -> int:
        return max(0, len(self.signs) - JUDGED_LINES)

    def _judged(self) -> list[int]:
        """Return the places of the lines that findings are made of, oldest first."""
        newest = range(self._first_judged, len(self.signs))
        return [*self._older_failures(), *(place for place in newest if self.signs[place] is not None)]

    def _older_failures(self) -> Iterator[int]:
        """Yield the places of older dependency failures whose own time is recent, by the log's own clock."""
        places = [
            number
            for number in range(self._first_judged)
            if (sign := self.signs[number]) is not None and sign.kind is LineKind.DEPENDENCY_FAILURE
        ]
        now = self._newest_moment() if places else None
        for number in places:
            moment = self._moment(number)
            if now is not None and moment is not None and _is_recent(moment, now=now):
                yield number

    def _newest_moment(self) -> datetime | None:
        moments = (self._moment(number) for number in reversed(range(self._first_judged, len(self.signs))))
        return next((moment for moment in moments if moment is not None), None)

    def _moment(self, number: int) -> datetime | None:
        time = time_in(self.tail.lines[number], year=self.tail.observed_at.year)
        return time and time.moment

    def _newest(self, kind: LineKind, places: Sequence[int]) -> tuple[str, ...]:
        quotations: dict[str, None] = {}
        for place in reversed(places):
            sign = self.signs[place]
            if sign is not None and sign.kind is kind:
                quotations.setdefault(cut_to_bytes(visible(self.tail.lines[place]).strip(), _QUOTATION_BYTES))
            if len(quotations) == _QUOTATIONS:
                break
        return tuple(reversed(quotations))


def _is_recent(moment: datetime, *, now: datetime) -> bool:
    if (moment.tzinfo is None) is not (now.tzinfo is None):
        return False
    return timedelta() <= now - moment <= _FORBIDS_FOR
