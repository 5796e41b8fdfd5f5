"""A recorded restart that takes time or fails, by `restart.json`: the effects log that the fault suite believes."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import START, FakeClock
from tests.house import SICK, WELL, record
from worker.errors import SourceUnavailable
from worker.infrastructure.replay import ReplayedServer
from worker.ports import RestartOrder


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(tmp_path: Path, clock: FakeClock) -> ReplayedServer:
    record(tmp_path / "web-1", SICK, "WARNING hung\n", after_restart=WELL)
    return ReplayedServer("web-1", folder=tmp_path / "web-1", clock=clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "web-1"


def order(*, seconds: float = 30) -> RestartOrder:
    not_after = START + timedelta(seconds=seconds)
    return RestartOrder(incident_id="inc-1", fence=7, not_after=not_after, give_up_at=seconds)


def noted(folder: Path) -> list[dict[str, object]]:
    path = folder / "restarts.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_restart_that_takes_time_is_noted_with_its_start_and_its_end(
    server: ReplayedServer, folder: Path, clock: FakeClock
) -> None:
    (folder / "restart.json").write_text('{"seconds": 0.5}')
    server.restart(order())
    assert clock.elapsed_seconds == 0.5
    (line,) = noted(folder)
    assert (line["at"], line["done_at"]) == ("2026-01-01T03:00:00Z", "2026-01-01T03:00:00.500000Z")


def test_it_is_on_disk_before_the_caller_waits_for_its_end(folder: Path) -> None:
    """Whoever dies while waiting must not hide a restart that goes on without it."""
    seen: list[int] = []

    class WatchedClock(FakeClock):
        def sleep(self, seconds: float) -> None:
            seen.append(len(noted(folder)))

    record(folder, SICK, "")
    (folder / "restart.json").write_text('{"seconds": 0.5}')
    ReplayedServer("web-1", folder=folder, clock=WatchedClock()).restart(order())
    assert seen == [1]


def test_until_it_is_over_health_is_as_it_was(server: ReplayedServer, folder: Path, clock: FakeClock) -> None:
    (folder / "restart.json").write_text('{"seconds": 5}')
    server.restart(order())
    clock.elapsed_seconds = 4
    assert not server.read_health().is_good
    clock.elapsed_seconds = 5
    assert server.read_health().is_good
    assert server.read_health().service_started_at == START + timedelta(seconds=5)


def test_one_that_fails_before_it_happens_leaves_no_note(server: ReplayedServer, folder: Path) -> None:
    (folder / "restart.json").write_text('{"seconds": 0.5, "fails": "before"}')
    with pytest.raises(SourceUnavailable, match="web-1 failed"):
        server.restart(order())
    assert noted(folder) == []
    assert not server.read_health().is_good


def test_one_that_is_called_a_failure_after_it_happened_is_noted(server: ReplayedServer, folder: Path) -> None:
    (folder / "restart.json").write_text('{"seconds": 0.5, "fails": "after"}')
    with pytest.raises(SourceUnavailable, match="web-1 failed"):
        server.restart(order())
    assert len(noted(folder)) == 1
    assert server.read_health().is_good


def test_an_order_past_its_time_is_refused_whatever_the_recording_says(server: ReplayedServer, folder: Path) -> None:
    (folder / "restart.json").write_text('{"seconds": 0.5}')
    with pytest.raises(SourceUnavailable, match="too old"):
        server.restart(order(seconds=-1))
    assert noted(folder) == []


@pytest.mark.parametrize("manner", ["{", '{"seconds": -1}', '{"fails": "often"}', '{"second": 1}'])
def test_a_broken_recording_of_restarts_is_named_and_nothing_is_restarted(
    server: ReplayedServer, folder: Path, manner: str
) -> None:
    (folder / "restart.json").write_text(manner)
    with pytest.raises(SourceUnavailable, match=r"restart\.json: "):
        server.restart(order())
    assert noted(folder) == []
