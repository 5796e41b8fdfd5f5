"""The guarded restart when its order goes wrong: what is told is what is known."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests.fakes import ESCALATE, HEALTH, LOGS, RESTART, START, FakeClock, FakeServer, reading
from tests.triage.test_loop import Desk
from worker.contract.observations import HealthReading
from worker.contract.result import RestartOutcome, TriageResult
from worker.errors import SourceUnavailable
from worker.ports import RestartOrder


@dataclass
class JumpingClock(FakeClock):
    """A wall clock that somebody sets."""

    set_forward: timedelta = timedelta()

    def now(self) -> datetime:
        return super().now() + self.set_forward


@dataclass
class OldServer(FakeServer):
    """A service that has run for a minute, whatever is ordered; its order comes back with an error."""

    def read_health(self) -> HealthReading:
        running = timedelta(seconds=60 + self.clock.elapsed_seconds)
        cpu = 5.0 if self.orders else 98.0
        return reading(self.clock, cpu=cpu, started_at=self.clock.now() - running)

    def restart(self, order: RestartOrder) -> None:
        self.orders.append(order)
        if isinstance(self.clock, JumpingClock):
            self.clock.set_forward = timedelta(hours=2)
        raise SourceUnavailable("the connection broke")


def restarted(server: FakeServer, clock: FakeClock) -> tuple[TriageResult, dict[str, object]]:
    """Run a triage that asks for a restart; return its result, and what the model was told of the restart."""
    desk = Desk([HEALTH, LOGS, RESTART, ESCALATE], clock=clock)
    desk.server = server
    result = desk.run()
    (told,) = [seen for step in desk.journal.steps for seen in step.observations if seen.restart is not None]
    return result, json.loads(told.content)["answered"]


@pytest.mark.parametrize("clock", [FakeClock(), JumpingClock()])
def test_a_service_that_has_run_for_longer_than_the_order_was_not_restarted_by_it_whatever_a_clock_says(
    clock: FakeClock,
) -> None:
    result, told = restarted(OldServer(clock), clock)
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.UNKNOWN
    assert told["restarted"] == "not known"


def test_of_an_order_that_was_refused_nothing_is_said_but_that_it_was_tried() -> None:
    clock = FakeClock()
    result, told = restarted(FakeServer(clock, restart_failure="The order is too old"), clock)
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.NOT_DONE
    assert told["restarted"] is False
    (statement,) = [seen.statement for seen in result.evidence if seen.tool == "restart_service"]
    assert statement.startswith("tried to restart payment-server-01")


@dataclass
class LateToTell(FakeServer):
    """A restart whose connection breaks; that it happened is seen ten seconds later only, as by a slow exporter."""

    def read_health(self) -> HealthReading:
        if self.orders and self.clock.elapsed_seconds < self.seen_from:
            return reading(self.clock, cpu=98.0, started_at=START - timedelta(days=9))
        return super().read_health()

    seen_from: float = 0.0

    def restart(self, order: RestartOrder) -> None:
        self.seen_from = self.clock.elapsed_seconds + 10
        super().restart(order)
        raise SourceUnavailable("the connection broke")


def test_a_restart_that_is_seen_late_to_have_happened_is_recognised_though_its_order_failed() -> None:
    clock = FakeClock()
    result, told = restarted(LateToTell(clock), clock)
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.RESTORED
    assert "the order, which said: the connection broke" in result.restart.detail
    assert told["restarted"] is True


class Broken(FakeServer):
    def restart(self, order: RestartOrder) -> None:
        self.orders.append(order)
        raise FileNotFoundError("ssh")


def test_whatever_breaks_behind_an_order_its_outcome_is_told() -> None:
    clock = FakeClock()
    result, _ = restarted(Broken(clock), clock)
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.UNKNOWN
    assert "The order broke with FileNotFoundError" in result.restart.detail
