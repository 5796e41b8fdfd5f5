"""Ships what the spool holds through the inner door: critical alerts first, each series in order, until all is taken.

An alert is passed over once it had its verdict, never before; FULL is none. It drops nothing, however long Redis is
away. A page that was sent and not answered is sent again: intake knows its alerts. One thread calls it.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from producers.door import Door
from producers.intake import Answer, IntakeUnavailable
from producers.spool.segment import Page
from producers.spool.series import Series
from worker.contract import Alert, Incident

__all__ = ["Shipper"]

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 30.0

log = structlog.get_logger()


class Shipper:
    """Ships when told to. `series` come in the order of their urgency; `on_shipped` hears of what was passed over.

    `waited_seconds` is for how long what an earlier process left has waited: until Redis first answers in this one,
    that counts as the outage's, so that a restart of the producer does not begin an outage anew.
    """

    def __init__(
        self,
        series: Sequence[Series],
        door: Door,
        *,
        on_shipped: Callable[[Sequence[Alert]], None] = lambda _: None,
        waited_seconds: float | None = None,
        monotonic_seconds: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._series = series
        self._door = door
        self._on_shipped = on_shipped
        self._monotonic_seconds = monotonic_seconds
        self._chance = chance
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._away_since: float | None = None
        self._waiting_since = None if waited_seconds is None else monotonic_seconds() - waited_seconds

    def outage_seconds(self) -> float | None:
        """Return for how long the inner door has taken nothing; None when it does.

        It counts from the first try that failed, or from when what an earlier process left began to wait; then by a
        clock that never steps back. Safe from any thread.
        """
        since = self._away_since
        return None if since is None else self._monotonic_seconds() - since

    def ship_page(self) -> float | None:
        """Ship one page and return how many seconds to pause before the next; None when nothing waits.

        Raises `OSError` when the disk does not give a page back.
        """
        for series in self._series:
            page = series.next_page()
            if page is not None:
                return self._ship(series, page)
        return None

    def pause_seconds(self) -> float:
        """Return the next pause after a failure: 0.2 s, doubled up to 30 s, each shortened by up to half at random."""
        pause_seconds = self._pause_seconds
        self._pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
        return pause_seconds * (1 - self._chance() / 2)

    def _ship(self, series: Series, page: Page) -> float:
        if not page.alerts:
            series.note_shipped(page, page.end)
            return 0.0
        alerts = page.alerts[: _one_kind_an_occurrence(page.alerts)]
        try:
            answers = [verdict.answer for verdict in self._door.take_in(alerts)]
        except IntakeUnavailable as error:
            return self._wait_for_redis(error)
        self._redis_is_there()
        settled = answers.index(Answer.FULL) if Answer.FULL in answers else len(answers)
        if settled:
            series.note_shipped(page, page.end if settled == len(page.alerts) else page.ends[settled - 1])
            self._on_shipped(alerts[:settled])
        if settled < len(answers):
            pause_seconds = self.pause_seconds()
            log.warning("spool.intake_full", retry_after_seconds=pause_seconds)
            return pause_seconds
        self._pause_seconds = FIRST_PAUSE_SECONDS
        return 0.0

    def _wait_for_redis(self, error: IntakeUnavailable) -> float:
        if self._away_since is None:
            now = self._monotonic_seconds()
            self._away_since = now if self._waiting_since is None else self._waiting_since
            log.warning("spool.shipping_paused", error=str(error), outage_seconds=now - self._away_since)
        return self.pause_seconds()

    def _redis_is_there(self) -> None:
        self._waiting_since = None
        outage_seconds = self.outage_seconds()
        if outage_seconds is not None:
            self._away_since = None
            log.info("spool.shipping_resumed", outage_seconds=outage_seconds)


def _one_kind_an_occurrence(alerts: Sequence[Alert]) -> int:
    """Return how many alerts may be sent at once: none of an occurrence that both fires and ends among them.

    Its firing may be answered FULL and is then sent again, after its own end if that had been taken: it would be a
    late copy, or fire anew.
    """
    fires: dict[str, bool] = {}
    for position, alert in enumerate(alerts):
        is_firing = isinstance(alert, Incident)
        if fires.setdefault(alert.incident_id, is_firing) is not is_firing:
            return position
    return len(alerts)
