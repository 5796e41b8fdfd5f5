"""Recovery is proven by health that stays good, or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from pydantic import ValidationError

from tests.fakes import SERVER_ID, FakeClock, reading
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
    return verify(Probed(clock, cpus, is_stale), restarted_at=clock.now(), times=TIMES, clock=clock)


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
