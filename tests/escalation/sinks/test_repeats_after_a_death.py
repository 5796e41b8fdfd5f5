"""A consumer dies after a sink's yes: another sends again, under the same key, and a system with keys shows one."""

from collections.abc import Callable
from secrets import token_hex

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from redis import Redis

from tests.escalation.builders import result
from tests.escalation.desks import Killed
from tests.escalation.sinks.stand_ins import MADE, Sink, Systems
from tests.fakes import FakeClock
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract import TriageResult
from worker.escalation.deliveries import LEASE_SECONDS, Deliveries
from worker.escalation.dispatcher import Dispatcher
from worker.escalation.routes import Routes
from worker.escalation.sending import Sender, SinkInUse
from worker.escalation.sinks.clients import posting_client
from worker.escalation.standing import Standings
from worker.ports import Notifier

__all__ = ["redis_fixture", "valkey_fixture"]

KEPT_KEYS = ("pagerduty", "webhook", "slack_bot", "jira", "servicenow")
NO_KEYS = ("slack_webhook", "teams", "mattermost")


class DiesAfterYes:
    """Hands over to the real sink; then the process dies, before the yes can be recorded."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def deliver(self, told: TriageResult) -> None:
        self._sink.deliver(told)
        raise Killed


def sender(redis: Redis, notifier: Notifier) -> Sender:
    """Start a consumer that has noted the page."""
    dispatcher = Dispatcher(
        [SinkInUse(name="sink", notifier=notifier)],
        routes=Routes(default=("sink",)),
        deliveries=Deliveries(redis),
        standings=Standings(redis),
        clock=FakeClock(),
    )
    dispatcher.deliver(result())
    return dispatcher.senders["sink"]


def sent_twice(redis: Redis, make: Callable[[], Sink]) -> None:
    """Let one consumer die after the sink's yes, and another, with a sink of its own, take the page when it may."""
    with pytest.raises(Killed):
        sender(redis, DiesAfterYes(make())).send_next()
    survivor = sender(redis, make())
    assert not survivor.send_next()
    let_time_pass(redis, LEASE_SECONDS + 1)
    assert survivor.send_next()
    let_time_pass(redis, LEASE_SECONDS + 1)
    assert not survivor.send_next()


def keys_sent(httpserver: HTTPServer) -> list[str]:
    return [request.headers["Idempotency-Key"] for request, _ in httpserver.log]


@pytest.mark.parametrize("name", [*KEPT_KEYS, *NO_KEYS])
def test_only_a_system_without_keys_shows_the_repeated_page_twice(
    redis: Redis, name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sent_twice(redis, lambda: MADE[name](httpserver.url_for("").rstrip("/"), client))
    assert systems.pages == (1 if name in KEPT_KEYS else 2)


def test_the_repeat_has_the_same_idempotency_key(
    redis: Redis, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sent_twice(redis, lambda: MADE["webhook"](httpserver.url_for("").rstrip("/"), client))
    first, again = keys_sent(httpserver)
    assert first == again
    assert systems.pages == 1


def test_control_with_a_key_for_each_attempt_the_receiver_has_two_pages(
    redis: Redis, httpserver: HTTPServer, systems: Systems
) -> None:
    def draw_a_key(request: httpx2.Request) -> None:
        request.headers["Idempotency-Key"] = token_hex(8)

    with posting_client() as client:
        client.event_hooks = {"request": [draw_a_key]}
        sent_twice(redis, lambda: MADE["webhook"](httpserver.url_for("").rstrip("/"), client))
    assert len(set(keys_sent(httpserver))) == systems.pages == 2
