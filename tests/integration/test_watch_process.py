"""`firstline watch` against a real Prometheus: told before the limit is crossed, once, and only for what is real."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.integration.exporter import backfill, running_exporter
from tests.integration.monitoring import free_port, get_json, running_prometheus
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import client_of, running_valkey
from worker.contract import Incident, IncidentKind
from worker.contract.queue import OPEN_INCIDENTS, incident_key

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[2] / "deploy" / "trends.example.toml"
LIMIT = 90
FILE = f"""
[trends.memory]
kind = "linear"
query = "memory_percent"
limit = {LIMIT}
worse = "above"
window_seconds = 25
within_seconds = 60
text = "$server uses $value %; $limit % in $time_left"
"""


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    with running_valkey(tmp_path) as port:
        yield port


def environment(redis_port: int) -> dict[str, str]:
    return environment_of({"redis_url": f"redis://127.0.0.1:{redis_port}/0"})


def watch_once(url: str, trends: Path, redis_port: int) -> subprocess.CompletedProcess[bytes]:
    arguments = ("watch", "--prometheus", url, "--trends", str(trends), "--once", "--json")
    return firstline(*arguments, environment=environment(redis_port))


def verdicts_in(output: bytes) -> list[dict[str, Any]]:
    return [said for line in output.splitlines() if "incident_id" in (said := json.loads(line))]


def incidents_of(redis: "Redis") -> list[Incident]:
    ids = redis.zrange(OPEN_INCIDENTS, 0, -1)
    return [Incident.model_validate_json(str(redis.hget(incident_key(str(each)), "incident"))) for each in ids]


def present_value(url: str, host: str) -> float:
    found = get_json(f"{url}/api/v1/query?query=memory_percent{{host='{host}'}}")["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def moving(seconds: float) -> Mapping[str, float]:
    noise = random.Random(int(seconds * 1000))
    return {
        'memory_percent{host="leaking"}': min(100, 50 + 0.6 * seconds + noise.gauss(0, 0.3)),
        'memory_percent{host="flat"}': 60,
        'memory_percent{host="noisy"}': 70 + noise.gauss(0, 4),
        'memory_percent{host="past"}': 95 + 0.01 * seconds,
    }


def test_a_leak_is_told_before_it_reaches_the_limit_once_by_two_watchers_and_over_a_restart(
    tmp_path: Path, redis_port: int
) -> None:
    trends, log = tmp_path / "trends.toml", tmp_path / "watch.log"
    trends.write_text(FILE)
    arguments = ("--trends", str(trends), "--interval", "1", "--json")
    with (
        running_exporter(moving) as address,
        running_prometheus(tmp_path / "prometheus", scrape=[address]) as url,
        client_of(redis_port) as redis,
    ):
        command = (sys.executable, "-m", "worker.cli", "watch", "--prometheus", url, *arguments)
        settings = environment(redis_port)
        with (
            running(*command, environment=settings, log=log) as first,
            running(*command, environment=settings, log=tmp_path / "second.log") as second,
        ):
            wait_until(lambda: bool(incidents_of(redis)), seconds=60, log=log)
            assert present_value(url, "leaking") < LIMIT
            wait_until(lambda: present_value(url, "leaking") > LIMIT, seconds=60, log=log)
        assert (first.returncode, second.returncode) == (0, 0), log.read_text()[-3000:]
        again = watch_once(url, trends, redis_port)
        assert (again.returncode, verdicts_in(again.stdout)) == (0, [])

        (incident,) = incidents_of(redis)
        assert incident.kind is IncidentKind.TREND
        assert (incident.server_id, incident.source) == ("leaking", "trend")
        assert f"; {LIMIT} % in " in incident.text
        told = verdicts_in(log.read_bytes()) + verdicts_in((tmp_path / "second.log").read_bytes())
        assert [verdict["answer"] for verdict in told] == ["accepted"]


def filesystem(name: str, host: str) -> str:
    return f'{name}{{instance="{host}:9100",mountpoint="/var",fstype="ext4"}}'


def memory_available(second: float) -> Mapping[str, float]:
    noise = random.Random(int(second))
    # A leak, from 65 % to 82.5 % used in seven hours: five more to 95 %.
    leaking = {
        'node_memory_MemAvailable_bytes{instance="leaking:9100"}': 35 - 2.5 * second / 3600 + noise.gauss(0, 0.1)
    }
    saw = {
        f'node_memory_MemAvailable_bytes{{instance="saw-{number}:9100"}}': 40 - (second / 60 + 7 * number) % 40
        for number in range(20)
    }
    noisy = {
        f'node_memory_MemAvailable_bytes{{instance="noisy-{number}:9100"}}': 20 + noise.gauss(0, 3)
        for number in range(20)
    }
    return leaking | saw | noisy


def memory_total(second: float) -> Mapping[str, float]:
    return {series.replace("MemAvailable", "MemTotal"): 100 for series in memory_available(second)}


def disk_available(second: float) -> Mapping[str, float]:
    filling = {filesystem("node_filesystem_avail_bytes", "filling"): 4e10 - 2.5e9 * second / 3600}
    return filling | {filesystem("node_filesystem_avail_bytes", "flat"): 3e10}


def disk_size(_: float) -> Mapping[str, float]:
    return {filesystem("node_filesystem_size_bytes", host): 1e11 for host in ("filling", "flat")}


def requests(second: float) -> Mapping[str, float]:
    return {
        'http_requests_total{instance="failing:80",job="web",code="200"}': 10 * second,
        'http_requests_total{instance="failing:80",job="web",code="500"}': second,
        'http_requests_total{instance="well:80",job="web",code="200"}': 10 * second,
        'http_requests_total{instance="well:80",job="web",code="500"}': 0.01 * second,
    }


def container_starts(second: float) -> Mapping[str, float]:
    return {
        'container_start_time_seconds{instance="node-1:8080",name="flapping"}': second // 600,
        'container_start_time_seconds{instance="node-2:8080",name="steady"}': second // 7200,
    }


def test_the_example_tells_four_sick_servers_of_hours_of_data_and_no_other(tmp_path: Path, redis_port: int) -> None:
    families = {
        "container_start_time_seconds": ("gauge", container_starts),
        "http_requests": ("counter", requests),
        "node_filesystem_avail_bytes": ("gauge", disk_available),
        "node_filesystem_size_bytes": ("gauge", disk_size),
        "node_memory_MemAvailable_bytes": ("gauge", memory_available),
        "node_memory_MemTotal_bytes": ("gauge", memory_total),
    }
    backfill(tmp_path / "prometheus", families, hours=7)
    with running_prometheus(tmp_path / "prometheus") as url:
        done = watch_once(url, EXAMPLE, redis_port)
        again = watch_once(url, EXAMPLE, redis_port)
    assert done.returncode == 0, done.stderr.decode()
    told = {verdict["server_id"]: verdict["text"] for verdict in verdicts_in(done.stdout)}
    assert set(told) == {"leaking", "filling", "failing", "node-1"}, told
    assert "it reaches 95 % in " in told["leaking"]
    assert "disk /var of filling" in told["filling"]
    assert "container flapping" in told["node-1"]
    assert verdicts_in(again.stdout) == []


def test_what_can_t_be_asked_is_said_with_an_exit_code(tmp_path: Path, redis_port: int) -> None:
    trends = tmp_path / "trends.toml"
    trends.write_text(FILE)
    nowhere = f"http://127.0.0.1:{free_port()}"
    done = watch_once(nowhere, trends, redis_port)
    assert done.returncode == 1
    assert f"{nowhere}/api/v1/query can't be reached" in done.stderr.decode()

    trends.write_text(FILE.replace('"memory_percent"', '"memory_percent)"'))
    with running_prometheus(tmp_path / "prometheus") as url:
        done = watch_once(url, trends, redis_port)
    assert done.returncode == 1
    assert "memory: " in done.stderr.decode()
    assert "parse error" in done.stderr.decode()

    trends.write_text("[trends.memory]\nkind = 1\n")
    done = watch_once(nowhere, trends, redis_port)
    assert done.returncode == 2
    assert "trends.memory" in done.stderr.decode()
