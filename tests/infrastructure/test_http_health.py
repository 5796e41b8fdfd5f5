"""A health endpoint in the dialects that are common, one that is hostile, and one that can't be reached."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes import START, FakeClock
from worker.contract.observations import HealthReading, ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.http_health import HttpHealth
from worker.infrastructure.web_api import ANSWER_LIMIT_BYTES, WebApi

PATH = "/health"
RUNNING, DEGRADED = ServiceStatus.RUNNING, ServiceStatus.DEGRADED
NO_FIGURES = "CPU and memory: an HTTP endpoint tells no CPU or memory"
MAY_BE_A_GATEWAY = "who answered: it may be a gateway before the service, and then that one's state is not known"


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


def health_at(url: str, client: httpx2.Client, *, path: str = PATH, clock: FakeClock | None = None) -> HttpHealth:
    clock = clock or FakeClock()
    api = WebApi("web", url, client=client, breaker=CircuitBreaker("web", clock), timeout_seconds=5)
    return HttpHealth("web-01", api=api, path=path, clock=clock)


def read(server: HTTPServer, client: httpx2.Client, body: object, *, status: int = 200) -> HealthReading:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    server.expect_request(PATH).respond_with_data(data, status=status)
    return health_at(server.url_for(""), client).read_health()


@pytest.mark.parametrize("body", [b"", b"OK", b"<html>all is well</html>", b'"Healthy"', b"\xff\xfe\xfd", b"[1, 2]"])
def test_a_good_answer_with_any_body_is_running_and_proves_no_recovery(
    httpserver: HTTPServer, client: httpx2.Client, body: bytes
) -> None:
    reading = read(httpserver, client, body)
    assert (reading.status, reading.symptoms) == (RUNNING, ())
    assert (reading.cpu_percent, reading.memory_percent, reading.is_good) == (None, None, False)
    assert NO_FIGURES in reading.unread
    assert reading.figures["http_status"] == 200
    assert (reading.observed_at, reading.source) == (START, "web /health")


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"status": "pass", "checks": {}}, RUNNING),
        ({"status": "warn"}, DEGRADED),
        ({"status": "fail"}, DEGRADED),
        ({"status": "UP", "components": {"db": {"status": "UP"}}}, RUNNING),
        ({"status": "DOWN"}, DEGRADED),
        ({"status": "OUT_OF_SERVICE"}, DEGRADED),
        ({"status": "UNKNOWN"}, RUNNING),
        ({"status": "ok"}, RUNNING),
        ({"status": " Healthy "}, RUNNING),
        ({"status": "degraded"}, DEGRADED),
        ("Degraded", DEGRADED),
    ],
)
def test_a_sick_word_outweighs_a_good_status_code(
    httpserver: HTTPServer, client: httpx2.Client, document: object, status: ServiceStatus
) -> None:
    assert read(httpserver, client, document).status is status


def test_a_bare_word_is_a_status_too(httpserver: HTTPServer, client: httpx2.Client) -> None:
    reading = read(httpserver, client, b"Unhealthy\n")
    assert (reading.status, reading.figures["health_status"]) == (DEGRADED, "Unhealthy")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_is_degraded_and_nobody_knows_whether_a_gateway_has_answered(
    httpserver: HTTPServer, client: httpx2.Client, status: int
) -> None:
    reading = read(httpserver, client, b"<h1>oh no</h1>", status=status)
    assert reading.status is DEGRADED
    assert reading.figures["http_status"] == status
    assert MAY_BE_A_GATEWAY in reading.unread


def test_a_fault_in_the_service_s_own_words_is_its_own(httpserver: HTTPServer, client: httpx2.Client) -> None:
    reading = read(httpserver, client, {"status": "DOWN", "components": {"db": {"status": "DOWN"}}}, status=503)
    assert reading.figures == {"http_status": 503, "health_status": "DOWN", "unhealthy_components": "db: DOWN"}
    assert MAY_BE_A_GATEWAY not in reading.unread


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"checks": {"db:time": [{"status": "pass"}, {"status": "fail"}, {"status": "fail"}]}}, "db:time: fail"),
        ({"components": {"db": {"status": "UP", "components": {"two": {"status": "DOWN"}}}}}, "db/two: DOWN"),
        ({"checks": [{"name": "disk", "status": "DOWN"}, {"status": "DOWN"}, 7]}, "disk: DOWN"),
        ({"entries": {"queue": {"status": "Unhealthy"}}}, "queue: Unhealthy"),
        ({"details": {"queue": {"status": "down", "message": "password=x"}}}, "queue: down"),
        ({"components": {"a\u202e\n b": {"status": "DOWN"}}}, "a\\u202e b: DOWN"),
        ({"components": {"x" * 121: {"status": "DOWN"}}}, "(a name of 121 bytes): DOWN"),
    ],
)
def test_a_sick_component_is_named_and_the_service_is_no_better(
    httpserver: HTTPServer, client: httpx2.Client, document: dict[str, object], named: str
) -> None:
    reading = read(httpserver, client, {"status": "UP"} | document)
    assert (reading.status, reading.figures["unhealthy_components"]) == (DEGRADED, named)


def test_no_more_than_twenty_components_are_named(httpserver: HTTPServer, client: httpx2.Client) -> None:
    components = {f"c{number}": {"status": "DOWN"} for number in range(30_000)}
    named = str(read(httpserver, client, {"status": "DOWN", "components": components}).figures["unhealthy_components"])
    assert named.startswith("c0: DOWN; c1: DOWN; ")
    assert named.endswith("c19: DOWN; and 29980 more")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"status": NaN}',
        b'{"status": ["DOWN"]}',
        b'{"status": null, "checks": {"uptime": [null]}, "components": {"a": [[{"status": 1}]]}}',
        b'{"status": "\\ud800"}',
        b'{"status": "' + b"x" * 5_000 + b'"}',
        b'{"checks": "DOWN", "components": [["DOWN"]], "entries": 1, "details": null}',
        b'{"n": ' + b"1" * 10_000 + b"}",
        b'{"status": "UP"' + b" " * ANSWER_LIMIT_BYTES + b"}",
        b'{"components":' * 400 + b"1" + b"}" * 400,
    ],
)
def test_a_hostile_document_is_named_as_unread_and_breaks_nothing(
    httpserver: HTTPServer, client: httpx2.Client, body: bytes
) -> None:
    reading = read(httpserver, client, body)
    assert reading.status is RUNNING
    assert any(sentence.startswith("the service's own") for sentence in reading.unread)
    assert len(reading.model_dump_json()) < 2_000


@pytest.mark.parametrize(
    ("check", "running_seconds"),
    [
        ({"observedValue": 99.5, "observedUnit": "s"}, 99.5),
        ({"observedValue": 99, "observedUnit": "s"}, 100),  # it may be 99.9
        ({"observedValue": 9.5, "observedUnit": "s", "time": "2026-01-01T02:59:30Z"}, 39.5),
        ({"observedValue": 9.5, "observedUnit": "s", "time": "2026-01-01T03:00:02Z"}, 9.5),
    ],
)
def test_an_uptime_is_a_start_by_the_worker_s_clock_and_never_too_late(
    httpserver: HTTPServer, client: httpx2.Client, check: dict[str, object], running_seconds: float
) -> None:
    reading = read(httpserver, client, {"status": "pass", "checks": {"uptime": [check]}})
    assert reading.service_started_at == START - timedelta(seconds=running_seconds)
    assert reading.unread == (NO_FIGURES,)


@pytest.mark.parametrize(
    "checks",
    [
        b'{"uptime": [{"observedValue": 99}]}',
        b'{"uptime": [{"observedValue": 99, "observedUnit": "ms"}]}',
        b'{"uptime": [{"observedValue": "99", "observedUnit": "s"}]}',
        b'{"uptime": [{"observedValue": true, "observedUnit": "s"}]}',
        b'{"uptime": [{"observedValue": NaN, "observedUnit": "s"}]}',
        b'{"uptime": [{"observedValue": 1e999, "observedUnit": "s"}]}',
        b'{"uptime": [{"observedValue": -1, "observedUnit": "s"}]}',
        b'{"uptime": [{"observedValue": ' + b"9" * 4_000 + b', "observedUnit": "s"}]}',
        b'{"uptime": [{"observedValue": 1, "observedUnit": "s"}, {"observedValue": 2, "observedUnit": "s"}]}',
        b'{"uptime": [{"observedValue": 1, "observedUnit": "s", "time": "yesterday"}]}',
        b'{"uptime": [{"observedValue": 1, "observedUnit": "s", "time": "0001-01-01T00:00:00+14:00"}]}',
        b'{"uptime": [{"observedValue": 1, "observedUnit": "s", "time": "2026-01-01T02:00:00Z"}]}',
        b'{"uptime": {}}',
        b"[]",
    ],
)
def test_an_uptime_that_can_t_be_is_not_known(httpserver: HTTPServer, client: httpx2.Client, checks: bytes) -> None:
    reading = read(httpserver, client, b'{"status": "pass", "checks": ' + checks + b"}")
    assert (reading.status, reading.service_started_at) == (RUNNING, None)
    assert "start time: the answer has no usable uptime in seconds" in reading.unread


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (401, ": correct the system's credentials in the inventory"),
        (404, ": correct the server's `health_path` in the inventory"),
        (302, ", a redirect, which is not followed: give the final URL"),
        (429, ", which says nothing of its health"),
    ],
)
def test_a_refusal_is_no_health_and_comes_with_a_remedy(
    httpserver: HTTPServer, client: httpx2.Client, status: int, remedy: str
) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        read(httpserver, client, {"status": "UP"}, status=status)
    assert str(raised.value) == f"web answered {status} when asked for the health of web-01{remedy}."


def test_a_service_that_can_t_be_reached_is_not_called_stopped(client: httpx2.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceUnavailable) as raised:
        health_at(f"http://127.0.0.1:{port}", client).read_health()
    assert str(raised.value).startswith("Whether web-01 is well is not known: web can't be reached (")
    assert str(raised.value).endswith(").")


def test_the_time_that_an_answer_takes_is_measured_and_a_reading_is_as_old_as_its_question(
    httpserver: HTTPServer, client: httpx2.Client
) -> None:
    clock = FakeClock()

    def slow(_: Request) -> Response:
        clock.sleep(1.25)
        return Response("OK")

    httpserver.expect_request(PATH, query_string="token=x").respond_with_handler(slow)
    reading = health_at(httpserver.url_for(""), client, path=f"{PATH}?token=x", clock=clock).read_health()
    (measure,) = reading.measures
    assert (measure.name, measure.value, measure.unit) == ("response time", 1.25, "seconds")
    assert (reading.observed_at, reading.source) == (START, "web /health")
