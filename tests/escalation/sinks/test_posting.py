"""One message over HTTP: bounded in bytes and seconds, sent once, followed nowhere, and trusted by certificate only."""

import gzip
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.escalation.sinks.certificates import own_certificate
from tests.escalation.sinks.cutting import server_that_says
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.sinks.clients import checked_secret, posting_client
from worker.escalation.sinks.posting import ANSWER_LIMIT_BYTES, Poster


def poster(url: str, client: httpx2.Client, *, timeout_seconds: float = 5) -> Poster:
    return Poster("Pager", url, client=client, credentials="key", timeout_seconds=timeout_seconds)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", b"SMTP is what I speak\r\n\r\n"]
)
def test_a_cut_answer_leaves_it_open_whether_the_message_was_taken_and_it_was_sent_once(
    answer: bytes, client: httpx2.Client
) -> None:
    with server_that_says(answer) as (url, requests), pytest.raises(NotDelivered, match="nobody knows") as raised:
        poster(url, client).send({"text": "x"})
    assert not raised.value.is_final
    assert len(requests) == 1


def test_a_silent_system_is_given_up(client: httpx2.Client) -> None:
    with (
        server_that_says(b"", then=threading.Event()) as (url, _),
        pytest.raises(NotDelivered, match=r"Pager did not answer in 0\.2 s, so nobody knows whether") as raised,
    ):
        poster(url, client, timeout_seconds=0.2).send({"text": "x"})
    assert not raised.value.is_final


def test_an_answer_that_comes_a_byte_at_a_time_is_given_up(httpserver: HTTPServer, client: httpx2.Client) -> None:
    enough = threading.Event()

    def trickle(_: Request) -> Response:
        def drops() -> Iterator[bytes]:
            while not enough.wait(0.05):
                yield b" "

        return Response(drops())

    httpserver.expect_request("/").respond_with_handler(trickle)
    began = time.monotonic()
    with pytest.raises(NotDelivered, match="nobody knows"):
        poster(httpserver.url_for("/"), client, timeout_seconds=0.3).send({"text": "x"})
    enough.set()
    assert time.monotonic() - began < 3


def test_headers_that_come_a_byte_at_a_time_are_given_up(client: httpx2.Client) -> None:
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Patience: ")
                while not enough.wait(0.05):
                    connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(NotDelivered, match=r"did not answer in 0\.3 s"):
            poster(f"http://127.0.0.1:{listener.getsockname()[1]}/", client, timeout_seconds=0.3).send({"text": "x"})
        enough.set()
        thread.join(timeout=5)


def test_of_an_endless_answer_only_the_beginning_is_read(httpserver: HTTPServer, client: httpx2.Client) -> None:
    httpserver.expect_request("/").respond_with_data(b"x" * 4_000_000)
    answer = poster(httpserver.url_for("/"), client).send({"text": "x"})
    assert answer.is_cut
    assert len(answer.body) == ANSWER_LIMIT_BYTES
    assert answer.as_mapping() == {}


def test_an_answer_that_unpacks_to_very_much_is_not_unpacked(httpserver: HTTPServer, client: httpx2.Client) -> None:
    packed = gzip.compress(b" " * 20_000_000)
    httpserver.expect_request("/").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    answer = poster(httpserver.url_for("/"), client).send({"text": "x"})
    assert len(answer.body) <= ANSWER_LIMIT_BYTES
    assert httpserver.log[0][0].headers["Accept-Encoding"] == "identity"


def test_a_system_that_is_not_there_is_named_with_the_remedy(client: httpx2.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotDelivered, match=r"Pager can't be reached \(.*\): check its address and the network\.$"):
        poster(f"http://127.0.0.1:{port}/", client).send({"text": "x"})


def test_a_redirect_is_not_followed(httpserver: HTTPServer, client: httpx2.Client) -> None:
    httpserver.expect_request("/here").respond_with_data("", 307, {"Location": httpserver.url_for("/there")})
    with pytest.raises(NotDelivered, match="answered 307, a redirect, which is not followed: give the final address"):
        poster(httpserver.url_for("/here"), client).send({"text": "x"})
    assert [request.path for request, _ in httpserver.log] == ["/here"]


def test_control_a_client_that_follows_takes_the_message_elsewhere(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/here").respond_with_data("", 307, {"Location": httpserver.url_for("/there")})
    with httpx2.Client(follow_redirects=True) as careless:
        careless.post(httpserver.url_for("/here"), json={"text": "x"})
    assert [request.path for request, _ in httpserver.log] == ["/here", "/there"]


@pytest.mark.parametrize(("made", "is_kept"), [(posting_client, False), (httpx2.Client, True)])
def test_no_cookie_is_kept_though_a_plain_client_keeps_it(
    made: type[httpx2.Client], is_kept: bool, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/").respond_with_data("", 200, {"Set-Cookie": "session=1"})
    with made() as client:
        sender = poster(httpserver.url_for("/"), client)
        sender.send({"text": "x"})
        sender.send({"text": "x"})
    assert ("Cookie" in httpserver.log[-1][0].headers) == is_kept


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "2.5"}, 2.5),
        ({"Retry-After": "-3"}, 0),
        ({"Retry-After": "9" * 30}, 86_400),
        ({"Retry-After": "Sun, 22 Nov 2026 03:02:00 GMT", "Date": "Sun, 22 Nov 2026 03:00:00 GMT"}, 120),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_the_systems_patience_is_understood_and_bounded(
    headers: dict[str, str], seconds: float | None, client: httpx2.Client
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = f"HTTP/1.1 429 Too Many\r\n{lines}Content-Length: 0\r\n\r\n".encode()
    with server_that_says(answer) as (url, _), pytest.raises(NotDelivered) as raised:
        poster(url, client).send({"text": "x"})
    assert raised.value.retry_after_seconds == seconds


def test_an_address_is_sent_as_it_was_given(httpserver: HTTPServer, client: httpx2.Client) -> None:
    httpserver.expect_request("/hook/").respond_with_data("")
    poster(httpserver.url_for("/hook/?sp=%2Frun&sig=a-b_c%3D"), client).send({"text": "x"})
    assert httpserver.log[0][0].environ["REQUEST_URI"] == "/hook/?sp=%2Frun&sig=a-b_c%3D"


def test_a_good_status_that_is_not_the_systems_yes_is_no_yes(httpserver: HTTPServer, client: httpx2.Client) -> None:
    httpserver.expect_request("/").respond_with_data("Please log in to this network.", 200)
    with pytest.raises(NotDelivered, match="Pager answered 200"):
        poster(httpserver.url_for("/"), client).send({"text": "x"}, accepted={202})


@pytest.mark.parametrize(
    "url", ["", "pager", "ftp://pager/", "https:///x", "https://a:b@pager/", "https://pager/#x", "https://a..b/", "\0"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str, client: httpx2.Client) -> None:
    with pytest.raises(ConfigurationError, match="The address of Pager is no http or https URL"):
        poster(url, client)


@pytest.mark.parametrize("secret", ["", "two words", "line\nfeed", "\N{LATIN SMALL LETTER U WITH DIAERESIS}"])
def test_a_secret_that_no_header_carries_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^The key is empty or holds what no header can carry: correct it\.$"):
        checked_secret("The key", secret)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with server_with(own_certificate(tmp_path)) as httpserver:
        httpserver.expect_request("/").respond_with_data("")
        with posting_client() as client, pytest.raises(NotDelivered, match=r"can't be reached .*CERTIFICATE_VERIFY"):
            poster(httpserver.url_for("/"), client).send({"text": "x"})


def test_control_a_certificate_of_the_given_authority_is_trusted(tmp_path: Path) -> None:
    with server_with(own_certificate(tmp_path)) as httpserver:
        httpserver.expect_request("/").respond_with_data("")
        with posting_client(ca_file=tmp_path / "certificate.pem") as client:
            assert poster(httpserver.url_for("/"), client).send({"text": "x"}).status == 200


def test_an_authority_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"The ca_file {tmp_path / 'none'} is no file")):
        posting_client(ca_file=tmp_path / "none")


@contextmanager
def server_with(context: ssl.SSLContext) -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", ssl_context=context) as httpserver:
        yield httpserver
