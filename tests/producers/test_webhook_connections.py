"""Connections make way for each other, never one at work; and who closes its half is heard out.

Each test has its control: the same connections where there is room enough.
"""

import json
import select
import socket
from contextlib import ExitStack
from dataclasses import replace

import pytest

from producers.webhook.connections import Connections
from producers.webhook.limits import Limits
from tests.producers.webhook_site import (
    ALERT_BODY,
    PATIENCE_SECONDS,
    UNHURRIED,
    HeldDoor,
    ScriptedDoor,
    exchange,
    open_webhook,
    status_of,
    with_length,
)


class Cuts(list[object]):
    """The connections that were cut; three of two addresses are open at first, and there may be no more."""

    def __init__(self, *at_work: object) -> None:
        super().__init__()
        self.connections = Connections(3, is_at_work=at_work.__contains__)
        for address, connection in (("calm", 1), ("busy", 2), ("busy", 3)):
            self.opens(address, connection)

    def opens(self, address: str, connection: object) -> None:
        self.connections.opened(address, connection, lambda: self.append(connection))


def test_of_connections_the_one_of_the_busiest_address_that_began_first_is_cut() -> None:
    cuts = Cuts()
    cuts.opens("new", 4)
    assert cuts == [2]


def test_a_connection_whose_request_began_last_is_cut_after_the_others_of_its_address() -> None:
    cuts = Cuts()
    cuts.connections.began("busy", 2)
    cuts.opens("new", 4)
    assert cuts == [3]


def test_a_connection_at_work_is_never_cut() -> None:
    cuts = Cuts(2, 3)
    cuts.opens("new", 4)
    assert cuts == [1]


def test_a_connection_that_has_gone_counts_no_more() -> None:
    cuts = Cuts()
    cuts.connections.closed("busy", 2)
    cuts.connections.closed("busy", 2)
    cuts.opens("new", 4)
    assert cuts == []


@pytest.mark.parametrize(("connections", "is_closed"), [(3, True), (30, False)])
def test_connections_that_only_wait_make_way_for_the_next_one(connections: int, *, is_closed: bool) -> None:
    limits = replace(UNHURRIED, connections=connections, requests=2, header_seconds=60, stop_seconds=0.2)
    with open_webhook(ScriptedDoor(), limits=limits) as webhook, ExitStack() as stack:
        address = ("127.0.0.1", webhook.port)
        idle = [stack.enter_context(socket.create_connection(address, PATIENCE_SECONDS)) for _ in range(3)]
        idle[0].sendall(b"POST /v1/al")
        for _ in range(3):
            assert webhook.post("/v1/alerts", json=[]).status_code == 200
        assert ends(idle[0], patience_seconds=PATIENCE_SECONDS if is_closed else 0.3) == is_closed


def ends(connection: socket.socket, *, patience_seconds: float) -> bool:
    connection.settimeout(patience_seconds)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_what_is_being_taken_in_is_answered_however_many_others_come() -> None:
    door = HeldDoor()
    with open_webhook(door, limits=replace(UNHURRIED, connections=2, requests=1)) as webhook, ExitStack() as stack:
        address = ("127.0.0.1", webhook.port)
        sender, _ = [stack.enter_context(socket.create_connection(address, PATIENCE_SECONDS)) for _ in range(2)]
        sender.sendall(with_length(len(ALERT_BODY), ALERT_BODY))
        assert door.is_reached.wait(PATIENCE_SECONDS)
        for _ in range(5):
            stack.enter_context(socket.create_connection(address, PATIENCE_SECONDS))
            assert webhook.client.get("/healthz", headers={"connection": "close"}).status_code == 200
        door.may_answer.set()
        assert status_of(sender) == b"200"
    assert len(door.offered) == 1


@pytest.mark.parametrize(("connections", "is_cut_off"), [(2, True), (30, False)])
def test_who_does_not_read_its_answers_makes_way_at_once(connections: int, *, is_cut_off: bool) -> None:
    limits = replace(UNHURRIED, connections=connections, requests=1, answer_seconds=60, stop_seconds=0.2)
    with open_webhook(ScriptedDoor(), limits=limits) as webhook, socket.socket() as deaf, ExitStack() as stack:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", webhook.port))
        deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 5_000)
        end = select.poll()
        end.register(deaf, 0)
        assert not end.poll(500)
        for _ in range(2):
            stack.enter_context(socket.create_connection(("127.0.0.1", webhook.port), PATIENCE_SECONDS))
        assert bool(end.poll(PATIENCE_SECONDS * 1000 if is_cut_off else 500)) == is_cut_off


def test_no_limits_leave_the_connections_without_one_that_may_make_way() -> None:
    with pytest.raises(ValueError, match="no room"):
        Limits(connections=64, requests=64)


@pytest.mark.parametrize("count", [1, 3])
def test_who_closes_its_half_behind_whole_requests_is_answered_and_then_closed(count: int) -> None:
    limits = replace(UNHURRIED, header_seconds=60, stop_seconds=0.2)
    with open_webhook(ScriptedDoor(), limits=limits) as webhook:
        sent = with_length(len(ALERT_BODY), ALERT_BODY) * count
        answered = exchange(webhook, sent, closes_its_half=True)
    assert (answered or b"").count(b"HTTP/1.1 200") == count


def test_who_closes_its_half_behind_a_long_body_is_answered() -> None:
    body = json.dumps({"error_msg": "slow", "log": "x" * 5_000_000}).encode()
    with open_webhook(ScriptedDoor()) as webhook:
        answered = exchange(webhook, with_length(len(body), body), closes_its_half=True)
    assert (answered or b"").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", b"POST /v1", with_length(100), with_length(100, ALERT_BODY)])
def test_who_closes_its_half_before_the_end_is_closed_at_once(sent: bytes) -> None:
    limits = replace(UNHURRIED, header_seconds=60, body_seconds=60, stop_seconds=0.2)
    with open_webhook(ScriptedDoor(), limits=limits) as webhook:
        assert exchange(webhook, sent, closes_its_half=True) == b""
