"""The spool as a process on a real Valkey: killed at any moment it keeps every promise, exactly once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from redis import Redis

from producers import Answer
from producers.door import RedisDoor
from producers.settings import ProducerConfigurationError
from producers.spool import open_spool
from producers.spool.pagerduty_events import open_pager
from tests.producers.spool_crash import ALERTS_A_SERVER, alert_of
from tests.producers.spool_fakes import FakeDoor, firing
from tests.programs import environment_of, wait_until
from tests.redis_servers import valkey_fixture
from worker.contract import Severity
from worker.contract.queue import OPEN_INCIDENTS, QUEUES, incident_key, occurrence_key

__all__ = ["valkey_fixture"]

pytestmark = pytest.mark.integration

KILLS: Final = 20
CARELESS_KILLS: Final = 4
LONGEST_LIFE_SECONDS: Final = 0.8
NOBODY_LISTENS: Final = 1
ROOT: Final = Path(__file__).parents[2]


@contextmanager
def producer(directory: Path, port: int, first: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.producers.spool_crash", str(directory), str(port), first, *options]
    program = subprocess.Popen(
        command, cwd=ROOT, env=environment_of({}), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield program
    finally:
        program.kill()
        program.wait()
        if program.stdout:
            program.stdout.close()


def killed_at_random(directory: Path, port: int, kills: int, *options: str) -> set[int]:
    """Return the numbers of the alerts that were promised by producers which were all killed.

    Every second one finds no Redis, and leaves its spool to the next.
    """
    chance = random.Random(1)
    promised = set[int]()
    for life in range(kills):
        first = str(life * 1_000_000)
        with producer(directory, NOBODY_LISTENS if life % 2 else port, first, *options) as program:
            assert program.stdout
            lines = [program.stdout.readline()]
            time.sleep(chance.random() * LONGEST_LIFE_SECONDS)
            program.send_signal(signal.SIGKILL)
            lines += program.stdout.readlines()
        promised.update(int(number) for line in lines if line.endswith("\n") for number in line.split())
    return promised


def drain(directory: Path, port: int) -> None:
    with producer(directory, port, "drain") as program:
        assert program.wait(30) == 0


def segments(directory: Path) -> list[Path]:
    return list(directory.glob("*.jsonl"))


def missing(redis: Redis, promised: set[int]) -> list[int]:
    ids = {number: alert_of(number).incident_id for number in sorted(promised)}
    return [
        number
        for number, incident_id in ids.items()
        if not redis.exists(incident_key(incident_id), occurrence_key(incident_id))
    ]


def assert_each_was_counted_once(redis: Redis) -> None:
    """Each incident has one message, and counts itself and the alerts that are attached to it, none of them twice."""
    incidents = [str(member) for member in redis.zrange(OPEN_INCIDENTS, 0, -1)]
    assert sum(redis.llen(f"celery:{queue}") for queue in QUEUES) == len(incidents)
    attached = Counter(redis.get(key) for key in redis.scan_iter(occurrence_key("*"), count=10_000))
    for incident_id in incidents:
        counted = int(redis.hget(incident_key(incident_id), "occurrences") or 1)
        assert counted == 1 + attached[incident_id]
        assert counted <= ALERTS_A_SERVER


def test_every_promise_of_a_producer_that_is_killed_again_and_again_is_kept_exactly_once(
    tmp_path: Path, valkey: Redis
) -> None:
    port = valkey.connection_pool.connection_kwargs["port"]
    promised = killed_at_random(tmp_path / "spool", port, KILLS)
    drain(tmp_path / "spool", port)
    print(f"{KILLS} kills, {len(promised)} alerts promised")  # noqa: T201 - pytest -rP shows how much was tried
    assert len(promised) > 50 * KILLS
    assert missing(valkey, promised) == []
    assert_each_was_counted_once(valkey)


def test_control_a_spool_that_forgets_alerts_before_they_had_their_verdict_loses_promises(
    tmp_path: Path, valkey: Redis
) -> None:
    port = valkey.connection_pool.connection_kwargs["port"]
    promised = killed_at_random(tmp_path / "spool", port, CARELESS_KILLS, "--careless")
    drain(tmp_path / "spool", port)
    assert missing(valkey, promised)


def test_while_redis_refuses_alerts_are_spooled_and_afterwards_they_are_taken_in(tmp_path: Path, valkey: Redis) -> None:
    alerts = [firing(number) for number in range(1000)]
    valkey.config_set("maxmemory", 1)
    with open_spool(tmp_path / "spool", RedisDoor(valkey)) as spool:
        verdicts = [verdict for start in range(0, 1000, 100) for verdict in spool.take_in(alerts[start : start + 100])]
        assert {verdict.answer for verdict in verdicts} == {Answer.SPOOLED}
        wait_until(lambda: spool.outage_seconds() is not None, seconds=5)
        assert spool.unready() is None
        valkey.config_set("maxmemory", 0)
        wait_until(lambda: int(valkey.zcard(OPEN_INCIDENTS)) == 1000, seconds=10)
        wait_until(lambda: not segments(tmp_path / "spool"), seconds=10)
        assert spool.outage_seconds() is None


def test_alerts_from_many_threads_are_each_shipped_once_and_those_of_a_thread_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.spool.series.SEGMENT_BYTES", 20_000)
    door = FakeDoor()
    threads, each = 8, 100
    with open_spool(tmp_path, door) as spool, ThreadPoolExecutor(threads) as pool:
        mine = [[firing(thread * each + number) for number in range(each)] for thread in range(threads)]
        told = list(pool.map(lambda alerts: [spool.take_in([alert])[0].answer for alert in alerts], mine))
        assert told == [[Answer.SPOOLED] * each] * threads
        wait_until(lambda: not segments(tmp_path), seconds=20)
    assert [alert for batch in door.batches for alert in batch] == door.taken
    for alerts in mine:
        assert [alert for alert in door.taken if alert in alerts] == alerts


def test_critical_alerts_reach_the_pager_from_a_running_spool(
    tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("producers.spool.direct_escalation.PATIENCE_SECONDS", 0.0)
    httpserver.expect_request("/v2/enqueue").respond_with_data(status=202)
    door = FakeDoor()
    door.is_away = True
    key = SecretStr("a-routing-key")
    with open_pager(httpserver.url_for("/v2/enqueue"), key) as pager, open_spool(tmp_path, door, pager=pager) as spool:
        spool.take_in([firing(1, Severity.CRITICAL), firing(2), firing(3, Severity.CRITICAL)])
        wait_until(lambda: len(httpserver.log) == 2, seconds=10)
    sent = [request.get_json()["payload"]["source"] for request, _ in httpserver.log]
    assert sent == ["server-1", "server-3"]


def test_a_directory_that_another_process_has_is_refused_and_free_again_once_that_is_killed(
    tmp_path: Path, valkey: Redis
) -> None:
    port = valkey.connection_pool.connection_kwargs["port"]
    with producer(tmp_path / "spool", port, "0") as program:
        assert program.stdout
        program.stdout.readline()
        second = open_spool(tmp_path / "spool", FakeDoor())
        with pytest.raises(ProducerConfigurationError, match="in use by another process"):
            second.__enter__()
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        with open_spool(tmp_path / "spool", FakeDoor()):
            pass
