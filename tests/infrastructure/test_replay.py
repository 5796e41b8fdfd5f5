"""Recorded infrastructure: readings in order, restarts on record, and broken recordings named."""

import json
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import START, FakeClock
from worker.contract.observations import ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.replay import ReplayedServer
from worker.ports import RestartOrder

SICK = {
    "status": "running",
    "cpu_percent": 98.0,
    "memory_percent": 41.0,
    "threads": 200,
    "zone": "b",
    "is_leader": True,
}
WELL = {"status": "running", "cpu_percent": 4, "memory_percent": 20.5}


def recorded(
    folder: Path, health: object, *, after_restart: object = None, log: str = "INFO ready\n"
) -> ReplayedServer:
    write_health(folder, health)
    (folder / "service.log").write_text(log)
    if after_restart is not None:
        write_health(folder / "after_restart", after_restart)
    return ReplayedServer("payment-server-01", folder=folder, clock=FakeClock())


def write_health(folder: Path, health: object) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "health.json").write_text(health if isinstance(health, str) else json.dumps(health))


def an_order(*, not_after_seconds: float = 30, fence: int = 7) -> RestartOrder:
    not_after = START + timedelta(seconds=not_after_seconds)
    return RestartOrder(incident_id="inc-1", fence=fence, not_after=not_after, give_up_at=not_after_seconds)


def cpu_figures(server: ReplayedServer, *, reads: int) -> list[float | None]:
    return [server.read_health().cpu_percent for _ in range(reads)]


def test_a_reading_has_the_recorded_figures(tmp_path: Path) -> None:
    reading = recorded(tmp_path, SICK).read_health()
    assert reading.status is ServiceStatus.RUNNING
    assert (reading.cpu_percent, reading.memory_percent) == (98.0, 41.0)
    assert reading.figures == {"threads": 200, "zone": "b", "is_leader": True}
    assert reading.service_started_at is None
    assert reading.observed_at == START


def test_successive_readings_walk_through_a_list_and_the_last_repeats(tmp_path: Path) -> None:
    server = recorded(tmp_path, [WELL | {"cpu_percent": cpu} for cpu in (10, 50, 90)])
    assert cpu_figures(server, reads=5) == [10, 50, 90, 90, 90]


def test_another_worker_goes_on_where_the_first_one_stopped(tmp_path: Path) -> None:
    first = recorded(tmp_path, [WELL | {"cpu_percent": cpu} for cpu in (10, 50, 90)])
    second = ReplayedServer("payment-server-01", folder=tmp_path, clock=FakeClock())
    assert [*cpu_figures(first, reads=1), *cpu_figures(second, reads=1)] == [10, 50]


def test_threads_never_get_the_same_reading(tmp_path: Path) -> None:
    server = recorded(tmp_path, [WELL | {"cpu_percent": cpu} for cpu in range(200)])
    together = threading.Barrier(8)

    def read() -> list[float | None]:
        together.wait()
        return cpu_figures(server, reads=20)

    with ThreadPoolExecutor(8) as pool:
        readings = [figure for pending in [pool.submit(read) for _ in range(8)] for figure in pending.result()]
    assert sorted(figure for figure in readings if figure is not None) == list(range(160))


def _read_in_another_process(folder: Path) -> None:
    cpu_figures(ReplayedServer("payment-server-01", folder=folder, clock=FakeClock()), reads=20)


def test_processes_share_the_position(tmp_path: Path) -> None:
    server = recorded(tmp_path, [WELL | {"cpu_percent": cpu} for cpu in range(200)])
    spawning = multiprocessing.get_context("spawn")
    readers = [spawning.Process(target=_read_in_another_process, args=(tmp_path,)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(timeout=30)
    assert [reader.exitcode for reader in readers] == [0, 0]
    assert server.read_health().cpu_percent == 40


def test_a_restart_is_recorded_with_its_fence(tmp_path: Path) -> None:
    recorded(tmp_path, SICK).restart(an_order())
    (line,) = (tmp_path / "restarts.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "at": "2026-01-01T03:00:00Z",
        "incident_id": "inc-1",
        "fence": 7,
        "server_id": "payment-server-01",
    }


def test_after_a_restart_its_own_recording_is_read(tmp_path: Path) -> None:
    server = recorded(tmp_path, SICK, after_restart=[WELL, SICK])
    (tmp_path / "after_restart" / "service.log").write_text("INFO started again\n")
    assert server.read_log_tail(lines=9).lines == ("INFO ready",)
    server.restart(an_order())
    assert cpu_figures(server, reads=3) == [4, 98, 98]
    assert server.read_log_tail(lines=9).lines == ("INFO started again",)


def test_a_recorded_log_says_that_its_times_are_of_a_recording(tmp_path: Path) -> None:
    assert recorded(tmp_path, SICK).read_log_tail(lines=9).is_recorded


def test_without_a_recording_of_its_own_the_time_after_a_restart_looks_as_before(tmp_path: Path) -> None:
    server = recorded(tmp_path, SICK)
    server.restart(an_order())
    assert server.read_health().cpu_percent == 98
    assert server.read_health().service_started_at == START
    assert server.read_log_tail(lines=9).lines == ("INFO ready",)


def test_an_order_past_its_time_restarts_nothing(tmp_path: Path) -> None:
    server = recorded(tmp_path, SICK)
    with pytest.raises(SourceUnavailable, match="too old; nothing was restarted"):
        server.restart(an_order(not_after_seconds=-1))
    assert not (tmp_path / "restarts.jsonl").exists()


@pytest.mark.parametrize(
    ("health", "complaint"),
    [
        ("{", r"health\.json is not JSON: .*line 1"),
        ("[" * 100_000, r"health\.json is not JSON"),
        ("[]", r"health\.json: List should have at least 1 item"),
        ("3", r"health\.json: 0: Input should be a valid dictionary"),
        ('{"status": "running", "cpu_percent": NaN, "memory_percent": 1}', r"0\.cpu_percent: .*finite"),
        ('{"status": "running", "cpu_percent": 1e999, "memory_percent": 1}', r"0\.cpu_percent: .*finite"),
        (WELL | {"cpu_percent": "98"}, r"0\.cpu_percent: .*number"),
        (WELL | {"cpu_percent": True}, r"0\.cpu_percent: .*number"),
        (WELL | {"memory_percent": -1}, r"0\.memory_percent: .*greater than or equal to 0"),
        ([WELL, WELL | {"status": "fine"}], r"1\.status: .*'running', 'stopped' or 'degraded'"),
        ({"status": "running", "cpu_percent": 1}, r"0\.memory_percent: Field required"),
        (WELL | {"disks": {"sda": 1}}, r"0\.disks"),
        ('{"status": "running", "cpu_percent": 1, "memory_percent": 1, "load": NaN}', r"0\.load"),
    ],
)
def test_a_broken_recording_is_named_by_file_and_key(tmp_path: Path, health: object, complaint: str) -> None:
    server = recorded(tmp_path, health)
    with pytest.raises(SourceUnavailable, match=complaint):
        server.read_health()


def test_a_figure_that_could_not_be_read_is_null_and_proves_nothing(tmp_path: Path) -> None:
    reading = recorded(tmp_path, WELL | {"cpu_percent": None}).read_health()
    assert reading.cpu_percent is None
    assert not reading.is_good


def test_missing_files_are_named(tmp_path: Path) -> None:
    server = ReplayedServer("payment-server-01", folder=tmp_path / "gone", clock=FakeClock())
    with pytest.raises(SourceUnavailable, match=r"gone/health\.json"):
        server.read_health()
    with pytest.raises(SourceUnavailable, match=r"gone/service\.log"):
        server.read_log_tail(lines=1)
    with pytest.raises(SourceUnavailable, match=r"may not be recorded: .*gone/restarts\.jsonl"):
        server.restart(an_order())


def test_a_torn_record_of_restarts_is_named_by_its_line(tmp_path: Path) -> None:
    server = recorded(tmp_path, SICK)
    server.restart(an_order())
    with (tmp_path / "restarts.jsonl").open("a") as file:
        file.write('{"at": "2026-')
    with pytest.raises(SourceUnavailable, match=r"restarts\.jsonl, line 2"):
        server.read_health()


def test_a_broken_position_says_what_to_do(tmp_path: Path) -> None:
    server = recorded(tmp_path, [WELL, SICK])
    (tmp_path / ".health_position").write_text("half")
    with pytest.raises(SourceUnavailable, match="delete the file"):
        server.read_health()
