"""Bodies, slow senders and busy ones are bounded, and others go on.

Each test has its control: the same sender with the guard set wide.
"""

import gzip
import itertools
import json
import select
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from producers.webhook import Limits
from producers.webhook.credentials import Lock, Secret
from producers.webhook.limits import Rates, sender_at
from producers.webhook.refusals import HttpError
from tests.producers.webhook_site import (
    ALERT_BODY,
    HEAD,
    PATIENCE_SECONDS,
    TOKEN,
    UNHURRIED,
    ScriptedDoor,
    Webhook,
    exchange,
    open_webhook,
    with_length,
)

SHORT = replace(UNHURRIED, header_seconds=0.2, body_seconds=0.2, lingering_seconds=0.1)


def chunked(size_bytes: int) -> Iterator[bytes]:
    for _ in range(size_bytes // 1024):
        yield b" " * 1024


@pytest.mark.parametrize(("limit", "status"), [(10_000, 413), (1_000_000, 400)])
def test_a_body_past_the_limit_is_refused_whether_it_says_so_or_not(limit: int, status: int) -> None:
    with open_webhook(ScriptedDoor(), limits=replace(UNHURRIED, body_bytes=limit)) as webhook:
        announced = webhook.post("/v1/alerts", content=b" " * 100_000, content_type="application/json")
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        counted = webhook.client.post("/v1/alerts", content=chunked(100_000), headers=headers)
    assert (announced.status_code, counted.status_code) == (status, status)


def test_a_length_past_the_limit_is_refused_before_anything_of_the_body_is_there() -> None:
    with open_webhook(ScriptedDoor(), limits=replace(SHORT, body_bytes=10_000)) as webhook:
        answered = exchange(webhook, with_length(10_001))
    assert answered is not None
    assert answered.startswith(b"HTTP/1.1 413")


def test_a_compressed_body_is_refused_unread() -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    with open_webhook(ScriptedDoor()) as webhook:
        answered = webhook.post("/v1/alerts", content=bomb, content_encoding="gzip", content_type="application/json")
    assert (answered.status_code, answered.headers["accept-encoding"]) == (415, "identity")


def test_an_expectation_nobody_knows_is_refused_and_the_known_one_is_met() -> None:
    with open_webhook(ScriptedDoor(), limits=SHORT) as webhook:
        unknown = exchange(webhook, f"{HEAD}Expect: gold\r\nContent-Length: 2\r\n\r\n".encode() + b"{}")
        known = exchange(
            webhook, f"{HEAD}Expect: 100-continue\r\nContent-Length: {len(ALERT_BODY)}\r\n\r\n".encode() + ALERT_BODY
        )
    assert unknown is not None
    assert known is not None
    assert unknown.startswith(b"HTTP/1.1 417")
    assert known.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


SLOW = [b"", b"POST /v1", HEAD.encode(), with_length(100), with_length(100, b'{"error_msg')]


@pytest.mark.parametrize("sent", SLOW)
def test_who_does_not_send_a_whole_request_in_time_is_closed(sent: bytes) -> None:
    with open_webhook(ScriptedDoor(), limits=SHORT) as webhook:
        answered = exchange(webhook, sent)
    assert answered is not None
    assert not answered or answered.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("sent", SLOW)
def test_with_the_guard_off_the_same_connection_stays_open(sent: bytes) -> None:
    endless = replace(UNHURRIED, header_seconds=60, body_seconds=60, stop_seconds=0.2)
    with open_webhook(ScriptedDoor(), limits=endless) as webhook:
        assert exchange(webhook, sent, patience_seconds=0.5) is None


def test_a_sender_that_drips_is_closed_however_steadily_it_does(webhook_that_is_short: Webhook) -> None:
    with socket.create_connection(("127.0.0.1", webhook_that_is_short.port), timeout=0.05) as connection:
        connection.sendall(with_length(1_000_000))
        answered = b""
        for _ in range(200):
            try:
                connection.sendall(b" ")
                answered = connection.recv(65_536)
            except TimeoutError:
                continue
            break
    assert answered.startswith(b"HTTP/1.1 408")


@pytest.fixture
def webhook_that_is_short() -> Iterator[Webhook]:
    with open_webhook(ScriptedDoor(), limits=SHORT) as webhook:
        yield webhook


@pytest.mark.parametrize(("answer_seconds", "is_cut_off"), [(0.2, True), (60, False)])
def test_who_does_not_read_the_answers_is_cut_off(answer_seconds: float, *, is_cut_off: bool) -> None:
    limits = replace(UNHURRIED, answer_seconds=answer_seconds, stop_seconds=0.2)
    with open_webhook(ScriptedDoor(), limits=limits) as webhook, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", webhook.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 5_000)
        end = select.poll()
        end.register(connection, 0)
        assert bool(end.poll(PATIENCE_SECONDS * 1000 if is_cut_off else 500)) == is_cut_off


@pytest.mark.parametrize(("per_second", "last"), [(1, 503), (1000, 200)])
def test_only_the_sender_that_overdoes_it_is_slowed(per_second: float, last: int) -> None:
    locks = {"plain": Lock(tokens=(Secret("BUSY", b"b" * 32), Secret("CALM", b"c" * 32)))}
    with open_webhook(ScriptedDoor(), limits=Limits(requests_per_second=per_second), locks=locks) as webhook:
        busy = [webhook.post("/v1/alerts", json=[], authorization="Bearer " + "b" * 32) for _ in range(3)]
        calm = webhook.post("/v1/alerts", json=[], authorization="Bearer " + "c" * 32)
    assert (busy[-1].status_code, calm.status_code) == (last, 200)
    assert ("retry-after" in busy[-1].headers) == (last == 503)


def test_strangers_that_try_tokens_slow_nobody_who_has_one() -> None:
    with open_webhook(ScriptedDoor(), limits=Limits(requests_per_second=1)) as webhook:
        tried = [webhook.post("/v1/alerts", json=[], authorization="Bearer wrong") for _ in range(5)]
        assert {each.status_code for each in tried} == {401, 503}
        assert webhook.post("/v1/alerts", json=[]).status_code == 200


def test_a_rate_is_regained_with_time_and_told_in_seconds() -> None:
    seconds = 0.0
    rates = Rates(0.5, lambda: seconds)
    rates.spend("a")
    with pytest.raises(HttpError) as refused:
        rates.spend("a")
    assert refused.value.headers["Retry-After"] == "2"
    rates.spend("b")
    seconds = 2.0
    rates.spend("a")


def test_what_is_given_back_may_be_spent_again_and_no_more_than_the_burst_is() -> None:
    rates = Rates(1, lambda: 0.0)
    rates.give_back("a")
    for _ in range(2):
        rates.spend("a")
    rates.give_back("a")
    rates.spend("a")
    with pytest.raises(HttpError):
        rates.spend("a")


def test_a_million_senders_do_not_fill_the_memory() -> None:
    clock = itertools.count()
    rates = Rates(1, lambda: next(clock))
    for number in range(20_000):
        rates.spend(str(number))
    assert len(rates._buckets) == 10_000


def test_an_ipv6_sender_is_its_network_for_it_has_addresses_without_number() -> None:
    assert sender_at("2001:db8:1:2:3:4:5:6") == sender_at("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert sender_at("::ffff:192.0.2.1") == "192.0.2.1"
    assert (sender_at("192.0.2.1"), sender_at(None), sender_at("fe80::1%eth0")) == ("192.0.2.1", "unknown", "fe80::/64")


def test_a_sender_that_goes_in_the_middle_of_its_body_is_no_fault_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    door = ScriptedDoor()
    with open_webhook(door) as webhook:
        with socket.create_connection(("127.0.0.1", webhook.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(with_length(len(ALERT_BODY), ALERT_BODY[:-1]))
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""
        assert webhook.client.get("/healthz").status_code == 200
    assert door.offered == []
    assert "intake.failed" not in capsys.readouterr().out


def test_what_is_no_http_is_answered_in_json_and_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with open_webhook(ScriptedDoor()) as webhook:
        answered = exchange(webhook, b"hush hush\r\n\r\n")
    assert answered is not None
    head, _, body = answered.partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert {"error", "where"} == json.loads(body).keys()
    seen = capsys.readouterr()
    assert "hush" not in seen.out + seen.err
