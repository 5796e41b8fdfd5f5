"""The inventory in whole programs: tried and shown on the command line, and read again by a worker on SIGHUP."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Final, cast

import pytest
from redis import Redis

from tests.house import WELL, record, write_house
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import running_valkey
from worker.contract.queue import RESULTS_STREAM

pytestmark = pytest.mark.integration

_SERVER: Final = '\n[servers.{}]\nservice = "web"\nsystem = "recorded"\n'


def test_check_reads_every_server_once_and_says_what_does_not_work(tmp_path: Path) -> None:
    for name in ("web-01", "web-02"):
        record(tmp_path / name, WELL, "INFO 200 GET /\n")
    environment = environment_of(write_house(tmp_path, {"web-01": "web", "web-02": "web"}))
    (tmp_path / "web-02" / "health.json").write_text("{")
    done = firstline("inventory", "check", "--json", environment=environment)
    first, second = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, first["is_whole"], second["is_whole"]) == (1, True, False)
    assert first["health"] == "running, CPU 6 %, memory 22 %"
    assert "is not JSON" in second["health"]
    assert first["restart"] == f"would be noted in {tmp_path}/web-01/restarts.jsonl"
    assert not (tmp_path / "web-01" / "restarts.jsonl").exists()
    table = firstline("inventory", "check", environment=environment | {"COLUMNS": "500"}).stdout.decode()
    assert "web-02" in table
    assert "is not JSON" in table


def test_show_tells_what_is_said_of_a_server(tmp_path: Path) -> None:
    record(tmp_path / "web-01", WELL, "INFO 200 GET /\n")
    environment = environment_of(write_house(tmp_path, {"web-01": "web"}))
    done = firstline("inventory", "show", "web-01", "--json", environment=environment)
    said = json.loads(done.stdout)
    assert (done.returncode, said["restart_policy"], said["system"]) == (0, "auto", "recorded")
    missing = firstline("inventory", "show", "web-09", environment=environment)
    assert (missing.returncode, missing.stdout) == (1, b"")
    assert b"has no server web-09" in missing.stderr


def test_a_mistake_is_told_with_its_key_and_nothing_starts(tmp_path: Path) -> None:
    record(tmp_path / "web-01", WELL, "INFO 200 GET /\n")
    environment = environment_of(write_house(tmp_path, {"web-01": "web"}))
    (tmp_path / "inventory.toml").write_text((tmp_path / "inventory.toml").read_text() + '\ncolour = "red"\n')
    for command in (("inventory", "check"), ("worker",)):
        done = firstline(*command, environment=environment)
        assert done.returncode == 2
        assert b"servers.web-01.colour: unknown key: correct its spelling, or remove it" in done.stderr


def test_a_worker_reads_the_inventory_again_on_sighup_and_keeps_the_old_one_for_a_wrong_one(tmp_path: Path) -> None:
    for name in ("web-01", "web-03"):
        record(tmp_path / name, WELL, "INFO 200 GET /\n")
    house = write_house(tmp_path, {"web-01": "web"})
    log, inventory = tmp_path / "worker.log", tmp_path / "inventory.toml"
    with running_valkey(tmp_path) as port:
        environment = environment_of(house | {"redis_url": f"redis://127.0.0.1:{port}/0"})
        command = (sys.executable, "-m", "worker.cli", "worker")
        with (
            running(*command, environment=environment, log=log) as worker,
            Redis.from_url(environment["FIRSTLINE_REDIS_URL"]) as redis,
        ):
            assert ending_of("web-02", redis, environment, log) == "unknown_server"
            good = inventory.read_text()
            inventory.write_text(good + "\nnonsense")
            hang_up(worker.pid, log, "configuration.not_reloaded")
            assert ending_of("web-01", redis, environment, log) != "unknown_server"
            inventory.write_text(good + _SERVER.format("web-03"))
            hang_up(worker.pid, log, "configuration.reloaded")
            assert ending_of("web-03", redis, environment, log) != "unknown_server"
            assert worker.poll() is None


def hang_up(pid: int, log: Path, event: str) -> None:
    os.kill(pid, signal.SIGHUP)
    wait_until(lambda: event in log.read_text(), seconds=20, log=log)


def ending_of(server_id: str, redis: Redis, environment: dict[str, str], log: Path) -> str:
    """Return how the triage of a new incident of this server ended."""
    before = redis.xlen(RESULTS_STREAM)
    firstline("submit", json.dumps({"server_id": server_id, "error_msg": "slow"}), environment=environment)
    wait_until(lambda: redis.xlen(RESULTS_STREAM) > before, seconds=60, log=log)
    entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", redis.xrevrange(RESULTS_STREAM, count=1))
    return str(json.loads(entries[0][1][b"result"])["ending"])
