"""A proposed restart is approved at a terminal, with real processes: one restart, and who approved it is on record."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house import SICK, WELL, record, restarts_of, write_house
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import client_of, running_valkey
from worker.contract.proposal import follow_up_id
from worker.registry.audit_entry import account

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SERVER = "payment-server-01"


def test_a_restart_waits_for_the_word_of_an_approver_and_is_done_once(tmp_path: Path) -> None:
    house, me = tmp_path / "house", account()
    record(house / SERVER, SICK, "WARNING request threads hung\n", after_restart=WELL)
    settings = write_house(house, {SERVER: "payments"}, approver_of={SERVER: me})
    with running_valkey(tmp_path) as port, client_of(port) as redis:
        environment = environment_of({**settings, "redis_url": f"redis://127.0.0.1:{port}/0"})

        def said(*arguments: str) -> str:
            return firstline(*arguments, environment=environment).stdout.decode()

        command = (sys.executable, "-m", "worker.cli", "worker", "-c", "4")
        with running(*command, environment=environment, log=tmp_path / "worker.log"):
            said("submit", f"{SERVER} is slow")
            wait_until(lambda: bool(said("proposals", "--json")), seconds=60, log=tmp_path / "worker.log")
            incident_id = json.loads(said("proposals", "--json"))["incident_id"]
            assert restarts_of(house) == []

            assert "is approved. A worker looks once more" in said("approve", incident_id, "--why", "it hangs")
            assert f"approved already, by {me}" in said("approve", incident_id, "--why", "again")
            late = firstline("reject", incident_id, "--why", "no", environment=environment)
            assert late.returncode == 1
            assert b"a proposal is decided once. Nothing was changed." in late.stderr

            def end() -> dict[str, Any] | None:
                told: dict[str, Any] = json.loads(said("show", follow_up_id(incident_id), "--json"))
                result: dict[str, Any] | None = told["result"]
                return result

            wait_until(lambda: end() is not None, seconds=30, log=tmp_path / "worker.log")
            result = end()
        assert result is not None
        assert result["disposition"] == "recovered"
        assert result["incident"]["approval"] == {"incident_id": incident_id, "person": me, "why": "it hangs"}
        assert len(restarts_of(house)) == 1
        intent = redis.hgetall(f"firstline:restarts:incident:{follow_up_id(incident_id)}")
        assert intent["evidence"].startswith(f"approved by {me} for {incident_id}: it hangs")
        assert said("proposals") == "No restart waits for an engineer's word.\n"
