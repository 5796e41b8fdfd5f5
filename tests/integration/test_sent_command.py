"""`show --sent` over a whole triage: what a terminal prints is what the endpoint recorded, failures and all."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.endpoint import StubEndpoint, answer, error, scripted
from tests.house import WELL, record, write_house
from tests.programs import environment_of, firstline
from tests.redis_servers import client_of, running_valkey
from worker.bootstrap import make_worker
from worker.settings import load_settings

pytestmark = pytest.mark.integration

_SERVER: Final = "search-index-09"
_BUSY: Final = error(503, "busy", headers={"retry-after": "0"})
_MODEL: Final = scripted(
    _BUSY,
    answer("a look, from 10.7.7.8", ("get_server_health", {"server_id": _SERVER})),
    answer(None, ("fetch_recent_logs", {"server_id": _SERVER, "lines": 50})),
    _BUSY,
)


def test_every_request_of_a_triage_comes_out_of_the_terminal_as_the_endpoint_recorded_it(tmp_path: Path) -> None:
    record(tmp_path / _SERVER, WELL, "ERROR connect to 10.7.7.7:9200 failed, token “ü”\n" * 5)
    house = write_house(tmp_path, {_SERVER: "search"})
    incident = parse_text(f"{_SERVER} seems broken.", received_at=datetime.now(UTC), unique="1")
    with (
        running_valkey(tmp_path) as port,
        client_of(port) as redis,
        StubEndpoint(_MODEL) as endpoint,
    ):
        url = f"redis://127.0.0.1:{port}/0"
        worker = make_worker(load_settings(_env_file=None, openai_base_url=endpoint.url, redis_url=url, **house), redis)
        list(take_in(redis, [incident]))
        with worker.registry.claim(incident.incident_id) as claim:
            assert claim is not None
            claim.finish(worker.triage(claim))
        worker.close()
        environment = environment_of(house | {"redis_url": url})
        done = firstline("show", incident.incident_id, "--sent", environment=environment)
        third = firstline("show", incident.incident_id, "--sent", "--step", "3", environment=environment)
    came = [request.content for request in endpoint.requests]
    assert done.returncode == third.returncode == 0
    assert done.stdout.splitlines() == came
    assert third.stdout.splitlines() == came[3:]
    assert len(set(came[3:])) == 1 < len(came[3:])
    failed = [line.endswith("the endpoint answered 503") for line in done.stderr.decode().splitlines()]
    assert failed == [True, False, False, *[True] * (len(came) - 3)]
