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

__all__ = ["NEEDS_SOMEBODY", "Hours", "Route", "Routes", "severity_of"]

NEEDS_SOMEBODY: Final = frozenset({Disposition.ESCALATED, Disposition.AWAITING_APPROVAL, Disposition.DEAD_LETTERED})

_ONE_DAY: Final = timedelta(days=1)
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
        ends = (self._end_on(day) for day in (today, today + _ONE_DAY))
        return next(end for end in ends if end > moment)

    def _end_on(self, day: date) -> datetime:
        return datetime.combine(day, self.ends, self.zone).astimezone(UTC)


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
        """Return the end of the quiet hours that keep a result from a sink now, or None when nothing keeps it."""
        if severity_of(result) is Severity.CRITICAL:
            return None
        windows, until = (*self.quiet.get(sink, ()), *also), moment
        for _ in range(_WINDOWS_IN_A_ROW):
            ends = [end for window in windows if (end := window.end_after(until)) is not None]
            if not ends:
                break
            until = max(ends)
        return until if until > moment else None

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
