"""Nobody can take all the room: one sender gets its share, and who has proven nothing makes way.

Each test has its control: the same senders where there is room enough.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from producers.webhook.credentials import Lock, Secret
from producers.webhook.limits import Limits
from producers.webhook.refusals import HttpError
from producers.webhook.room import Room
from tests.producers.webhook_site import (
    ALERT_BODY,
    PATIENCE_SECONDS,
    UNHURRIED,
    HeldDoor,
    ScriptedDoor,
    Webhook,
    open_webhook,
    status_of,
)

SLOW = (
    b"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nX-Firstline-Signature: t=1,v1=00\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9000\r\n\r\n{"
)


@contextmanager
def slow_strangers(webhook: Webhook, count: int) -> Iterator[list[socket.socket]]:
    """Open so many connections with a made-up signature and a body that never ends; each is being read."""
    with ExitStack() as stack:
        strangers = []
        for _ in range(count):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", webhook.port), PATIENCE_SECONDS))
            stranger.sendall(SLOW)
            for _ in range(3):  # answered on the same loop, after what came before
                assert webhook.client.get("/healthz").status_code == 200
            strangers.append(stranger)
        yield strangers


@pytest.mark.parametrize(("requests", "status_of_the_oldest"), [(4, b"503"), (64, b"")])
def test_strangers_whose_bodies_never_end_make_way_for_who_can_sign(requests: int, status_of_the_oldest: bytes) -> None:
    with open_webhook(ScriptedDoor(), limits=replace(UNHURRIED, requests=requests)) as webhook:
        with slow_strangers(webhook, 4) as strangers:
            signed = [webhook.post_signed(ALERT_BODY) for _ in range(3)]
            assert status_of(strangers[0], patience_seconds=0.5) == status_of_the_oldest
        assert [each.status_code for each in signed] == [200, 200, 200]


def test_strangers_never_cost_a_known_sender_its_place() -> None:
    limits = replace(UNHURRIED, requests=1)
    with open_webhook(ScriptedDoor(), limits=limits) as webhook, slow_strangers(webhook, 1) as strangers:
        assert webhook.post("/v1/alerts", content=ALERT_BODY, content_type="application/json").status_code == 200
        assert status_of(strangers[0]) == b"503"


@pytest.mark.parametrize(("per_second", "status"), [(1, b"503"), (1000, b"")])
def test_a_body_that_may_never_end_is_paid_for_before_it_is_read(per_second: float, status: bytes) -> None:
    limits = Limits(requests_per_second=per_second)
    with open_webhook(ScriptedDoor(), limits=limits) as webhook, slow_strangers(webhook, 3) as strangers:
        assert status_of(strangers[-1], patience_seconds=0.5) == status


def test_who_proves_its_signature_pays_as_itself_and_not_as_its_address() -> None:
    with open_webhook(ScriptedDoor(), limits=Limits(requests_per_second=1)) as webhook:
        assert [webhook.post_signed(ALERT_BODY).status_code for _ in range(3)] == [200, 200, 503]
        assert webhook.post("/v1/alerts", content=ALERT_BODY, authorization="").status_code == 401


def test_one_sender_fills_its_share_of_the_room_and_the_next_one_still_gets_in() -> None:
    door = HeldDoor()
    locks = {"plain": Lock(tokens=(Secret("BUSY", b"b" * 32), Secret("OTHER", b"o" * 32)))}
    with open_webhook(door, limits=replace(UNHURRIED, requests=2), locks=locks) as webhook:
        statuses: list[int] = []

        def post(token: str) -> int:
            return webhook.post("/v1/alerts", json={"error_msg": "x"}, authorization=f"Bearer {token}").status_code

        held = [
            threading.Thread(target=lambda token=token: statuses.append(post(token))) for token in ("b" * 32, "o" * 32)
        ]
        held[0].start()
        assert door.is_reached.wait(PATIENCE_SECONDS)
        assert post("b" * 32) == 503
        door.is_reached.clear()
        held[1].start()
        assert door.is_reached.wait(PATIENCE_SECONDS)
        assert post("o" * 32) == 503
        assert webhook.client.get("/healthz").status_code == 200
        door.may_answer.set()
        for thread in held:
            thread.join()
        assert post("b" * 32) == 200
    assert statuses == [200, 200]


def test_a_place_is_given_back_also_after_a_failure() -> None:
    room = Room(2)
    with pytest.raises(ZeroDivisionError), room.place("a", 1):
        raise ZeroDivisionError
    with room.place("a", 1), pytest.raises(HttpError), room.place("a", 2):
        pass
    with room.place("a", 1), room.place("b", 2), pytest.raises(HttpError), room.place("c", 3):
        pass
    assert not any(map(room.holds, (1, 2, 3)))


def test_of_strangers_the_first_of_the_address_that_holds_most_makes_way() -> None:
    room = Room(6)
    with ExitStack() as places:
        for address, connection in (("calm", 1), ("busy", 2), ("busy", 3)):
            places.enter_context(room.strangers_place(address, connection, asyncio.Timeout(None)))
        places.enter_context(room.strangers_place("third", 4, asyncio.Timeout(None)))
        assert [connection for connection in range(1, 5) if room.holds(connection)] == [1, 3, 4]


def test_while_known_senders_have_all_places_a_stranger_gets_none() -> None:
    room = Room(2)
    with (
        room.place("a", 1),
        room.place("b", 2),
        pytest.raises(HttpError),
        room.strangers_place("x", 3, asyncio.Timeout(None)),
    ):
        pass
