"""`firstline escalations` with a routes file, as a terminal calls it: over a real Valkey, to a webhook on loopback."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from redis import Redis
from werkzeug import Request, Response

from tests.escalation.builders import result
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import client_of, running_valkey
from worker.contract.queue import AUDIT_STREAM, ESCALATION_GROUP, RESULTS_STREAM

pytestmark = pytest.mark.integration

_ROUTES = """
default = ["own"]
[sinks.own]
kind = "webhook"
url = "{url}"
secrets_env = "OWN_SECRETS"
backup = "spare"
[sinks.spare]
kind = "webhook"
url = "{spare}"
secrets_env = "OWN_SECRETS"
[[routes]]
severity = "info"
service = "payments"
sinks = ["spare"]
"""
STORM = 500
ESCALATIONS = (sys.executable, "-m", "worker.cli", "escalations")


@dataclass
class Receiver:
    """A webhook's other end: counts what came by its Idempotency-Key."""

    status: int = 200
    keys: Counter[str] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.keys[request.headers["Idempotency-Key"]] += 1
        self.bodies.append(request.get_data())
        return Response(status=self.status)


@dataclass
class Site:
    redis: Redis
    own: Receiver
    spare: Receiver
    environment: dict[str, str]
    log: Path

    def publish(self, *numbers: int) -> None:
        for number in numbers:
            told = result(number)
            fields: dict[Any, Any] = {"incident_id": told.incident.incident_id, "result": told.model_dump_json()}
            self.redis.xadd(RESULTS_STREAM, fields)

    def says(self, *arguments: str) -> tuple[int, str]:
        done = firstline("escalations", *arguments, environment=self.environment)
        return done.returncode, done.stdout.decode() + done.stderr.decode()


@pytest.fixture
def site(tmp_path: Path, httpserver: HTTPServer) -> Iterator[Site]:
    own, spare, routes = Receiver(), Receiver(), tmp_path / "routes.toml"
    httpserver.expect_request("/own").respond_with_handler(own)
    httpserver.expect_request("/spare").respond_with_handler(spare)
    routes.write_text(_ROUTES.format(url=httpserver.url_for("/own"), spare=httpserver.url_for("/spare")))
    with running_valkey(tmp_path) as port, client_of(port) as redis:
        settings = {
            "redis_url": f"redis://127.0.0.1:{port}/0",
            "routes_file": routes,
            "inventory_file": tmp_path / "none.toml",
        }
        environment = environment_of(settings) | {"OWN_SECRETS": "0123456789abcdef"}
        yield Site(redis, own, spare, environment, tmp_path / "log")


def test_each_delivery_is_a_line_for_people_or_for_a_pipe(site: Site) -> None:
    site.publish(1)
    code, told = site.says("--once")
    assert code == 0
    assert f"own  delivered  page  {result(1).incident.incident_id}" in told
    site.publish(2)
    told = site.says("--once", "--json")[1]
    lines = [json.loads(line) for line in told.splitlines() if '"outcome"' in line]
    assert [(line["sink"], line["outcome"], line["tries"]) for line in lines] == [("own", "delivered", 1)]
    assert len(site.own.keys) == 2
    assert "routes.toml" in str(site.redis.xrange(AUDIT_STREAM))


def test_a_sink_that_has_lost_its_table_is_named_while_pages_wait_for_it(site: Site) -> None:
    site.own.status = 500
    site.publish(1)
    site.says("--once")
    routes = Path(site.environment["FIRSTLINE_ROUTES_FILE"])
    routes.write_text(routes.read_text().replace("sinks.own", "sinks.other").replace('"own"', '"other"'))
    assert "sink.not_in_routes_file" in site.says("--once")[1]


def test_its_page_reaches_the_sinks_that_the_routes_name_now(site: Site) -> None:
    site.own.status = 500
    site.publish(1)
    site.says("--once")
    routes = Path(site.environment["FIRSTLINE_ROUTES_FILE"])
    routes.write_text(routes.read_text().replace("sinks.own", "sinks.other").replace('"own"', '"other"'))
    site.own.status = 200
    with running(*ESCALATIONS, environment=site.environment, log=site.log):
        wait_until(lambda: any(b"own has left the routes file" in body for body in site.own.bodies), seconds=60)


@pytest.mark.parametrize("has_routes", [True, False], ids=["with routes", "without"])
def test_a_consumer_that_runs_tells_the_audit_its_settings(site: Site, *, has_routes: bool) -> None:
    environment = {
        name: value for name, value in site.environment.items() if has_routes or name != "FIRSTLINE_ROUTES_FILE"
    }
    with running(*ESCALATIONS, "--name", "desk-1", environment=environment, log=site.log):
        wait_until(lambda: site.redis.xlen(AUDIT_STREAM) == 1, seconds=30, log=site.log)
    entries: Any = site.redis.xrange(AUDIT_STREAM)
    ((_, fields),) = entries
    assert (fields["why"], fields["person"]) == ("escalations started", "worker desk-1")


def test_a_final_refusal_reaches_the_backup_and_shows_in_status(site: Site) -> None:
    site.own.status = 401
    site.publish(1)
    _, told = site.says("--once")
    assert "own  handed over  page" in told
    assert len(site.spare.keys) == 1
    assert b"own failed (tries: 1), so spare has this page" in site.spare.bodies[0]
    status = firstline("status", environment=site.environment).stdout.decode()
    assert "2 in use, 1 FAIL" in status
    assert "The webhook answered 401: correct its secret." in status


def test_a_storm_with_two_consumers_is_one_page_each(site: Site) -> None:
    site.publish(*range(STORM))
    one = (*ESCALATIONS, "--name", "one")
    two = (*one[:-1], "two")
    with (
        running(*one, environment=site.environment, log=site.log),
        running(*two, environment=site.environment, log=site.log),
    ):
        wait_until(lambda: len(site.own.keys) == STORM, seconds=60, log=site.log)
        site.publish(*range(0, STORM, 10))
        wait_until(lambda: site.redis.xpending(RESULTS_STREAM, ESCALATION_GROUP)["pending"] == 0, seconds=30)
    assert set(site.own.keys.values()) == {1}
    assert len(site.own.keys) == STORM


def test_check_shows_where_what_would_go_and_sends_nothing(site: Site) -> None:
    site.publish(1)
    code, told = site.says("--check")
    assert code == 0
    assert "severity info; service payments" in told
    samples = [json.loads(line) for line in site.says("--check", "--json")[1].splitlines() if line.startswith("{")]
    goes = {(sample["service"], sample["severity"]): list(sample["sinks"]) for sample in samples}
    assert goes["payments", "info"] == ["spare"]
    assert goes["payments", "critical"] == goes[None, "info"] == ["own"]
    assert not site.own.keys
    assert not site.spare.keys
    assert site.redis.keys("firstline:deliver*") == []


def test_a_test_page_says_that_it_is_one_and_a_sink_that_fails_is_told(site: Site) -> None:
    code, told = site.says("--test", "spare")
    assert (code, "spare took the test page" in told) == (0, True)
    assert b"TEST PAGE of Firstline: nothing is wrong" in site.spare.bodies[0]
    site.own.status = 500
    code, told = site.says("--test", "own")
    assert (code, told) == (1, "own: The webhook answered 500: try again later.\n")
    assert site.says("--test", "gone") == (2, "firstline: There is no sink gone: there are own, spare.\n")


def test_what_a_sink_refused_for_good_is_sent_again_once_it_is_mended(site: Site) -> None:
    site.own.status = site.spare.status = 401
    site.publish(1)
    assert "spare  given up  page" in site.says("--once")[1]
    assert "NO SINK TOOK" in firstline("status", environment=site.environment).stdout.decode()
    site.spare.status = 200
    assert site.says("--retry", "spare") == (0, "spare: 1 incident is sent again.\n")
    assert "spare  delivered  page" in site.says("--once")[1]
    assert "NO SINK TOOK" not in firstline("status", environment=site.environment).stdout.decode()


def test_a_wrong_routes_file_is_told_and_nothing_starts(site: Site) -> None:
    del site.environment["OWN_SECRETS"]
    code, told = site.says("--once")
    assert code == 2
    assert "sinks.own.secrets_env: the environment variable OWN_SECRETS is not set" in told
