"""Verification: health is read after a restart until it has stayed good, or the time is over. Read-only, always.

One good look proves nothing: a service that is bound again seconds after its start looks good in between, and so does
one that dies and is started again all the time. Needs no Redis.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from worker.contract.observations import HealthReading
from worker.contract.result import RestartOutcome
from worker.errors import SourceUnavailable
from worker.ports import Clock, HealthSource

__all__ = ["Ordered", "Verification", "VerificationTimes", "verify"]

_PROBES_KEPT: Final = 12
_TOLERANCE_SECONDS: Final = 2.0
"""By so much what a source says of a start may be wrong: some count in whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationTimes:
    """How often health is probed, how long it must stay good, and when to give up; all in seconds."""

    interval_seconds: float
    hold_seconds: float
    timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """When an order was sent, and when its service manager was done: by the monotonic clock, the end by both."""

    began: float
    ended: float
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Verification:
    """What the probes showed; `probes` are the newest of them, oldest first, all newer than the restart.

    `has_started` says that a reading was of a service that has started since the order was sent.
    """

    outcome: RestartOutcome
    detail: str
    probes: tuple[HealthReading, ...]
    has_started: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One reading by the monotonic clock: how new it is, and since when at the latest the service has been running."""

    reading: HealthReading
    seen_at: float
    started: float | None

    def is_of_before(self, order: Ordered) -> bool:
        """Whether the service has certainly been running since before the order."""
        return self.started is not None and self.started < order.began - _TOLERANCE_SECONDS

    def is_of_since(self, order: Ordered) -> bool:
        return self.started is not None and self.started >= order.began


def verify(
    health: HealthSource, *, order: Ordered, times: VerificationTimes, clock: Clock, needs_start: bool = False
) -> Verification:
    """Probe until health has been good for `hold_seconds` without a break, or `timeout_seconds` are over.

    A service that starts again in between has not been good since before that, and one that has been running since
    before the order was not restarted by it. With `needs_start` nothing counts but a service that certainly has started
    since: of an order that failed. Durations are of the monotonic clock, whatever the other one does meanwhile.
    """
    good_since: float | None = None
    probes: list[HealthReading] = []
    has_started = False
    trouble = "no health could be read since"
    for look in _looks(health, times, clock):
        if isinstance(look, str) or not _is_new(look, order):
            good_since = None
            trouble = look if isinstance(look, str) else trouble
            continue
        if look.is_of_before(order) or (needs_start and not look.is_of_since(order)):
            good_since, trouble = None, _words_for_an_old_start(look.reading)
            continue
        has_started = has_started or look.is_of_since(order)
        probes.append(look.reading)
        if not look.reading.is_good:
            is_relapse = any(probe.is_good for probe in probes)
            trouble = _words_for(look.reading, seconds=look.seen_at - order.ended, is_relapse=is_relapse)
            good_since = None
            continue
        good_since = look.seen_at if good_since is None else good_since
        good_since = good_since if look.started is None else max(good_since, look.started)
        if look.seen_at - good_since >= times.hold_seconds:
            detail = (
                f"health good for {times.hold_seconds:g} s without a break, "
                f"last read {look.seen_at - order.ended:.0f} s after the restart"
            )
            return Verification(RestartOutcome.RESTORED, detail, tuple(probes[-_PROBES_KEPT:]), has_started)
        trouble = "health was good at last, but not for long enough, or the service started again in between"
    detail = f"not proven good: {trouble}"
    return Verification(RestartOutcome.NOT_RESTORED, detail, tuple(probes[-_PROBES_KEPT:]), has_started)


def _is_new(look: _Look, order: Ordered) -> bool:
    return look.seen_at > order.ended and look.reading.observed_at > order.ended_at


def _looks(health: HealthSource, times: VerificationTimes, clock: Clock) -> Iterator[_Look | str]:
    give_up, longest_seconds = clock.monotonic_seconds() + times.timeout_seconds, 0.0
    while (asked_at := clock.monotonic_seconds()) + longest_seconds < give_up:
        clock.sleep(times.interval_seconds)
        try:
            reading = health.read_health()
        except SourceUnavailable as failure:
            yield str(failure)
        except Exception as failure:  # noqa: BLE001 - the boundary: what was restarted must be told, whatever breaks
            yield f"health could not be read ({type(failure).__name__})"
        else:
            yield _look(reading, clock)
        longest_seconds = max(longest_seconds, clock.monotonic_seconds() - asked_at)


def _look(reading: HealthReading, clock: Clock) -> _Look:
    now, running_seconds = clock.monotonic_seconds(), reading.running_seconds
    age_seconds = max((clock.now() - reading.observed_at).total_seconds(), 0.0)
    started = None if running_seconds is None else now - max(running_seconds, 0.0)
    return _Look(reading=reading, seen_at=now - age_seconds, started=started)


def _words_for_an_old_start(reading: HealthReading) -> str:
    if reading.running_seconds is None:
        return "when the service started is not known"
    return f"the service has been running for {reading.running_seconds:.0f} s, since before the order"


def _words_for(reading: HealthReading, *, seconds: float, is_relapse: bool) -> str:
    trouble = ", ".join(reading.symptoms) or "figures are missing"
    return f"{'good at first, but ' if is_relapse else ''}{trouble} {seconds:.0f} s after the restart"
