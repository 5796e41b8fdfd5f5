"""Whole programs of the product: what they store, print and log holds no secret, and their logs hold no address."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from redis import Redis

from tests.house import WELL, record, write_house
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import running_valkey
from worker.contract.queue import AUDIT_STREAM

pytestmark = pytest.mark.integration

_SECRET: Final = "hunter2-of-the-canary"
_ALERT: Final = {
    "server_id": "web-server-03",
    "error_msg": f"10.1.2.3 refuses password={_SECRET}",
    "labels": {"db_password": _SECRET},
}
_NOBODY: Final = "192.0.2.1"
"""An address of documentation: nothing answers there."""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    record(tmp_path / "web-server-03", WELL, "INFO 200 GET /\n")
    house = write_house(tmp_path, {"web-server-03": "web"})
    with running_valkey(tmp_path) as port:
        yield environment_of(house | {"redis_url": f"redis://127.0.0.1:{port}/0"})


def test_what_is_submitted_is_stored_without_its_secrets_and_shown_masked(environment: dict[str, str]) -> None:
    said = firstline("submit", "--json", json.dumps(_ALERT), environment=environment)
    incident_id = json.loads(said.stdout)["incident_id"]
    with Redis.from_url(environment["FIRSTLINE_REDIS_URL"]) as redis:
        dumped = b"".join(redis.dump(key) or b"" for key in redis.keys("*"))
        assert (b"10.1.2.3" in dumped, _SECRET.encode() in dumped) == (True, False)
        for options in ((), ("--json",)):
            shown = firstline("show", incident_id, *options, environment=environment).stdout.decode()
            assert "[IP_ADDRESS_1] refuses password=[PASSWORD]" in shown
            assert "10.1.2.3" not in shown
        assert redis.xlen(AUDIT_STREAM) == 0


def test_to_reveal_takes_a_reason_and_a_key(environment: dict[str, str]) -> None:
    said = firstline("submit", "--json", json.dumps(_ALERT), environment=environment)
    incident_id = json.loads(said.stdout)["incident_id"]
    for options in (["--reveal"], ["--why", "a test"], ["--reveal", "--why", " "]):
        done = firstline("show", incident_id, *options, environment=environment)
        assert (done.returncode, done.stdout) == (2, b"")
    done = firstline("show", incident_id, "--reveal", "--why", "a test", environment=environment)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"FIRSTLINE_REDACTION_KEYS" in done.stderr


def test_a_worker_s_log_names_no_address(environment: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    away = environment | {"FIRSTLINE_REDIS_URL": f"redis://:{_SECRET}@{_NOBODY}:6379/0"}
    command = (sys.executable, "-m", "celery", "-A", "worker", "worker", "--loglevel=INFO")
    with running(*command, environment=away, log=log):
        wait_until(lambda: b"consumer: Cannot connect" in log.read_bytes(), seconds=40, log=log)
    written = log.read_text()
    assert "[IP_ADDRESS]" in written
    assert _SECRET not in written
    assert not [line for line in written.splitlines() if _NOBODY in line and "Cannot connect" in line]


def test_a_traceback_that_nobody_caught_is_masked(environment: dict[str, str]) -> None:
    program = f"""
import threading
from worker.logs import configure_logging
configure_logging("INFO")
def fail():
    raise RuntimeError("password={_SECRET} at 10.1.2.3")
thread = threading.Thread(target=fail); thread.start(); thread.join()
fail()
"""
    done = subprocess.run([sys.executable, "-"], input=program.encode(), capture_output=True, timeout=60, check=False)
    told = done.stderr.decode()
    assert done.returncode == 1
    assert told.count("RuntimeError: password=[PASSWORD] at [IP_ADDRESS]") == 2
    assert _SECRET not in told
