"""A worker process that is told to stop: once, it finishes; twice, it leaves at once, and another has its incidents."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.endpoint import MANNERS, StubEndpoint
from tests.house import WELL, record, write_house
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import client_of, let_time_pass, running_valkey
from worker.contract.queue import OPEN_INCIDENTS, RESULTS_STREAM

pytestmark = pytest.mark.integration

FIRSTLINE: Final = (sys.executable, "-m", "worker.cli", "worker")
CELERY: Final = (sys.executable, "-m", "celery", "-A", "worker", "worker", "--loglevel=INFO")
_DIES_WHEN_IT_STARTS_TO_CONSUME: Final = """
import sys
from worker import broker, cli
broker.QoS.restore_visible = lambda *_, **__: 1 / 0
sys.argv[1:] = ["worker"]
cli.main()
"""
BROKEN: Final = (sys.executable, "-c", _DIES_WHEN_IT_STARTS_TO_CONSUME)
LEASES_ARE_OVER_SECONDS: Final = 120


@dataclass
class Site:
    redis: Any
    log: Path
    environment: dict[str, str]
    slow_model: StubEndpoint
    quick_model: StubEndpoint

    @contextmanager
    def worker(self, *command: str, model: StubEndpoint, name: str) -> Iterator["subprocess.Popen[bytes]"]:
        speaking_to = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "made-up", "FIRSTLINE_WORKER_NAME": name}
        with running(*command, environment=self.environment | speaking_to, log=self.log) as worker:
            yield worker

    def has_results(self, count: int) -> Callable[[], bool]:
        return lambda: bool(self.redis.xlen(RESULTS_STREAM) == count)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    record(tmp_path / "web-server-01", WELL, "INFO 200 GET /\n")
    house = write_house(tmp_path, {"web-server-01": "web"})
    with (
        running_valkey(tmp_path) as port,
        client_of(port) as redis,
        StubEndpoint(MANNERS["sane"], delay_seconds=20) as slow,
        StubEndpoint(MANNERS["sane"]) as quick,
    ):
        environment = environment_of(house | {"redis_url": f"redis://127.0.0.1:{port}/0"})
        yield Site(redis, tmp_path / "worker.log", environment, slow, quick)


@pytest.mark.parametrize(
    ("command", "signals"),
    [
        (FIRSTLINE, [signal.SIGTERM, signal.SIGTERM]),
        (FIRSTLINE, [signal.SIGINT, signal.SIGINT]),
        (CELERY, [signal.SIGTERM, signal.SIGINT]),
        (CELERY, [signal.SIGQUIT]),
    ],
    ids=["TERM TERM", "INT INT", "celery TERM INT", "celery QUIT"],
)
def test_a_second_signal_ends_a_worker_at_once_and_another_resumes_its_incident(
    site: Site, command: tuple[str, ...], signals: list[signal.Signals]
) -> None:
    assert firstline("submit", "web-server-01 is slow", environment=site.environment).returncode == 0
    with site.worker(*command, model=site.slow_model, name="first") as worker:
        wait_until(lambda: site.slow_model.in_flight > 0, seconds=30, log=site.log)
        for number, then in zip(signals, [*("worker.stopping",) * (len(signals) - 1), ""], strict=True):
            worker.send_signal(number)
            wait_until(lambda then=then: then in site.log.read_text(), seconds=10, log=site.log)  # type: ignore[misc]
        assert worker.wait(5) == 128 + signals[-1]
    log = site.log.read_text()
    assert (log.count("worker.left_at_once"), "Traceback" in log) == (1, False), log[-3000:]
    assert site.redis.zcard(OPEN_INCIDENTS) == 1

    let_time_pass(site.redis, LEASES_ARE_OVER_SECONDS)
    with site.worker(*FIRSTLINE, model=site.quick_model, name="second"):
        wait_until(site.has_results(1), seconds=40, log=site.log)
    ((_, fields),) = site.redis.xrange(RESULTS_STREAM)
    assert '"worker":"second"' in fields["result"]
    assert '"epoch":2' in fields["result"]


def test_one_signal_lets_the_running_triage_finish(site: Site) -> None:
    with (
        StubEndpoint(MANNERS["sane"], delay_seconds=1) as model,
        site.worker(*FIRSTLINE, model=model, name="only") as worker,
    ):
        assert firstline("submit", "web-server-01 is slow", environment=site.environment).returncode == 0
        wait_until(lambda: model.in_flight > 0, seconds=30, log=site.log)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert site.has_results(1)()


def test_a_worker_that_dies_of_an_exception_does_not_exit_with_0(site: Site) -> None:
    with site.worker(*BROKEN, model=site.quick_model, name="broken") as worker:
        assert worker.wait(30) == 1
    assert "ZeroDivisionError" in site.log.read_text()


def test_a_worker_warns_of_a_redis_that_can_lose_what_was_accepted(site: Site) -> None:
    site.redis.config_set("appendfsync", "everysec")
    with site.worker(*FIRSTLINE, model=site.quick_model, name="only"):
        wait_until(lambda: "redis.not_as_needed" in site.log.read_text(), seconds=20, log=site.log)
    assert "appendfsync is everysec, not always" in site.log.read_text()
