"""The spool: a door that writes alerts to this machine's disk first, says so, and takes them in when Redis is there.

Its yes (SPOOLED) is a promise: it comes after the alerts were synced, and they stay until intake has answered each.
It never says yes for a disk that refused, and never drops what waits. `firstline intake --spool DIR` opens it; one
process a directory. Redis' own state is no matter to `take_in`: when Redis is unavailable this goes on, up to a limit.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from producers.door import Door
from producers.intake import Answer, IntakeUnavailable, Verdict
from producers.settings import ProducerConfigurationError
from producers.spool.direct_escalation import DirectEscalation, Pager
from producers.spool.directory import locked, refusal_of, sentence_of
from producers.spool.record import encode
from producers.spool.segment import Page
from producers.spool.series import Place, Series
from producers.spool.shipping import Shipper
from producers.spool.waiting import WaitingCritical, is_critical
from worker.contract import Alert

__all__ = ["SPOOL_LIMIT_BYTES", "Spool", "open_spool"]

SPOOL_LIMIT_BYTES: Final = 1024**3
"""Past this the spool takes nothing more: about two million alerts of usual size."""

CRITICAL_RESERVE: Final = 0.1
"""This part of the limit is left to batches with critical alerts: a storm of warnings does not shut them out."""

IDLE_SECONDS: Final = 1.0
STOP_SECONDS: Final = 9.0
"""How long the end waits for a page that is on its way; what is cut off is sent again by the next process."""

log = structlog.get_logger()


class Spool:
    """A door before another; `open_spool` makes it, for only that locks the directory and starts the shipping.

    `take_in` is safe from many threads, and those that come together share one sync. Critical alerts have a series of
    their own, which is shipped first; the end of one that waits goes with it.
    """

    def __init__(
        self,
        directory: Path,
        door: Door,
        *,
        limit_bytes: int = SPOOL_LIMIT_BYTES,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Find what an earlier process left in the directory, and how long that has waited. Raises `OSError`."""
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._critical = Series(directory, "critical")
        self._other = Series(directory, "other")
        self.waiting_critical = WaitingCritical()
        for page in self._critical.pages():
            for alert in page.alerts:
                self.waiting_critical.enter(alert)
        self._refusal: str | None = None
        self.has_alerts = threading.Event()
        self.shipper = Shipper(
            (self._critical, self._other),
            door,
            on_shipped=self.waiting_critical.leave,
            waited_seconds=_age_seconds(self.waiting_critical.oldest_received_at(), now()),
            monotonic_seconds=monotonic_seconds,
        )

    @property
    def size_bytes(self) -> int:
        """How much of the disk the segments take."""
        return self._critical.size_bytes + self._other.size_bytes

    def take_in(self, alerts: Sequence[Alert]) -> list[Verdict]:
        """Return SPOOLED for each alert once all are on the disk.

        Raises `IntakeUnavailable` when the spool is full or the disk refuses: some alerts may be in, and sending all
        of them again is safe.
        """
        lines = [encode(alert) for alert in alerts]
        self._refuse_past_the_limit(sum(map(len, lines)), is_urgent=any(map(is_critical, alerts)))
        goes_first = [self.waiting_critical.enter(alert) for alert in alerts]
        try:
            self._append(lines, goes_first)
        except OSError as error:
            self.waiting_critical.leave(alerts)
            self._refusal = sentence_of(self._directory, error)
            log.error("spool.refused", error=str(error), alerts=len(alerts))  # noqa: TRY400 - a full disk is no bug
            raise IntakeUnavailable(self._refusal) from error
        self._refusal = None
        return [Verdict(alert.incident_id, Answer.SPOOLED) for alert in alerts]

    def unready(self) -> str | None:
        """Return why nothing can be taken in: the spool is full, or the disk refused last and still does."""
        try:
            self._refuse_past_the_limit(0, is_urgent=False)
        except IntakeUnavailable as full:
            return str(full)
        return refusal_of(self._directory) if self._refusal else None

    def outage_seconds(self) -> float | None:
        """Return for how long the inner door has taken nothing; see `Shipper`."""
        return self.shipper.outage_seconds()

    def critical_after(self, place: Place) -> tuple[Page, Place] | None:
        """Return the next page of the critical series behind a place, to look at; see `Series.page_after`."""
        return self._critical.page_after(place)

    def tidy(self) -> None:
        """Delete what is through, as far as it can be: for a quiet moment, and for the end."""
        for series in (self._critical, self._other):
            series.tidy()

    def close(self) -> None:
        """Tidy and let go of the files. Nothing may be taken in any more."""
        self.tidy()
        for series in (self._critical, self._other):
            series.close()

    def _append(self, lines: Sequence[bytes], goes_first: Sequence[bool]) -> None:
        for series, first in ((self._critical, True), (self._other, False)):
            part = b"".join(line for line, own in zip(lines, goes_first, strict=True) if own is first)
            if part:
                series.append(part)
                self.has_alerts.set()

    def _refuse_past_the_limit(self, further_bytes: int, *, is_urgent: bool) -> None:
        limit_bytes = self._limit_bytes if is_urgent else round(self._limit_bytes * (1 - CRITICAL_RESERVE))
        if self.size_bytes + further_bytes > limit_bytes:
            remedy = "start Redis, then send the same alerts again"
            raise IntakeUnavailable(f"The spool holds its limit of {limit_bytes} bytes: {remedy}")


def _age_seconds(received_at: datetime | None, now: datetime) -> float | None:
    """Return how old a time on the wall's clock is; one that was set back makes it 0."""
    return None if received_at is None else max(0.0, (now - received_at).total_seconds())


@contextmanager
def open_spool(
    directory: Path, door: Door, *, limit_bytes: int = SPOOL_LIMIT_BYTES, pager: Pager | None = None
) -> Iterator[Spool]:
    """Lock the directory, made where it is missing, and ship from it in the background until the end of the block.

    What an earlier process left is shipped first. `pager` hears of critical alerts when Redis stays away; see
    `DirectEscalation`. Raises `ProducerConfigurationError` when another process has the directory or it is unusable.
    """
    with ExitStack() as held:
        try:
            held.enter_context(locked(directory))
            spool = Spool(directory, door, limit_bytes=limit_bytes)
            escalation = DirectEscalation(spool, pager, directory / "escalated.jsonl")
        except OSError as error:
            raise ProducerConfigurationError(sentence_of(directory, error)) from error
        log.info("spool.opened", bytes=spool.size_bytes, critical_alerts=len(spool.waiting_critical))
        held.callback(spool.close)
        held.enter_context(_running(spool, escalation))
        yield spool


@contextmanager
def _running(spool: Spool, escalation: DirectEscalation) -> Iterator[None]:
    stop = threading.Event()
    threads = [
        threading.Thread(target=_ship, args=(spool, stop), name="spool-shipping", daemon=True),
        threading.Thread(target=_keep_doing, args=(escalation.look, stop), name="direct-escalation", daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        spool.has_alerts.set()
        for thread in threads:
            thread.join(STOP_SECONDS)


def _ship(spool: Spool, stop: threading.Event) -> None:
    def ship_or_wait() -> float:
        spool.has_alerts.clear()
        pause_seconds = spool.shipper.ship_page()
        if pause_seconds is None and not stop.is_set() and not spool.has_alerts.wait(IDLE_SECONDS):
            spool.tidy()
        return pause_seconds or 0.0

    _keep_doing(ship_or_wait, stop, spool.shipper.pause_seconds)


def _keep_doing(
    work: Callable[[], float], stop: threading.Event, pause_seconds: Callable[[], float] = lambda: IDLE_SECONDS
) -> None:
    """Do it until the end, with the pauses that it asks for: no failure may end a thread that keeps promises."""
    while not stop.is_set():
        try:
            seconds = work()
        except Exception:
            log.exception("spool.failed")
            seconds = pause_seconds()
        stop.wait(seconds)
