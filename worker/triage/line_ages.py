"""Which lines of a log are certainly older than what is judged; all others count as new.

Pure. What forbids a restart must not vanish because of what somebody writes into the log, so a line is old only by:

- its own time with a zone, against the worker's clock; by half a day more where none of the newest 400 lines is of the
  judged time, for then the log is quiet, or its clock or its zone is wrong;
- its own time without a zone, if it is too old in whatever zone; or if it is older by the whole window than all such
  times among the newest 400 lines, where most of them have one: by the log's own clock, which no single line can move;
- `_OLD_LINES_AFTER` old lines behind it, where it has no time of its own.

A time in the future is new. `log_reading.py` asks.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from worker.triage.line_times import ZONES_BEHIND

__all__ = ["NEWEST_LINES", "are_old"]

NEWEST_LINES: Final = 400
_OLD_LINES_AFTER: Final = 50


def are_old(moments: Sequence[datetime | None], *, since: datetime, now: datetime) -> list[bool]:
    """Say for each line's own time, None where it has none, whether the line is certainly from before `since`."""
    newest = [moment for moment in moments[-NEWEST_LINES:] if moment is not None]
    is_quiet = not any(moment.tzinfo and moment >= since for moment in newest)
    with_zone = since - ZONES_BEHIND if is_quiet else since
    without_zone = _latest_old_without_a_zone(newest, since=since, now=now)
    old = [False] * len(moments)
    old_behind = 0
    for place in range(len(moments) - 1, -1, -1):
        moment = moments[place]
        if moment is None:
            old[place] = old_behind >= _OLD_LINES_AFTER
        else:
            old[place] = moment < (with_zone if moment.tzinfo else without_zone)
            old_behind += old[place]
    return old


def _latest_old_without_a_zone(moments: Sequence[datetime], *, since: datetime, now: datetime) -> datetime:
    """Return before which time without a zone a line is old."""
    in_any_zone = since.astimezone(UTC).replace(tzinfo=None) - ZONES_BEHIND
    newest = [moment for moment in moments if moment.tzinfo is None]
    if len(newest) <= NEWEST_LINES // 2:
        return in_any_zone
    return max(in_any_zone, min(newest) - (now - since))
