"""An HTTP API that hangs, trickles, lies, breaks off, redirects, or answers with megabytes; and orders, sent once."""

import gzip
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes import FakeClock
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.web_api import ANSWER_LIMIT_BYTES, Answer, WebApi


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def api(httpserver: HTTPServer, client: httpx2.Client) -> WebApi:
    return api_at(httpserver.url_for("/"), client)


def api_at(url: str, client: httpx2.Client, *, timeout_seconds: float = 5.0) -> WebApi:
    breaker = CircuitBreaker("metrics", FakeClock())
    return WebApi("metrics", url, client=client, breaker=breaker, timeout_seconds=timeout_seconds)


def is_conflict(answer: Answer) -> bool:
    return answer.status == 409


def sentence_of(api: WebApi, path: str = "/x") -> str:
    with pytest.raises(SourceUnavailable) as raised:
        api.get_json(path)
    return str(raised.value)


def test_a_good_answer_is_decoded(httpserver: HTTPServer, api: WebApi) -> None:
    httpserver.expect_request("/x", query_string={"q": "up == 1"}).respond_with_json({"a": [1]})
    assert api.get_json("/x", {"q": "up == 1"}) == {"a": [1]}


def test_a_path_keeps_its_own_question(httpserver: HTTPServer, api: WebApi) -> None:
    httpserver.expect_request("/x", query_string={"full": "1"}).respond_with_json({})
    assert api.get_json("/x?full=1") == {}


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "metrics answered 401 (correct its credentials in the inventory)."),
        (404, "metrics answered 404."),
        (500, "metrics answered 500."),
        (301, "metrics answered 301, a redirect, which is not followed: give the final URL."),
    ],
)
def test_a_no_is_a_sentence(httpserver: HTTPServer, api: WebApi, status: int, sentence: str) -> None:
    httpserver.expect_request("/x").respond_with_data("secret words", status=status, headers={"Location": "/y"})
    assert sentence_of(api) == sentence


def test_nonsense_and_megabytes_are_sentences(httpserver: HTTPServer, api: WebApi) -> None:
    httpserver.expect_request("/x").respond_with_data("<html>")
    httpserver.expect_request("/deep").respond_with_data("[" * 100_000)
    httpserver.expect_request("/big").respond_with_data(b"[" + b"1," * ANSWER_LIMIT_BYTES)
    assert sentence_of(api) == "metrics answered with something that is not JSON."
    assert sentence_of(api, "/deep") == "metrics answered with something that is not JSON."
    assert sentence_of(api, "/big") == f"metrics answered with more than {ANSWER_LIMIT_BYTES} bytes."


def packed(times: int) -> bytes:
    body = bytes(2 * ANSWER_LIMIT_BYTES)
    for _ in range(times):
        body = gzip.compress(body)
    return body


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "identity, gzip", "br", "\xff"])
def test_a_packed_answer_is_never_unpacked(httpserver: HTTPServer, api: WebApi, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    httpserver.expect_request("/x").respond_with_data(packed(2), headers=headers)
    httpserver.expect_request("/restart", method="POST").respond_with_data(packed(2), headers=headers)
    assert sentence_of(api) == "metrics gave a packed answer (Content-Encoding), which is not unpacked."
    answer = api.order("POST", "/restart", is_refusal=is_conflict, timeout_seconds=5)
    assert (answer.status, answer.body, answer.is_packed) == (200, b"", True)
    assert [request.headers["Accept-Encoding"] for request, _ in httpserver.log] == ["identity", "identity"]


@pytest.mark.parametrize("encoding", ["identity", " Identity ", ""])
def test_control_a_plain_answer_is_read_whatever_its_words(httpserver: HTTPServer, api: WebApi, encoding: str) -> None:
    httpserver.expect_request("/x").respond_with_data("[]", headers={"Content-Encoding": encoding})
    assert api.get_json("/x") == []


def test_control_a_few_bytes_would_be_megabytes_when_unpacked(httpserver: HTTPServer, client: httpx2.Client) -> None:
    body = packed(2)
    httpserver.expect_request("/x").respond_with_data(body, headers={"Content-Encoding": "gzip, gzip"})
    assert len(body) < 1_000
    assert len(client.get(httpserver.url_for("/x")).content) == 2 * ANSWER_LIMIT_BYTES


@pytest.mark.parametrize(
    ("dates", "sent_at"),
    [
        (["Thu, 01 Jan 2026 03:00:00 GMT"], datetime(2026, 1, 1, 3, tzinfo=UTC)),
        (["Thu, 01 Jan 2026 03:00:00 -0000"], datetime(2026, 1, 1, 3, tzinfo=UTC)),
        ([], None),
        (["Thu, 01 Jan 2026 03:00:00 GMT"] * 2, None),
        (["soon"], None),
        (["Fri, 31 Dec 9999 23:59:59 GMT"], None),
        (["Thu, 99 Jan 2026 03:00:00 GMT"], None),
        (["Thu, 01 Jan 99999999999999999999 03:00:00 GMT"], None),
        (["Thu, 01 Jan 2026 03:00:00 +9999999999999"], None),
    ],
)
def test_an_answer_tells_the_server_s_own_time_where_it_is_one(dates: list[str], sent_at: datetime | None) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=[("Date", date) for date in dates], stream=httpx2.ByteStream(b""))

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        assert api_at("http://metrics", client).get("/x").sent_at == sent_at


@pytest.mark.parametrize("url", ["http://a..b:80", "http://[", "http://a:99999", f"http://{'a' * 70}.b", "http://\x00"])
def test_a_url_that_is_none_is_a_sentence_and_an_order_to_it_never_anything_else(
    client: httpx2.Client, url: str
) -> None:
    api = api_at(url, client)
    assert re.match(r"metrics can't be (asked|reached) \(.+\)\.$", sentence_of(api))
    with pytest.raises(SourceUnavailable):
        api.order("POST", "/restart", is_refusal=is_conflict, timeout_seconds=5)


def test_an_order_that_can_not_be_built_was_certainly_not_sent(httpserver: HTTPServer, api: WebApi) -> None:
    with pytest.raises(OrderRefused, match=r"^Nothing was restarted: metrics can't be asked \(.+\)\.$"):
        api.order("POST", "/\x00", is_refusal=is_conflict, timeout_seconds=5)
    assert sentence_of(api, "/\ud800").startswith("metrics can't be asked (")
    assert not httpserver.log


def test_what_breaks_the_protocol_is_named_without_its_words(httpserver: HTTPServer) -> None:
    with httpx2.Client(trust_env=False, headers={"Authorization": "Bearer a\nsecret"}) as client:
        sentence = sentence_of(api_at(httpserver.url_for("/"), client))
    assert sentence == "metrics can't be reached (LocalProtocolError)."


def test_a_source_that_hangs_is_left_after_its_time(client: httpx2.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        api = api_at(f"http://127.0.0.1:{server.getsockname()[1]}", client, timeout_seconds=0.2)
        began = time.monotonic()
        assert sentence_of(api) == "metrics did not answer in 0.2 s."
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("chunk", [b" ", b" " * 65_536])
def test_a_source_that_trickles_is_left_after_its_time(
    httpserver: HTTPServer, client: httpx2.Client, chunk: bytes
) -> None:
    is_over = threading.Event()

    def trickle() -> Iterator[bytes]:
        while not is_over.wait(0.02):
            yield chunk

    httpserver.expect_request("/x").respond_with_handler(lambda _: Response(trickle()))
    sentence = sentence_of(api_at(httpserver.url_for("/"), client, timeout_seconds=0.3))
    is_over.set()
    assert sentence == "metrics did not answer in 0.3 s."


def test_a_source_whose_headers_trickle_is_left_after_its_time_and_an_order_to_it_is_not_known() -> None:
    is_over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening, httpx2.Client(trust_env=False) as client:

        def talk() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=trickle, args=[listening.accept()[0]], daemon=True).start()

        def trickle(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Endless: ")
                while not is_over.wait(0.02):
                    connection.sendall(b"x")

        thread = threading.Thread(target=talk)
        thread.start()
        api = api_at(f"http://127.0.0.1:{listening.getsockname()[1]}", client, timeout_seconds=0.3)
        assert sentence_of(api) == "metrics did not answer in 0.3 s."
        with pytest.raises(SourceUnavailable, match=r"did not answer the order \(its answer does not end\)") as raised:
            api.order("POST", "/restart", is_refusal=is_conflict, timeout_seconds=0.3)
        assert not isinstance(raised.value, OrderRefused)
        is_over.set()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for left_behind in threading.enumerate():
            if left_behind.name == "bounded call":
                left_behind.join(5)


def test_a_read_is_repeated_once_and_then_the_breaker_spares_the_source(client: httpx2.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    api = api_at(f"http://127.0.0.1:{port}", client)
    for _ in range(3):
        assert "can't be reached" in sentence_of(api)
    assert sentence_of(api).startswith("metrics was not asked: it failed 3 times in a row")


def test_a_gateway_s_no_is_asked_again_once(httpserver: HTTPServer, api: WebApi) -> None:
    httpserver.expect_ordered_request("/x").respond_with_data("", status=503)
    httpserver.expect_ordered_request("/x").respond_with_json({})
    assert api.get_json("/x") == {}


def test_an_order_is_sent_once_and_its_uncertain_end_is_not_called_a_refusal(
    httpserver: HTTPServer, api: WebApi
) -> None:
    seen: list[str] = []

    def handler(request: Request) -> Response:
        seen.append(request.path)
        return Response(status=502)

    httpserver.expect_request("/restart", method="POST").respond_with_handler(handler)
    with pytest.raises(SourceUnavailable) as raised:
        api.order("POST", "/restart", is_refusal=is_conflict, timeout_seconds=5)
    assert not isinstance(raised.value, OrderRefused)
    assert seen == ["/restart"]


def test_an_order_that_was_refused_or_never_arrived_is_certain(httpserver: HTTPServer, client: httpx2.Client) -> None:
    httpserver.expect_request("/restart", method="POST").respond_with_data("", status=409)
    with pytest.raises(OrderRefused, match=r"metrics refused the order with 409\."):
        api_at(httpserver.url_for("/"), client).order("POST", "/restart", is_refusal=is_conflict, timeout_seconds=5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(OrderRefused, match="nothing was restarted"):
        api_at(f"http://127.0.0.1:{port}", client).order("POST", "/restart", is_refusal=is_conflict, timeout_seconds=5)
