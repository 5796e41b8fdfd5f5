"""The audit in whole programs: from a worker's start to an engineer's last word, in one chain."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.house import WELL, record, write_house
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import running_valkey
from worker.contract.queue import AUDIT_STREAM

pytestmark = pytest.mark.integration


def entries(redis: Any) -> list[dict[str, str]]:
    return [fields for _, fields in redis.xrange(AUDIT_STREAM)]


def test_one_chain_tells_of_configuration_decisions_people_and_what_they_think(tmp_path: Path) -> None:
    record(tmp_path / "web-01", WELL, "INFO 200 GET /\n")
    house = write_house(tmp_path, {"web-01": "web"})
    log = tmp_path / "worker.log"
    with running_valkey(tmp_path) as port:
        environment = environment_of(house | {"redis_url": f"redis://127.0.0.1:{port}/0"})

        def says(*command: str, code: int = 0) -> str:
            done = firstline(*command, environment=environment)
            assert done.returncode == code, done.stderr
            return done.stdout.decode()

        with (
            running(sys.executable, "-m", "worker.cli", "worker", environment=environment, log=log) as worker,
            Redis.from_url(environment["FIRSTLINE_REDIS_URL"], decode_responses=True) as redis,
        ):
            says("submit", json.dumps({"server_id": "web-02", "error_msg": "slow"}))
            wait_until(lambda: len(entries(redis)) >= 2, seconds=60, log=log)
            assert [fields["action"] for fields in entries(redis)] == ["configuration", "decision"]
            assert f"of {house['inventory_file']}" in entries(redis)[0]["details"]
            os.kill(worker.pid, signal.SIGHUP)
            wait_until(lambda: len(entries(redis)) >= 3, seconds=60, log=log)
            assert entries(redis)[2]["why"] == "a worker reloads"
        (line,) = says("queue", "--json").splitlines()
        incident_id = json.loads(line)["incident_id"]
        says("queue", "claim", incident_id)
        says("queue", "wrong", incident_id, "--because", "its name is web-01")
        says("queue", "resolve", incident_id, "--note", "renamed")
        says("queue", "claim", incident_id, code=1)
        says("halt", "--why", "a drill")
        says("resume", "--why", "over")
        assert "0 of 1 right" in says("feedback")
        told = [json.loads(line) for line in says("audit", "export").splitlines()]
        assert [entry["action"] for entry in told[3:]] == ["handling", "handling", "handling", "halt", "resume"]
        assert "8 entries, each chained to the one before" in says("audit", "verify")
        says("audit", "verify", "--anchor", "nonsense", code=2)
        assert says("queue", "--json") == ""
