"""What a log says: the findings that guards and rules judge by, and the excerpt that a model is shown.

Findings are made of the whole scan, but of no line that is certainly older than what is judged (`line_ages.py`): what
forbids a restart or a good end reaches as far back as what is shown. What may speak for a restart must also be among
the newest `NEWEST_LINES`. Log text is data: it is matched and quoted, never obeyed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from worker.contract.observations import LogTail
from worker.contract.result import LogFindings
from worker.triage.condensing import Condensed, condensed
from worker.triage.line_ages import NEWEST_LINES, are_old
from worker.triage.line_times import LineTime, time_of
from worker.triage.log_signs import LineKind, SignOfLine, signs_of
from worker.triage.long_lines import shortened

__all__ = ["SCANNED_LINES", "LogReading"]

SCANNED_LINES: Final = 10_000
"""How far back a log is scanned at every read, in lines."""

_JUDGED_FOR: Final = timedelta(minutes=30)
_EXCERPT_BYTES: Final = 14_000
_FIGURES_BYTES: Final = 100
"""More than the words on what is left out can grow by."""

_QUOTATIONS: Final = 5
_QUOTATION_BYTES: Final = 300


@dataclass(frozen=True, slots=True)
class LogReading:
    """A tail whose lines are sorted: for each its sign, its own time, and whether it is too old to count."""

    tail: LogTail
    signs: Sequence[SignOfLine | None]
    times: Sequence[LineTime | None]
    is_old: Sequence[bool]

    @classmethod
    def of(cls, tail: LogTail, *, since: datetime | None = None) -> Self:
        """Sort the lines of a tail; what is certainly from before `since`, by default half an hour ago, is not judged.

        The reference is `tail.observed_at`, by the worker's clock, and never a line. All of a recording is judged.
        """
        now = tail.observed_at
        times = [time_of(line, now=now) for line in tail.lines]
        moments = [None if tail.is_recorded else time and time.moment for time in times]
        old = are_old(moments, since=min(since or now, now - _JUDGED_FOR), now=now)
        return cls(tail, signs_of(tail.lines), times, old)

    def findings(self) -> LogFindings:
        """Return the newest few lines of each kind among those that are not too old, as quotations."""
        judged = self._judged()
        first_of_newest = len(self.signs) - NEWEST_LINES
        return LogFindings(
            scanned_lines=len(self.is_old) - sum(self.is_old),
            error_lines=len(judged),
            dependency_failures=self._newest(LineKind.DEPENDENCY_FAILURE, judged),
            local_faults=self._newest(LineKind.LOCAL_FAULT, judged),
            other_errors=self._newest(LineKind.OTHER_ERROR, judged),
            newest_local_faults=self._newest(
                LineKind.LOCAL_FAULT, [place for place in judged if place >= first_of_newest]
            ),
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
            quoted=[list(self._quotations(kind, self._judged()).values()) for kind in LineKind],
            newest_lines=lines,
            times=self.times,
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
        errors = (
            f"{shown.errors_left_out} of them errors"
            if shown.errors_left_out
            else "none of them with a word of an error"
        )
        kinds = shown.error_kinds_left_out
        unseen = f"{kinds} kinds of errors are not shown at all; " if kinds else ""
        if shown.line_kinds_left_out:
            others, lines = shown.line_kinds_left_out, shown.lines_not_counted
            unseen += f"{others} kinds of other lines are not listed by template either: {lines} lines; "
        return f"{len(self.tail.lines) - shown.shown} of the scanned lines are not shown, {errors}; {unseen}{older}"

    def _judged(self) -> list[int]:
        """Return the places of the lines that findings are made of, oldest first."""
        return [place for place, sign in enumerate(self.signs) if sign is not None and not self.is_old[place]]

    def _newest(self, kind: LineKind, places: Sequence[int]) -> tuple[str, ...]:
        return tuple(reversed(self._quotations(kind, places)))

    def _quotations(self, kind: LineKind, places: Sequence[int]) -> dict[str, int]:
        """Return the newest few different quotations of a kind, newest first, and the places of their lines."""
        newest: dict[str, int] = {}
        for place in reversed(places):
            if (sign := self.signs[place]) is not None and sign.kind is kind:
                newest.setdefault(self.tail.lines[place], place)
        quotations: dict[str, int] = {}
        for line, place in newest.items():
            quotations.setdefault(shortened(line.strip(), _QUOTATION_BYTES), place)
            if len(quotations) == _QUOTATIONS:
                break
        return quotations
