"""`firstline escalations` is killed around a sink's 2xx, as a real process: none is lost, and none is a second page."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from redis import Redis
from werkzeug import Request, Response

from tests.escalation.builders import result
from tests.programs import environment_of, firstline, running, wait_until
from tests.redis_servers import client_of, let_time_pass, running_valkey
from worker.contract.queue import ESCALATION_GROUP, RESULTS_STREAM
from worker.escalation.deliveries import LEASE_SECONDS
from worker.escalation.delivery import delivery_key

pytestmark = pytest.mark.integration

ESCALATIONS = (sys.executable, "-m", "worker.cli", "escalations", "--name", "one")
FIRST_PROCESS = "import os; os.getpid = lambda: 1; from worker.cli import main; main()"
"""As in a container: another of the same host name is the same process there."""

INCIDENT_ID = result().incident.incident_id
ROUTES = {
    "webhook": """
default = ["webhook"]
[sinks.webhook]
kind = "webhook"
url = "{server}/hook"
secrets_env = "SECRET"
""",
    "pager": """
default = ["pager"]
[sinks.pager]
kind = "pagerduty"
url = "{server}"
routing_key_env = "SECRET"
""",
}


class Death(StrEnum):
    """When the process that sends is killed."""

    BEFORE = "before the 2xx"
    AFTER = "after the 2xx and before its record"
    RECORDED = "after the record"


@dataclass
class Receiver:
    """One sink's other end: keeps the keys by which it knows a page again, of what came and of what it took."""

    death: Death
    redis: Redis
    sender: subprocess.Popen[bytes] | None = None
    came: list[str] = field(default_factory=list)
    took: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.came.append(request.headers.get("Idempotency-Key") or str(request.get_json()["dedup_key"]))
        if self.death is Death.BEFORE and self.sender is not None:
            self.sender.send_signal(signal.SIGKILL)
            self.sender.wait(10)
            return Response(status=503)
        if self.death is Death.AFTER and self.sender is not None:
            refuse_writes(self.redis, is_refusing=True)
        self.took.append(self.came[-1])
        return Response(status=202)


def refuse_writes(redis: Redis, *, is_refusing: bool) -> None:
    """Keep the sender from recording what the sink said to it: it says so in its log."""
    redis.config_set("min-replicas-to-write", int(is_refusing))


@dataclass
class Site:
    redis: Redis
    receiver: Receiver
    sink: str
    environment: dict[str, str]
    log: Path

    def publish(self) -> None:
        fields: dict[Any, Any] = {"incident_id": INCIDENT_ID, "result": result().model_dump_json()}
        self.redis.xadd(RESULTS_STREAM, fields)

    def die_while_sending(self, *command: str) -> None:
        """Publish a result, and kill the process that sends it at the moment which the receiver has."""
        self.publish()
        with running(*(command or ESCALATIONS), environment=self.environment, log=self.log) as self.receiver.sender:
            wait_until(self._is_time, seconds=30, log=self.log)
            self.receiver.sender.send_signal(signal.SIGKILL)
            self.receiver.sender.wait(10)
        self.receiver.sender = None
        refuse_writes(self.redis, is_refusing=False)

    def start_again(self, name: str = "one") -> None:
        """Run one until nothing is due, at once, under the dead one's name or another."""
        assert firstline("escalations", "--once", "--name", name, environment=self.environment).returncode == 0

    def forget_records(self) -> None:
        """Take away what was noted of deliveries: the guard off."""
        self.redis.delete(*self.redis.keys("firstline:deliver*"))

    def _is_time(self) -> bool:
        sender = self.receiver.sender
        match self.receiver.death:
            case Death.BEFORE:
                return sender is not None and sender.poll() is not None
            case Death.AFTER:
                lines = self.log.read_text().splitlines()
                return any("redis.lost" in line and f'"sink": "{self.sink}"' in line for line in lines)
            case Death.RECORDED:
                return self.redis.hget(delivery_key(self.sink, INCIDENT_ID), "state") == "DELIVERED"


@pytest.fixture
def site(tmp_path: Path, httpserver: HTTPServer, sink: str, death: Death) -> Iterator[Site]:
    routes = tmp_path / "routes.toml"
    routes.write_text(ROUTES[sink].format(server=httpserver.url_for("").rstrip("/")))
    with running_valkey(tmp_path) as port, client_of(port) as redis:
        receiver = Receiver(death, redis)
        for path in ("/hook", "/v2/enqueue"):
            httpserver.expect_request(path).respond_with_handler(receiver)
        settings = {
            "redis_url": f"redis://127.0.0.1:{port}/0",
            "routes_file": routes,
            "inventory_file": tmp_path / "none.toml",
        }
        environment = environment_of(settings) | {"SECRET": "0123456789abcdef0123456789abcdef"}
        yield Site(redis, receiver, sink, environment, tmp_path / "log")


@pytest.mark.parametrize("sink", list(ROUTES))
@pytest.mark.parametrize("death", list(Death))
def test_a_sender_that_is_killed_costs_no_page_and_at_most_a_repeat_with_the_same_key(site: Site, death: Death) -> None:
    site.die_while_sending()
    assert site.redis.xpending(RESULTS_STREAM, ESCALATION_GROUP)["pending"] == 0
    site.publish()
    site.start_again()
    came, took = {Death.BEFORE: (2, 1), Death.AFTER: (2, 2), Death.RECORDED: (1, 1)}[death]
    assert (len(site.receiver.came), len(site.receiver.took)) == (came, took)
    assert len({*site.receiver.came, *site.receiver.took}) == 1


@pytest.mark.parametrize(("sink", "death"), [("webhook", Death.BEFORE)])
def test_control_under_another_name_the_page_waits_for_the_dead_ones_lease(site: Site) -> None:
    site.die_while_sending()
    site.start_again("two")
    assert site.receiver.took == []
    let_time_pass(site.redis, LEASE_SECONDS + 1)
    site.start_again("two")
    assert len(site.receiver.took) == 1


@pytest.mark.parametrize(("sink", "death"), [("webhook", Death.BEFORE)])
@pytest.mark.parametrize(("named", "sent_at_once"), [((), 0), (("--name", "one"), 1)], ids=["no name", "the control"])
def test_who_was_given_no_name_resumes_nothing_though_host_and_process_id_are_the_same(
    site: Site, named: tuple[str, ...], sent_at_once: int
) -> None:
    command = (sys.executable, "-c", FIRST_PROCESS, "escalations", *named)
    site.die_while_sending(*command)
    subprocess.run([*command, "--once"], env=site.environment, capture_output=True, timeout=60, check=True)
    assert len(site.receiver.took) == sent_at_once


@pytest.mark.parametrize(("sink", "death"), [("webhook", Death.BEFORE)])
def test_control_without_its_record_the_page_is_lost(site: Site) -> None:
    site.die_while_sending()
    site.forget_records()
    site.start_again()
    assert site.receiver.took == []


@pytest.mark.parametrize(("sink", "death"), [("webhook", Death.RECORDED)])
def test_control_without_its_record_a_result_that_comes_again_is_a_second_request(site: Site) -> None:
    site.die_while_sending()
    site.forget_records()
    site.publish()
    site.start_again()
    assert len(site.receiver.took) == 2
