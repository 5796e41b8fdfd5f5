"""Verification: health is read after a restart until it has stayed good, or the time is over. Read-only, always.

One good look proves nothing: a service that is bound again seconds after its start looks good in between. Needs no
Redis.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from worker.contract.observations import HealthReading
from worker.contract.result import RestartOutcome
from worker.errors import SourceUnavailable
from worker.ports import Clock, HealthSource

__all__ = ["Verification", "VerificationTimes", "verify"]

_PROBES_KEPT: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationTimes:
    """How often health is probed, how long it must stay good, and when to give up; all in seconds."""

    interval_seconds: float
    hold_seconds: float
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Verification:
    """What the probes showed; `probes` are the newest of them, oldest first, all newer than the restart."""

    outcome: RestartOutcome
    detail: str
    probes: tuple[HealthReading, ...]


def verify(health: HealthSource, *, restarted_at: datetime, times: VerificationTimes, clock: Clock) -> Verification:
    """Probe until health has been good for `hold_seconds` without a break, or `timeout_seconds` are over."""
    good_since: datetime | None = None
    probes: list[HealthReading] = []
    trouble = "no health could be read since"
    for reading in _probes(health, times, clock):
        if isinstance(reading, str) or reading.observed_at <= restarted_at:
            good_since = None
            trouble = reading if isinstance(reading, str) else trouble
            continue
        probes.append(reading)
        if not reading.is_good:
            trouble = _words_for(reading, restarted_at, is_relapse=any(probe.is_good for probe in probes))
            good_since = None
            continue
        good_since = good_since or reading.observed_at
        if (reading.observed_at - good_since).total_seconds() >= times.hold_seconds:
            seconds = (reading.observed_at - restarted_at).total_seconds()
            detail = (
                f"health good for {times.hold_seconds:g} s without a break, last read {seconds:.0f} s after the restart"
            )
            return Verification(RestartOutcome.RESTORED, detail, tuple(probes[-_PROBES_KEPT:]))
        trouble = "health was good at last, but not for long enough"
    return Verification(RestartOutcome.NOT_RESTORED, f"not proven good: {trouble}", tuple(probes[-_PROBES_KEPT:]))


def _probes(health: HealthSource, times: VerificationTimes, clock: Clock) -> Iterator[HealthReading | str]:
    give_up = clock.monotonic_seconds() + times.timeout_seconds
    while clock.monotonic_seconds() < give_up:
        clock.sleep(times.interval_seconds)
        try:
            yield health.read_health()
        except SourceUnavailable as failure:
            yield str(failure)


def _words_for(reading: HealthReading, restarted_at: datetime, *, is_relapse: bool) -> str:
    seconds = (reading.observed_at - restarted_at).total_seconds()
    trouble = ", ".join(reading.symptoms) or "figures are missing"
    return f"{'good at first, but ' if is_relapse else ''}{trouble} {seconds:.0f} s after the restart"
