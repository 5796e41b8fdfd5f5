"""The lab fleet: each server's trouble is real, and so is what a restart does about it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import an_incident
from tests.infrastructure.demo_extra import require_demo_extra
from worker.clock import SystemClock
from worker.contract.observations import CPU_PRESSURE_PERCENT, HealthReading, ServiceStatus
from worker.errors import ConfigurationError
from worker.infrastructure import Inventory
from worker.lab import LAB_SERVERS, LabFleet
from worker.ports import RestartOrder, Server
from worker.triage.log_reading import LogReading

pytestmark = pytest.mark.integration
CLOCK = SystemClock()


@pytest.fixture(autouse=True)
def _demo_extra() -> None:
    require_demo_extra("psutil", "supervisor")


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    """A fleet in trouble; a test that restarts a server uses one that no other test needs sick."""
    require_demo_extra("psutil", "supervisor")
    began = time.monotonic()
    with LabFleet(tmp_path_factory.mktemp("lab 100 %")) as fleet:
        fleet.make_trouble()
        assert time.monotonic() - began < 20, "start and trouble take about 5 s on an idle machine"
        yield Inventory.load(fleet.inventory_file, CLOCK, environment=fleet.environment)


def server_of(inventory: Inventory, server_id: str) -> Server:
    server = inventory.server_of(an_incident(server_id=server_id))
    assert isinstance(server, Server)
    return server


def restart(server: Server) -> None:
    not_after = CLOCK.now() + timedelta(seconds=30)
    server.service_manager.restart(
        RestartOrder(incident_id="inc-1", fence=1, not_after=not_after, give_up_at=CLOCK.monotonic_seconds() + 30)
    )


def health_that(server: Server, is_so: Callable[[HealthReading], bool]) -> HealthReading:
    """Read until a reading is so; on a busy machine one look may catch a pause."""
    deadline = time.monotonic() + 20
    while not is_so(reading := server.health.read_health()):
        assert time.monotonic() < deadline, f"never seen; last reading: {reading}"
    return reading


def is_bound(reading: HealthReading) -> bool:
    return reading.cpu_percent is not None and reading.cpu_percent >= CPU_PRESSURE_PERCENT


def log_of(server: Server) -> str:
    return "\n".join(server.logs.read_log_tail(lines=400).lines)


def session_of(pid: int) -> list[int]:
    """Return the living processes of a session, without zombies that nobody has reaped yet."""
    listed = subprocess.run(["ps", "-eo", "pid=,sess=,stat="], capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return [int(row[0]) for row in rows if row[1] == str(pid) and not row[2].startswith("Z")]


def test_the_well_server_is_well(troubled: Inventory) -> None:
    server = server_of(troubled, "web-server-03")
    assert server.health.read_health().is_good
    assert LogReading.of(server.logs.read_log_tail(lines=400)).findings().error_lines == 0


def test_the_search_server_is_idle_and_its_log_names_the_backend(troubled: Inventory) -> None:
    server = server_of(troubled, "search-index-09")
    assert server.health.read_health().is_good
    assert LogReading.of(server.logs.read_log_tail(lines=400)).findings().dependency_failures
    restart(server)
    deadline = time.monotonic() + 10
    while "Connection refused" not in server.logs.read_log_tail(lines=1).lines[0]:
        assert time.monotonic() < deadline, "a restart must not bring the backend back"


def test_the_payment_server_is_bound_and_recovers_by_a_restart(troubled: Inventory) -> None:
    server = server_of(troubled, "payment-server-01")
    assert health_that(server, is_bound).status is ServiceStatus.RUNNING
    assert "worker threads exhausted" in log_of(server)
    assert "request timed out" in log_of(server)
    restart(server)
    assert [server.health.read_health().is_good for _ in range(3)] == [True] * 3


def test_the_auth_server_s_memory_is_nearly_spent_and_a_restart_frees_it(troubled: Inventory) -> None:
    server = server_of(troubled, "auth-server-02")
    sick = server.health.read_health()
    assert sick.memory_percent is not None
    assert 90 <= sick.memory_percent <= 100
    assert "session cache" in log_of(server)
    restart(server)
    assert server.health.read_health().is_good


def test_the_report_server_is_bound_again_after_a_restart(troubled: Inventory) -> None:
    server = server_of(troubled, "report-server-04")
    health_that(server, is_bound)
    restart(server)
    assert server.health.read_health().is_good, "it looks well at first"
    assert health_that(server, is_bound).service_started_at is not None


def test_the_cache_server_has_ended_and_comes_up_by_a_restart(troubled: Inventory) -> None:
    server = server_of(troubled, "cache-server-05")
    ended = server.health.read_health()
    assert ended.status is ServiceStatus.STOPPED
    assert ended.figures["exit_status"] == 70
    assert "fatal: slab overrun" in log_of(server)
    restart(server)
    assert server.health.read_health().is_good


@pytest.mark.parametrize("server_id", ["payment-server-01", "auth-server-02", "report-server-04", "cache-server-05"])
def test_the_log_of_a_server_that_may_be_restarted_shows_no_dependency_failure(
    troubled: Inventory, server_id: str
) -> None:
    findings = LogReading.of(server_of(troubled, server_id).logs.read_log_tail(lines=400)).findings()
    assert findings.dependency_failures == ()


def test_no_program_is_left_after_a_stop_and_a_second_stop_does_nothing(tmp_path: Path) -> None:
    fleet = LabFleet(tmp_path)
    fleet.start()
    session = fleet.pid
    assert session is not None
    assert len(session_of(session)) == 1 + len(LAB_SERVERS)
    fleet.stop()
    fleet.stop()
    assert session_of(session) == []


def test_no_program_is_left_when_supervisord_was_killed(tmp_path: Path) -> None:
    with LabFleet(tmp_path) as fleet:
        session = fleet.pid
        assert session is not None
        os.kill(session, signal.SIGKILL)
    assert session_of(session) == []


@pytest.mark.parametrize("seconds_after_spawn", [0.0, 0.3, 0.7, 1.0])
def test_no_program_is_left_when_the_fleet_is_stopped_while_it_starts(
    tmp_path: Path, seconds_after_spawn: float
) -> None:
    fleet = LabFleet(tmp_path)
    outcomes: list[BaseException | None] = []

    def start() -> None:
        try:
            fleet.start()
        except ConfigurationError as error:
            outcomes.append(error)
        else:
            outcomes.append(None)

    starting = threading.Thread(target=start)
    starting.start()
    deadline = time.monotonic() + 10
    while (session := fleet.pid) is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(seconds_after_spawn)
    fleet.stop()
    starting.join(timeout=20)
    assert isinstance(outcomes[0], ConfigurationError)
    assert session_of(session) == []


def test_a_fleet_that_can_t_start_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.lab._SCRIPT", tmp_path / "deploy" / "lab" / "lab_server.py")
    fleet = LabFleet(tmp_path)
    with pytest.raises(ConfigurationError, match="clone the repository"):
        fleet.start()
    assert fleet.pid is None


def test_the_password_is_in_no_argument_and_in_no_file_that_others_can_read(tmp_path: Path) -> None:
    with LabFleet(tmp_path) as fleet:
        (password,) = fleet.environment.values()
        with_password = [
            path for path in tmp_path.rglob("*") if path.is_file() and password.encode() in path.read_bytes()
        ]
        assert [path.name for path in with_password] == ["supervisord.conf"]
        assert with_password[0].stat().st_mode & 0o077 == 0
        if sys.platform == "linux":
            assert password not in Path(f"/proc/{fleet.pid}/cmdline").read_text()
