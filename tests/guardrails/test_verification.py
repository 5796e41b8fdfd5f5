"""Recovery is proven by health that stays good, or not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from tests.fakes import SERVER_ID, FakeClock, ordered_now, reading
from worker.contract.observations import HealthReading
from worker.contract.result import RestartOutcome, RestartRecord
from worker.errors import SourceUnavailable
from worker.guardrails.verification import Verification, VerificationTimes, verify

TIMES = VerificationTimes(interval_seconds=2, hold_seconds=6, timeout_seconds=30)


@dataclass
class Probed:
    """A health source that walks through CPU figures; None stands for no answer."""

    clock: FakeClock
    cpus: Sequence[float | None]
    is_stale: bool = False
    reads: int = field(default=0)

    def read_health(self) -> HealthReading:
        cpu = self.cpus[min(self.reads, len(self.cpus) - 1)]
        self.reads += 1
        if cpu is None:
            raise SourceUnavailable("no answer in 5 s")
        return reading(FakeClock() if self.is_stale else self.clock, cpu=cpu)


def look(*cpus: float | None, is_stale: bool = False) -> Verification:
    clock = FakeClock()
    return verify(Probed(clock, cpus, is_stale), order=ordered_now(clock), times=TIMES, clock=clock)


def test_health_that_stays_good_is_a_recovery() -> None:
    assert look(5.0).outcome is RestartOutcome.RESTORED


def test_a_busy_start_that_settles_is_a_recovery() -> None:
    assert look(97.0, 92.0, 5.0).outcome is RestartOutcome.RESTORED


def test_a_relapse_is_no_recovery_and_is_said_with_values() -> None:
    found = look(5.0, 5.0, 97.0)
    assert found.outcome is RestartOutcome.NOT_RESTORED
    assert "good at first, but CPU at 97 %" in found.detail


def test_health_that_flaps_is_no_recovery() -> None:
    assert look(*[5.0, 5.0, 97.0] * 10).outcome is RestartOutcome.NOT_RESTORED


def test_a_source_that_does_not_answer_proves_nothing() -> None:
    found = look(None)
    assert found.outcome is RestartOutcome.NOT_RESTORED
    assert "no answer in 5 s" in found.detail


def test_a_reading_from_before_the_restart_proves_nothing() -> None:
    assert look(5.0, is_stale=True).outcome is RestartOutcome.NOT_RESTORED


@dataclass
class Started:
    """A well service that says each time for how long it has been running."""

    clock: FakeClock
    running_seconds: Callable[[], float]

    def read_health(self) -> HealthReading:
        return reading(self.clock, started_at=self.clock.now() - timedelta(seconds=self.running_seconds()))


def watched(running_seconds: Callable[[FakeClock], float], *, needs_start: bool = False) -> Verification:
    clock = FakeClock(elapsed_seconds=100)
    source = Started(clock, lambda: running_seconds(clock))
    return verify(source, order=ordered_now(clock), times=TIMES, clock=clock, needs_start=needs_start)


def test_a_service_that_started_with_the_order_and_goes_on_is_a_recovery() -> None:
    found = watched(lambda clock: clock.elapsed_seconds - 100)
    assert (found.outcome, found.has_started) == (RestartOutcome.RESTORED, True)


def test_a_service_that_is_started_again_all_the_time_is_no_recovery_however_well_it_looks() -> None:
    found = watched(lambda clock: (clock.elapsed_seconds - 100) % 1.5)
    assert found.outcome is RestartOutcome.NOT_RESTORED
    assert "started again in between" in found.detail


def test_a_service_that_has_been_running_since_before_the_order_was_not_restarted_by_it() -> None:
    found = watched(lambda clock: 777_600 + clock.elapsed_seconds)
    assert (found.outcome, found.has_started, found.probes) == (RestartOutcome.NOT_RESTORED, False, ())
    assert "since before the order" in found.detail


def test_after_an_order_that_failed_only_a_start_since_counts() -> None:
    assert watched(lambda clock: clock.elapsed_seconds - 104, needs_start=True).outcome is RestartOutcome.RESTORED
    never = watched(lambda clock: clock.elapsed_seconds - 99, needs_start=True)
    assert (never.outcome, never.has_started) == (RestartOutcome.NOT_RESTORED, False)


@dataclass
class Jumping(FakeClock):
    """A clock whose hands are moved after the second look; what lasts is measured right."""

    moved_seconds: float = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.moved_seconds if self.elapsed_seconds > 5 else 0)


def test_a_clock_that_is_put_on_makes_no_proof_of_seconds() -> None:
    clock = Jumping(moved_seconds=3_600)
    source = Probed(clock, [5.0, 5.0, 97.0, 97.0, 97.0])
    assert verify(source, order=ordered_now(clock), times=TIMES, clock=clock).outcome is RestartOutcome.NOT_RESTORED


class Breaking:
    def read_health(self) -> HealthReading:
        raise OverflowError("not in the contract")


def test_a_source_that_breaks_proves_nothing_and_breaks_nothing() -> None:
    clock = FakeClock()
    found = verify(Breaking(), order=ordered_now(clock), times=TIMES, clock=clock)
    assert found.outcome is RestartOutcome.NOT_RESTORED
    assert "health could not be read (OverflowError)" in found.detail


@pytest.mark.parametrize("flaw", ["no probes", "old probe", "bad probe", "other server"])
def test_a_restored_record_cannot_be_written_without_its_proof(flaw: str) -> None:
    clock = FakeClock()
    old, restarted_at = reading(clock), clock.now()
    clock.sleep(5)
    probes = {
        "no probes": (),
        "old probe": (old,),
        "bad probe": (reading(clock, cpu=97.0),),
        "other server": (reading(clock).model_copy(update={"server_id": "db-01"}),),
    }[flaw]
    with pytest.raises(ValidationError):
        RestartRecord(
            server_id=SERVER_ID,
            fence=1,
            ordered_at=restarted_at,
            outcome=RestartOutcome.RESTORED,
            detail="",
            restarted_at=restarted_at,
            probes=probes,
        )
