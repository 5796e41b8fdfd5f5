"""Which sinks get a result, and from when on: an installation's routes and quiet hours, as pure values.

Nothing here sends, waits or asks a clock. What is critical never waits, and what needs nobody goes nowhere unless a
route names its disposition. Made by `routes_file.py`; asked by the dispatcher and by `firstline escalations --check`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from worker.contract import Disposition, Severity, TriageResult
from worker.terms import MaintenanceWindow

__all__ = ["NEEDS_SOMEBODY", "Hours", "Route", "Routes", "are_endless", "end_of_quiet", "severity_of"]

NEEDS_SOMEBODY: Final = frozenset({Disposition.ESCALATED, Disposition.AWAITING_APPROVAL, Disposition.DEAD_LETTERED})

_ONE_DAY: Final = timedelta(days=1)
_ONE_WEEK: Final = timedelta(days=7)
_ANY_DAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
_WINDOWS_IN_A_ROW: Final = 64
"""Quiet hours that never end would keep a page for ever; so many windows, one into the next, are looked through."""


class Hours(MaintenanceWindow):
    """A time of the week, as a maintenance window has it: in a zone, over midnight if it ends before it begins."""

    __slots__ = ()

    def end_after(self, moment: datetime) -> datetime | None:
        """Return the end, in UTC, of the time that holds at an aware `moment`; None when it does not hold."""
        if not self.holds_at(moment):
            return None
        today = moment.astimezone(self.zone).date()
        days, folds = (today, today + _ONE_DAY), (0, 1)
        ends = sorted(end for day in days for fold in folds if (end := self._end_on(day, fold)) > moment)
        return next((end for end in ends if not self.holds_at(end)), ends[0])

    def _end_on(self, day: date, fold: int) -> datetime:
        """Return when the clock on the wall shows the end: twice (`fold`) on the day on which it goes back over it."""
        return datetime.combine(day, self.ends.replace(fold=fold), self.zone).astimezone(UTC)


def are_endless(windows: Sequence[Hours]) -> bool:
    """Say whether the hours, one into the next, hold all week long; on any day they are looked at, it is the same."""
    until = end_of_quiet(windows, _ANY_DAY)
    return until is not None and until - _ANY_DAY > _ONE_WEEK


def end_of_quiet(windows: Sequence[Hours], moment: datetime) -> datetime | None:
    """Return when the last of the hours ends that hold at a moment, one into the next; None when none holds."""
    until = moment
    for _ in range(_WINDOWS_IN_A_ROW):
        ends = [end for window in windows if (end := window.end_after(until)) is not None]
        if not ends:
            break
        until = max(ends)
    return until if until > moment else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way to sinks, with what a result must be to take it; None asks for nothing. A server's name is a pattern."""

    sinks: tuple[str, ...]
    severities: Collection[Severity] | None = None
    dispositions: Collection[Disposition] = NEEDS_SOMEBODY
    teams: Collection[str] | None = None
    services: Collection[str] | None = None
    servers: Collection[str] | None = None
    hours: Hours | None = None
    quiet: tuple[Hours, ...] = ()
    goes_on: bool = False

    def takes(self, result: TriageResult, moment: datetime) -> bool:
        """Say whether a result at this moment goes this way."""
        return (
            result.disposition in self.dispositions
            and (self.severities is None or severity_of(result) in self.severities)
            and (self.teams is None or result.owner in self.teams)
            and (self.services is None or result.service in self.services)
            and (self.servers is None or _fits(result.server_id, self.servers))
            and (self.hours is None or self.hours.holds_at(moment))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """All routes in their order, the sinks of what none takes, and the quiet hours of sinks."""

    default: tuple[str, ...]
    routes: Sequence[Route] = ()
    quiet: Mapping[str, tuple[Hours, ...]] = field(default_factory=dict)

    def sinks_for(self, result: TriageResult, moment: datetime) -> Mapping[str, datetime | None]:
        """Return the sinks of a result by name: until when each waits, or None for at once.

        The first route that takes it decides, and the next one too where it says so. Where two name the same sink, the
        earlier time counts.
        """
        held: dict[str, datetime | None] = {}
        for route in self._taken(result, moment):
            for sink in route.sinks:
                until = self.quiet_until(sink, result, moment, also=route.quiet)
                held[sink] = min(until, held.get(sink, until), key=lambda each: each or moment)
        return held

    def quiet_until(
        self, sink: str, result: TriageResult, moment: datetime, *, also: tuple[Hours, ...] = ()
    ) -> datetime | None:
        """Return the end of the quiet hours that keep a result from a sink now, or None when nothing keeps it.

        A proposal is kept by none that end after it: nobody could approve it any more.
        """
        if severity_of(result) is Severity.CRITICAL:
            return None
        until = end_of_quiet((*self.quiet.get(sink, ()), *also), moment)
        if until is not None and result.approve_until is not None and until > result.approve_until:
            return None
        return until

    def held_until(self, sink: str, result: TriageResult, moment: datetime) -> datetime | None:
        """Return until when a page that is noted waits for a sink, by the sink's hours and those of its route.

        A backup sink stands in no route: it keeps the hours of the route whose page it gets.
        """
        taken = self._taken(result, moment)
        routes = [route for route in taken if sink in route.sinks] or taken or [Route(sinks=())]
        ends = [self.quiet_until(sink, result, moment, also=route.quiet) for route in routes]
        return min(ends, key=lambda each: each or moment)

    def _taken(self, result: TriageResult, moment: datetime) -> list[Route]:
        taken = []
        for route in self.routes:
            if route.takes(result, moment):
                taken.append(route)
                if not route.goes_on:
                    break
        if not taken and result.disposition in NEEDS_SOMEBODY:
            taken.append(Route(sinks=self.default))
        return taken


def severity_of(result: TriageResult) -> Severity:
    """Return the most urgent of an incident's alerts."""
    return result.occurrences.severity or result.incident.severity


def _fits(server_id: str | None, patterns: Collection[str]) -> bool:
    return server_id is not None and any(fnmatchcase(server_id, pattern) for pattern in patterns)
