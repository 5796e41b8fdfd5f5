"""The last way to an engineer: when Redis stays away, critical alerts go from the spool straight to a pager.

Without Redis there is no triage, so nobody would look at them. It takes nothing out of the spool: each alert is still
taken in once Redis is there, under the same incident id. It pages for nothing that is not critical, and as far as can
be once a group, for its first incident, as intake will have it; a page that is sent twice has the same key. The spool
runs it in a thread of its own.
"""

import json
import os
import random
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import structlog

from producers.spool.segment import Page
from producers.spool.series import Place
from producers.spool.waiting import WaitingCritical
from worker.contract import Alert, Incident, Resolution

__all__ = ["DirectEscalation", "Pager", "PagerRefused", "PagerUnavailable", "SpooledAlerts"]

PATIENCE_SECONDS: Final = 120.0
"""For how long Redis may be away before engineers are told directly: a restart of it takes less.

A restart of the producer does not begin it anew, while a critical alert waits.
"""

LOOK_SECONDS: Final = 1.0
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
COMPLAINT_INTERVAL_SECONDS: Final = 60.0

_TRIGGER: Final = "trigger"
_RESOLVE: Final = "resolve"

log = structlog.get_logger()


class PagerUnavailable(Exception):  # noqa: N818 - the state, not an accident
    """The pager took nothing: try again, after `retry_after_seconds` where it said so. The text holds no address."""

    def __init__(self, reason: str, *, retry_after_seconds: float = 0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class PagerRefused(Exception):  # noqa: N818 - the state, not an accident
    """The pager will never take this one as it is."""


class Pager(Protocol):
    """Reaches an engineer. Both raise `PagerUnavailable` or `PagerRefused`, block for seconds, and may be repeated."""

    def trigger(self, incident: Incident) -> None:
        """Say that a critical incident began and nobody has looked at it."""
        ...

    def resolve(self, resolution: Resolution) -> None:
        """Say that it is over."""
        ...


class SpooledAlerts(Protocol):
    """What the spool shows of itself."""

    @property
    def waiting_critical(self) -> WaitingCritical:
        """The critical incidents that wait and have not ended."""
        ...

    def outage_seconds(self) -> float | None:
        """Return for how long Redis has been away; None when it is there."""
        ...

    def critical_after(self, place: Place) -> tuple[Page, Place] | None:
        """Return the next critical alerts behind a place, with the ends of some, and the place behind them."""
        ...


class DirectEscalation:
    """Looks when told to, and sends one alert at a time. Not for several threads.

    `sent_file` remembers over restarts what was sent; a line of it is written after the pager's yes.
    """

    def __init__(
        self,
        spooled: SpooledAlerts,
        pager: Pager | None,
        sent_file: Path,
        *,
        monotonic_seconds: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._spooled = spooled
        self._pager = pager
        self._sent_file = sent_file
        self._monotonic_seconds = monotonic_seconds
        self._chance = chance
        self._sent, self._paged = _read_sent(sent_file)
        self._joined: set[str] = set()
        self._place = Place()
        self._page = deque[Alert]()
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._complain_at = monotonic_seconds()

    def look(self) -> float:
        """Do the next thing that has to be done, and return how many seconds to wait before the next look.

        Raises `OSError` when the disk does not give the alerts back.
        """
        outage_seconds = self._spooled.outage_seconds()
        if outage_seconds is None:
            self._begin_anew()
            return LOOK_SECONDS
        if outage_seconds < PATIENCE_SECONDS:
            return min(LOOK_SECONDS, PATIENCE_SECONDS - outage_seconds)
        if self._pager is None:
            self._complain(outage_seconds)
            return LOOK_SECONDS
        return self._escalate_next(self._pager)

    def _begin_anew(self) -> None:
        self._place = Place()
        self._page.clear()
        if self._sent and not self._spooled.waiting_critical:
            self._sent.clear()
            self._paged.clear()
            self._joined.clear()
            self._sent_file.unlink(missing_ok=True)

    def _complain(self, outage_seconds: float) -> None:
        waiting = len(self._spooled.waiting_critical)
        if waiting and self._monotonic_seconds() >= self._complain_at:
            self._complain_at = self._monotonic_seconds() + COMPLAINT_INTERVAL_SECONDS
            log.error(
                "direct_escalation.not_configured",
                critical_alerts=waiting,
                outage_seconds=outage_seconds,
                remedy="set FIRSTLINE_DIRECT_ESCALATION_URL and FIRSTLINE_DIRECT_ESCALATION_KEY, and start Redis",
            )

    def _escalate_next(self, pager: Pager) -> float:
        if not self._page:
            try:
                found = self._spooled.critical_after(self._place)
            except FileNotFoundError:  # it was shipped and deleted in this very moment
                found = None
            if found is None:
                return LOOK_SECONDS
            page, self._place = found
            self._page.extend(page.alerts)
            return 0.0
        try:
            self._escalate(self._page[0], pager)
        except PagerUnavailable as error:
            pause_seconds = max(error.retry_after_seconds, self._pause_seconds * (1 - self._chance() / 2))
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
            log.error("direct_escalation.failed", error=str(error), retry_after_seconds=pause_seconds)  # noqa: TRY400
            return pause_seconds
        except PagerRefused as error:
            log.error("direct_escalation.refused", incident_id=self._page[0].incident_id, error=str(error))  # noqa: TRY400
        self._page.popleft()
        self._pause_seconds = FIRST_PAUSE_SECONDS
        return 0.0

    def _escalate(self, alert: Alert, pager: Pager) -> None:
        is_open = self._sent.get(alert.incident_id) == _TRIGGER
        if isinstance(alert, Resolution):
            if is_open and alert.incident_id not in self._joined:  # else more of its group fires: a person ends it
                pager.resolve(alert)
                self._note(alert, _RESOLVE)
        elif not is_open and alert.incident_id in self._spooled.waiting_critical:
            if self._joins(alert):
                return
            pager.trigger(alert)
            self._note(alert, _TRIGGER)
            self._paged[alert.group] = alert.incident_id

    def _joins(self, incident: Incident) -> bool:
        """Whether an engineer was paged for the same group: intake will attach this alert to that incident."""
        with_incident_id = self._paged.get(incident.group) if incident.group else None
        if with_incident_id in {None, incident.incident_id} or self._sent.get(str(with_incident_id)) != _TRIGGER:
            return False
        self._joined.add(str(with_incident_id))
        log.info("direct_escalation.joined", incident_id=incident.incident_id, with_incident_id=with_incident_id)
        return True

    def _note(self, alert: Alert, sent: str) -> None:
        self._sent[alert.incident_id] = sent
        log.warning("direct_escalation.sent", incident_id=alert.incident_id, action=sent, server_id=alert.server_id)
        group = alert.group if isinstance(alert, Incident) else ""
        line = json.dumps({"incident_id": alert.incident_id, "sent": sent, "group": group}) + "\n"
        try:
            with self._sent_file.open("a", encoding="ascii") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:  # a full disk keeps nobody from being paged; after a restart he may be paged again
            log.error("direct_escalation.not_noted", incident_id=alert.incident_id, error=str(error))  # noqa: TRY400


def _read_sent(sent_file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return what was last sent of each incident, and the incident paged for each group.

    A line that was torn, or is none of ours, is left out.
    """
    sent: dict[str, str] = {}
    paged: dict[str, str] = {}
    try:
        lines = sent_file.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return sent, paged
    for line in lines:
        try:
            noted = json.loads(line)
        except ValueError:
            continue
        if isinstance(noted, dict) and noted.get("sent") in {_TRIGGER, _RESOLVE}:
            incident_id = str(noted.get("incident_id"))
            sent[incident_id] = noted["sent"]
            if noted["sent"] == _TRIGGER and noted.get("group"):
                paged[str(noted["group"])] = incident_id
    return sent, paged
