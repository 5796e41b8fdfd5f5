"""supervisord's interface when it misbehaves: every failure is one sentence, and nothing is sent twice."""

import http.client
import socket
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.supervisord_api import SupervisordApi

pytestmark = pytest.mark.integration


def api_at(url: str, *, read_timeout_seconds: float = 5) -> SupervisordApi:
    return SupervisordApi(url, username="firstline", password="made:up@/ü", read_timeout_seconds=read_timeout_seconds)


def answered(httpserver: HTTPServer, body: str, *, status: int = 200) -> SupervisordApi:
    httpserver.expect_request("/RPC2").respond_with_data(body, status=status, content_type="text/xml")
    return api_at(httpserver.url_for("/RPC2"))


def account_with(**values: int | str) -> str:
    """Return the answer that supervisord gives on a program that runs, with other values in it."""
    account = {"statename": "RUNNING", "pid": 7, "start": 1, "now": 2, "exitstatus": 0, "stdout_logfile": "/log"}
    return xmlrpc.client.dumps((account | values,), methodresponse=True)


@contextmanager
def server_that_cuts() -> Iterator[tuple[str, list[bytes]]]:
    """Yield the address of a server that reads each request and closes the connection, and what it read."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def cut() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        requests.append(connection.recv(65_536))
            except OSError:
                return

        thread = threading.Thread(target=cut)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/RPC2", requests
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>It works!</body></html>",
        "",
        "\x00\x01",
        "<methodResponse><params><param><value><int>x</int></value></param></params></methodResponse>",
        "<methodResponse><params></methodResponse>",
        xmlrpc.client.dumps(("no struct",), methodresponse=True),
        xmlrpc.client.dumps(({"statename": "RUNNING", "pid": "many"},), methodresponse=True),
        account_with(pid=-1),
        xmlrpc.client.dumps(([1, 2],), methodresponse=True),
    ],
)
def test_a_nonsense_answer_is_one_sentence(httpserver: HTTPServer, body: str) -> None:
    with pytest.raises(SourceUnavailable, match=r"nonsense|no usable account") as raised:
        answered(httpserver, body).program_info("web")
    assert "\n" not in str(raised.value)


def test_an_account_is_read(httpserver: HTTPServer) -> None:
    assert answered(httpserver, account_with()).program_info("web").pid == 7


def test_a_refused_login_is_named_and_the_password_is_not(httpserver: HTTPServer) -> None:
    with pytest.raises(OrderRefused, match="answered 401") as raised:
        answered(httpserver, "", status=401).program_info("web")
    assert "made" not in str(raised.value)


def test_a_fault_is_named(httpserver: HTTPServer) -> None:
    fault = xmlrpc.client.dumps(xmlrpc.client.Fault(10, "BAD_NAME: web"), methodresponse=True)
    with pytest.raises(SourceUnavailable, match="refused getProcessInfo of web: BAD_NAME: web"):
        answered(httpserver, fault).program_info("web")


def test_stopping_what_does_not_run_is_no_failure_but_any_other_fault_is(httpserver: HTTPServer) -> None:
    fault = xmlrpc.client.dumps(xmlrpc.client.Fault(70, "NOT_RUNNING: web"), methodresponse=True)
    api = answered(httpserver, fault)
    api.stop_program("web", timeout_seconds=5)
    with pytest.raises(SourceUnavailable, match="NOT_RUNNING"):
        api.start_program("web", timeout_seconds=5)


def test_a_silent_supervisord_is_given_up(httpserver: HTTPServer) -> None:
    answered_late = threading.Event()

    def wait(_: Request) -> Response:
        answered_late.wait(5)
        return Response("")

    httpserver.expect_request("/RPC2").respond_with_handler(wait)
    began = time.monotonic()
    with pytest.raises(SourceUnavailable, match="did not answer getProcessInfo: timed out"):
        api_at(httpserver.url_for("/RPC2"), read_timeout_seconds=0.2).program_info("web")
    answered_late.set()
    assert time.monotonic() - began < 3


def test_a_supervisord_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OrderRefused, match=f"supervisord at http://127.0.0.1:{port}/RPC2 did not answer"):
        api_at(f"http://127.0.0.1:{port}/RPC2").program_info("web")


def test_an_order_whose_connection_is_cut_is_not_sent_again() -> None:
    with (
        server_that_cuts() as (url, requests),
        pytest.raises(SourceUnavailable, match="did not answer startProcess") as raised,
    ):
        api_at(url).start_program("web", timeout_seconds=5)
    assert not isinstance(raised.value, OrderRefused)
    assert len(requests) == 1


def test_control_the_library_alone_sends_a_cut_order_again() -> None:
    with (
        server_that_cuts() as (url, requests),
        pytest.raises((http.client.RemoteDisconnected, ConnectionError)),
        xmlrpc.client.ServerProxy(url) as proxy,
    ):
        proxy.supervisor.startProcess("web")
    assert len(requests) == 2
