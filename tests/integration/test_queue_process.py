"""The queue in whole programs while a storm lies in it: read and claimed through pipes, by two engineers at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.escalation import builders
from tests.programs import environment_of, firstline
from tests.redis_servers import client_of, running_valkey
from worker.contract.queue import AUDIT_STREAM, RESULTS_STREAM
from worker.contract.text import visible

pytestmark = pytest.mark.integration

STORM = 500
SERVERS = 50


def publish_storm(redis: Any) -> None:
    """Publish the newest first: the order in which results come has no say in the list."""
    for number in reversed(range(STORM)):
        result = builders.result(
            number, server_id=f"web-{number % SERVERS:02}", finished_at=builders.NOW + timedelta(seconds=number)
        )
        fields = {"incident_id": result.incident.incident_id, "version": "1", "result": result.model_dump_json()}
        redis.xadd(RESULTS_STREAM, fields)


def test_a_storm_is_listed_whole_in_order_and_claimed_from_a_pipe_by_one_of_two(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as port, client_of(port) as redis:
        publish_storm(redis)
        environment = environment_of({"redis_url": f"redis://127.0.0.1:{port}/0"})
        listed = firstline("queue", "--json", environment=environment)
        records = [json.loads(line) for line in listed.stdout.splitlines()]
        finished = [record["finished_at"] for record in records]
        assert (len(records), finished) == (STORM, sorted(finished))

        for columns, digits in (("60", 12), ("120", None)):
            page = firstline("queue", environment=environment | {"COLUMNS": columns}).stdout.decode()
            assert f"{STORM} incidents wait for engineers, {STORM - 100} of them not shown" in page
            assert all(record["incident_id"][:digits] in page for record in records[:100])
            assert page == visible(page)

        chosen = firstline("queue", "--json", "--unclaimed", "--server", "web-07", environment=environment).stdout
        assert len(chosen.splitlines()) == STORM // SERVERS

        def claim(_: int) -> list[dict[str, Any]]:
            done = firstline("queue", "claim", "-", "--json", environment=environment, stdin=chosen)
            assert done.returncode == 0, done.stderr
            return [json.loads(line) for line in done.stdout.splitlines()]

        with ThreadPoolExecutor(2) as engineers:
            answers = [answer for told in engineers.map(claim, range(2)) for answer in told]
        assert sum(answer["is_news"] for answer in answers) == STORM // SERVERS
        claims = [fields for _, fields in redis.xrange(AUDIT_STREAM) if fields["action"] == "handling"]
        assert len(claims) == STORM // SERVERS
