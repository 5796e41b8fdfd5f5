"""What every way to a server must keep, over the recordings and over a real supervisord."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import an_incident
from tests.infrastructure.demo_extra import require_demo_extra
from worker.clock import SystemClock
from worker.contract.observations import ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure import Inventory
from worker.lab import LabFleet
from worker.ports import RestartOrder, Server

CLOCK = SystemClock()


@dataclass(frozen=True)
class Subject:
    """A server that runs and has logged a few lines, one whose target does not exist, and its known figures."""

    server: Server
    broken: Server
    figures: frozenset[str]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    require_demo_extra("psutil", "supervisor")
    with LabFleet(tmp_path_factory.mktemp("lab")) as fleet:
        yield fleet


@pytest.fixture(params=["replay", pytest.param("supervisord", marks=pytest.mark.integration)])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    if request.param == "replay":
        return replayed_subject(tmp_path)
    return supervised_subject(request.getfixturevalue("lab"))


def replayed_subject(folder: Path) -> Subject:
    for server_id in ("web-01", "broken"):
        (folder / "replay" / server_id).mkdir(parents=True)
    health = {"status": "running", "cpu_percent": 12.5, "memory_percent": 40, "threads": 8}
    (folder / "replay" / "web-01" / "health.json").write_text(json.dumps(health))
    (folder / "replay" / "web-01" / "service.log").write_text("one\ntwo\nthree\nfour\n")
    (folder / "inventory.toml").write_text(
        '[systems.recorded]\nkind = "replay"\nfolder = "replay"\n'
        '[servers.web-01]\nservice = "web"\nsystem = "recorded"\n'
        '[servers.broken]\nservice = "web"\nsystem = "recorded"\n'
    )
    inventory = Inventory.load(folder / "inventory.toml", CLOCK)
    subject = Subject(server_of(inventory, "web-01"), server_of(inventory, "broken"), frozenset({"threads"}))
    (folder / "replay" / "broken").rmdir()
    return subject


def supervised_subject(lab: LabFleet) -> Subject:
    path = lab.inventory_file.with_name("with_broken.toml")
    path.write_text(lab.inventory_file.read_text() + '[servers.broken]\nservice = "web"\nsystem = "lab"\n')
    inventory = Inventory.load(path, CLOCK, environment=lab.environment)
    server = server_of(inventory, "search-index-09")
    wait_for_lines(server, count=4)
    figures = frozenset({"memory_mib", "threads", "open_files", "uptime_seconds", "supervisord_state"})
    return Subject(server, server_of(inventory, "broken"), figures)


def server_of(inventory: Inventory, server_id: str) -> Server:
    server = inventory.server_of(an_incident(server_id=server_id))
    assert isinstance(server, Server)
    return server


def wait_for_lines(server: Server, *, count: int) -> None:
    deadline = time.monotonic() + 15
    while len(server.logs.read_log_tail(lines=count).lines) < count:
        assert time.monotonic() < deadline, "the log does not grow"
        time.sleep(0.1)


def an_order(*, not_after_seconds: float) -> RestartOrder:
    not_after = CLOCK.now() + timedelta(seconds=not_after_seconds)
    give_up_at = CLOCK.monotonic_seconds() + not_after_seconds
    return RestartOrder(incident_id="inc-1", fence=1, not_after=not_after, give_up_at=give_up_at)


def test_a_reading_has_its_server_its_time_its_source_and_the_known_figures(subject: Subject) -> None:
    before = CLOCK.now()
    reading = subject.server.health.read_health()
    assert reading.server_id == subject.server.server_id
    assert before <= reading.observed_at <= CLOCK.now()
    assert reading.status is ServiceStatus.RUNNING
    assert reading.cpu_percent is not None
    assert reading.memory_percent is not None
    assert reading.memory_percent > 0
    assert reading.is_good
    assert subject.figures <= set(reading.figures)
    assert reading.source


@pytest.mark.parametrize("lines", [1, 3])
def test_a_log_tail_has_as_many_lines_as_were_asked_for(subject: Subject, lines: int) -> None:
    before = CLOCK.now()
    tail = subject.server.logs.read_log_tail(lines=lines)
    assert len(tail.lines) == lines
    assert tail.older_lines_exist
    assert tail.server_id == subject.server.server_id
    assert before <= tail.observed_at <= CLOCK.now()
    assert tail.source


def test_a_log_tail_has_no_more_lines_than_there_are(subject: Subject) -> None:
    tail = subject.server.logs.read_log_tail(lines=100_000)
    assert 4 <= len(tail.lines) < 100_000
    assert not tail.older_lines_exist


def test_a_restart_shows_in_the_time_of_the_service_s_start(subject: Subject) -> None:
    ordered_at = CLOCK.now()
    earlier = subject.server.health.read_health().service_started_at
    assert earlier is None or earlier < ordered_at
    ordered_at = CLOCK.now()
    subject.server.service_manager.restart(an_order(not_after_seconds=30))
    started_at = subject.server.health.read_health().service_started_at
    assert started_at is not None
    assert ordered_at <= started_at <= CLOCK.now()


def test_an_order_past_its_time_restarts_nothing(subject: Subject) -> None:
    before = subject.server.health.read_health()
    with pytest.raises(SourceUnavailable, match="too old; nothing was restarted"):
        subject.server.service_manager.restart(an_order(not_after_seconds=-0.001))
    after = subject.server.health.read_health()
    assert after.status is ServiceStatus.RUNNING
    if before.service_started_at is None or after.service_started_at is None:
        assert after.service_started_at is before.service_started_at
    else:
        assert abs(after.service_started_at - before.service_started_at) < timedelta(seconds=0.1)


def test_a_target_that_does_not_exist_is_unavailable_in_one_sentence(subject: Subject) -> None:
    for use in (
        subject.broken.health.read_health,
        lambda: subject.broken.logs.read_log_tail(lines=1),
        lambda: subject.broken.service_manager.restart(an_order(not_after_seconds=30)),
    ):
        with pytest.raises(SourceUnavailable) as raised:
            use()
        assert "broken" in str(raised.value)
        assert "\n" not in str(raised.value)


def test_many_threads_may_read_at_once(subject: Subject) -> None:
    with ThreadPoolExecutor(8) as pool:
        readings = [pool.submit(subject.server.health.read_health) for _ in range(16)]
        tails = [pool.submit(subject.server.logs.read_log_tail, lines=2) for _ in range(16)]
        assert {pending.result().status for pending in readings} == {ServiceStatus.RUNNING}
        assert {len(pending.result().lines) for pending in tails} == {2}
