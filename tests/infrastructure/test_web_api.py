"""An HTTP API that hangs, trickles, lies, breaks off, redirects, or answers with megabytes; and orders, sent once."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes import FakeClock
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.web_api import ANSWER_LIMIT_BYTES, WebApi


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
            api.order("POST", "/restart", timeout_seconds=0.3)
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
        api.order("POST", "/restart", timeout_seconds=5)
    assert not isinstance(raised.value, OrderRefused)
    assert seen == ["/restart"]


def test_an_order_that_was_refused_or_never_arrived_is_certain(httpserver: HTTPServer, client: httpx2.Client) -> None:
    httpserver.expect_request("/restart", method="POST").respond_with_data("", status=409)
    with pytest.raises(OrderRefused, match=r"metrics refused the order with 409\."):
        api_at(httpserver.url_for("/"), client).order("POST", "/restart", timeout_seconds=5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(OrderRefused, match="nothing was restarted"):
        api_at(f"http://127.0.0.1:{port}", client).order("POST", "/restart", timeout_seconds=5)
