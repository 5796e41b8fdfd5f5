"""The supervisord adapter over a fake interface: states, figures, and the order of a restart."""

import math
import os
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import AUTO, START, FakeClock
from tests.infrastructure.demo_extra import require_demo_extra
from worker.clock import SystemClock
from worker.contract.observations import ServiceStatus
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.supervisord_api import ProgramInfo, SupervisordApi
from worker.ports import Clock, RestartOrder, Server

NO_PROCESS = 0
BEYOND_ALL_PIDS = 2**22 + 1


@dataclass
class FakeApi(SupervisordApi):
    """Knows one program and keeps the orders that it gets."""

    info: ProgramInfo
    start_failure: str | None = None
    orders: list[str] = field(default_factory=list)

    def program_info(self, program: str, *, timeout_seconds: float = math.inf) -> ProgramInfo:
        return self.info

    def stop_program(self, program: str, *, timeout_seconds: float) -> None:
        self.orders.append(f"stop {program}")

    def start_program(self, program: str, *, timeout_seconds: float) -> None:
        self.orders.append(f"start {program}")
        if self.start_failure is not None:
            raise SourceUnavailable(self.start_failure)


def api_with(
    state: str = "RUNNING", *, pid: int = NO_PROCESS, log: str = "", start_failure: str | None = None
) -> FakeApi:
    info = ProgramInfo(statename=state, pid=pid, start=1_000, now=1_060, exitstatus=70, stdout_logfile=log)
    return FakeApi(info, start_failure=start_failure)


def server_with(api: SupervisordApi, *, clock: Clock | None = None, memory_limit_bytes: int | None = None) -> Server:
    require_demo_extra("psutil")
    from worker.infrastructure.supervisord import SupervisedProgram  # noqa: PLC0415 - psutil is an extra

    program = SupervisedProgram(
        "web-01",
        program="web",
        api=api,
        memory_limit_bytes=memory_limit_bytes,
        restart_seconds=30,
        clock=clock or FakeClock(),
    )
    return Server(
        server_id="web-01",
        service="web",
        health=program,
        logs=program,
        service_manager=program,
        terms=AUTO,
        dependencies={},
    )


def an_order(*, not_after_seconds: float) -> RestartOrder:
    not_after = START + timedelta(seconds=not_after_seconds)
    return RestartOrder(incident_id="inc-1", fence=1, not_after=not_after, give_up_at=not_after_seconds)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("RUNNING", ServiceStatus.RUNNING),
        ("STARTING", ServiceStatus.DEGRADED),
        ("BACKOFF", ServiceStatus.DEGRADED),
        ("STOPPING", ServiceStatus.DEGRADED),
        ("EXITED", ServiceStatus.STOPPED),
        ("STOPPED", ServiceStatus.STOPPED),
        ("FATAL", ServiceStatus.STOPPED),
    ],
)
def test_a_state_without_a_process_reads_as_zero_figures(state: str, status: ServiceStatus) -> None:
    reading = server_with(api_with(state)).health.read_health()
    assert reading.status is status
    assert (reading.cpu_percent, reading.memory_percent) == (0, 0)
    assert reading.figures == {"supervisord_state": state, "exit_status": 70}
    assert reading.service_started_at is None


def test_a_state_that_supervisord_does_not_know_is_no_reading() -> None:
    with pytest.raises(SourceUnavailable, match="does not know the state"):
        server_with(api_with("UNKNOWN")).health.read_health()


def test_figures_are_those_of_the_process() -> None:
    clock = SystemClock()
    server = server_with(api_with(pid=os.getpid()), clock=clock, memory_limit_bytes=2**40)
    before = clock.now()
    reading = server.health.read_health()
    assert reading.memory_percent is not None
    assert 0 <= reading.memory_percent < 1
    assert {"memory_mib", "threads", "open_files", "uptime_seconds"} <= set(reading.figures)
    assert reading.observed_at >= before
    assert reading.service_started_at is not None
    assert reading.service_started_at < before


def test_a_process_that_ended_meanwhile_is_no_reading() -> None:
    with pytest.raises(SourceUnavailable, match="could not be measured"):
        server_with(api_with(pid=BEYOND_ALL_PIDS)).health.read_health()


@pytest.mark.parametrize("log", ["", "logs/web.log"])
def test_a_log_without_an_absolute_path_is_not_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "web.log").write_text("INFO of somebody else\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceUnavailable, match="set its stdout_logfile"):
        server_with(api_with(log=log)).logs.read_log_tail(lines=1)


def test_the_log_is_where_supervisord_says(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("INFO ready\n")
    tail = server_with(api_with(log=str(tmp_path / "web.log"))).logs.read_log_tail(lines=1)
    assert tail.lines == ("INFO ready",)


def test_a_restart_stops_and_then_starts_once() -> None:
    api = api_with()
    server_with(api).service_manager.restart(an_order(not_after_seconds=0))
    assert api.orders == ["stop web", "start web"]


def test_an_order_past_its_time_restarts_nothing() -> None:
    api = api_with()
    with pytest.raises(SourceUnavailable, match="too old; nothing was restarted"):
        server_with(api).service_manager.restart(an_order(not_after_seconds=-0.001))
    assert api.orders == []


def test_a_program_that_does_not_come_up_again_is_said_to_be_down_and_not_tried_twice() -> None:
    api = api_with(start_failure="supervisord refused startProcess of web: SPAWN_ERROR: web.")
    with pytest.raises(SourceUnavailable, match=r"web was stopped and may be down: .*SPAWN_ERROR"):
        server_with(api).service_manager.restart(an_order(not_after_seconds=5))
    assert api.orders == ["stop web", "start web"]


class SlowToStop(FakeApi):
    """Gives no answer to a stop, as supervisord does while a program takes its time to end."""

    def __init__(self, clock: FakeClock, *, stopped_at_seconds: float, failing_looks: int = 0) -> None:
        super().__init__(api_with().info)
        self.clock = clock
        self.stopped_at_seconds = stopped_at_seconds
        self.failing_looks = failing_looks

    def stop_program(self, program: str, *, timeout_seconds: float) -> None:
        super().stop_program(program, timeout_seconds=timeout_seconds)
        self.clock.sleep(timeout_seconds)
        raise SourceUnavailable("supervisord did not answer stopProcess: timed out.")

    def program_info(self, program: str, *, timeout_seconds: float = math.inf) -> ProgramInfo:
        if self.failing_looks:
            self.failing_looks -= 1
            raise SourceUnavailable("supervisord did not answer getProcessInfo: timed out.")
        is_stopped = self.clock.monotonic_seconds() >= self.stopped_at_seconds
        return api_with("STOPPED" if is_stopped else "STOPPING").info


@pytest.mark.parametrize("failing_looks", [0, 3])
def test_a_program_that_stops_after_the_answer_was_given_up_is_started(failing_looks: int) -> None:
    clock = FakeClock()
    api = SlowToStop(clock, stopped_at_seconds=20, failing_looks=failing_looks)
    server_with(api, clock=clock).service_manager.restart(an_order(not_after_seconds=5))
    assert api.orders == ["stop web", "start web"]
    assert 20 <= clock.monotonic_seconds() < 21


def test_a_program_that_does_not_stop_in_its_time_is_not_started_and_that_is_said() -> None:
    clock = FakeClock()
    api = SlowToStop(clock, stopped_at_seconds=300)
    with pytest.raises(
        SourceUnavailable, match=r"^web was told to stop .* may go down yet: .* as STOPPING\.$"
    ) as raised:
        server_with(api, clock=clock).service_manager.restart(an_order(not_after_seconds=5))
    assert not isinstance(raised.value, OrderRefused)
    assert api.orders == ["stop web"]
    assert clock.monotonic_seconds() <= 30


def test_a_stop_that_was_refused_is_not_waited_for() -> None:
    class Refusing(FakeApi):
        def stop_program(self, program: str, *, timeout_seconds: float) -> None:
            raise OrderRefused("supervisord refused stopProcess of web: BAD_NAME: web.")

    api, clock = Refusing(api_with().info), FakeClock()
    with pytest.raises(OrderRefused, match="BAD_NAME"):
        server_with(api, clock=clock).service_manager.restart(an_order(not_after_seconds=5))
    assert (api.orders, clock.monotonic_seconds()) == ([], 0)
