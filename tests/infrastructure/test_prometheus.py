"""A Prometheus that lies, has old samples, or answers for several targets; and what is read of a container."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.fakes import START, FakeClock
from worker.contract.observations import HealthReading, ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.prometheus import PrometheusHealth
from worker.infrastructure.promql import expressions_of
from worker.infrastructure.web_api import WebApi

WELL = {"now": "1000", "age": "4", "targets": "1", "CPU": "12.5", "memory": "40"}


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


def answer_of(figures: Mapping[str, str]) -> dict[str, object]:
    result = [{"metric": {"figure": name}, "value": [1000.0, value]} for name, value in figures.items()]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def read(
    server: HTTPServer, client: httpx2.Client, answer: object, *, exporter: str = "node", unit: str | None = None
) -> HealthReading:
    server.expect_request("/api/v1/query").respond_with_json(answer)
    api = WebApi(
        "metrics",
        server.url_for("/"),
        client=client,
        breaker=CircuitBreaker("metrics", FakeClock()),
        timeout_seconds=5,
    )
    return PrometheusHealth(
        "web-01", api=api, selector='instance="a"', exporter=exporter, unit=unit, clock=FakeClock()
    ).read_health()


def test_a_reading_is_as_old_as_its_samples_and_a_start_is_by_the_worker_s_clock(
    httpserver: HTTPServer, client: httpx2.Client
) -> None:
    reading = read(httpserver, client, answer_of(WELL | {"started": "400", "open files": "7"}), exporter="cadvisor")
    assert reading.observed_at == START - timedelta(seconds=4)
    assert reading.running_seconds == 600  # counted now, though the sample is older: never less than it is
    assert (reading.cpu_percent, reading.memory_percent) == (12.5, 40)
    files = next(measure for measure in reading.measures if measure.name == "open files")
    assert (files.value, files.unit, files.half_an_hour_before) == (7, "count", 7)
    assert reading.unread == ()


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_is_not_read(httpserver: HTTPServer, client: httpx2.Client, value: str) -> None:
    reading = read(httpserver, client, answer_of(WELL | {"CPU": value, "memory": value}), exporter="cadvisor")
    assert (reading.cpu_percent, reading.memory_percent) == (None, None)
    assert "CPU: metrics has no sample of it" in reading.unread


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ({"age": "121"}, "metrics has had no new sample of web-01 for 121 s."),
        ({"targets": "2"}, "The `metrics` of web-01 fit 2 targets of metrics: name one."),
    ],
)
def test_old_samples_and_several_targets_are_no_health(
    httpserver: HTTPServer, client: httpx2.Client, figures: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        read(httpserver, client, answer_of(WELL | figures))
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"status": "error", "error": "bad"},
        {"status": "success", "data": {"resultType": "matrix", "result": []}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "x"]}]}},
        {"status": "success", "data": {"resultType": "vector", "result": "up"}},
    ],
)
def test_nonsense_is_a_sentence(httpserver: HTTPServer, client: httpx2.Client, answer: object) -> None:
    with pytest.raises(SourceUnavailable, match=r"^metrics gave no usable answer about web-01\.$"):
        read(httpserver, client, answer)


@pytest.mark.parametrize(
    ("ready", "status"), [("3", ServiceStatus.RUNNING), ("1", ServiceStatus.DEGRADED), ("0", ServiceStatus.STOPPED)]
)
def test_a_deployment_is_as_well_as_its_replicas(
    httpserver: HTTPServer, client: httpx2.Client, ready: str, status: ServiceStatus
) -> None:
    figures = WELL | {"replicas ready": ready, "replicas wanted": "3"}
    assert read(httpserver, client, answer_of(figures), exporter="kube_state").status is status


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("active", ServiceStatus.RUNNING),
        ("activating", ServiceStatus.DEGRADED),
        ("failed", ServiceStatus.STOPPED),
    ],
)
def test_a_unit_s_state_is_the_service_s(
    httpserver: HTTPServer, client: httpx2.Client, state: str, status: ServiceStatus
) -> None:
    figures = WELL | {f"unit {state}": "1", "unit inactive": "0"}
    assert read(httpserver, client, answer_of(figures), unit="payments.service").status is status


@pytest.mark.parametrize("started", ["-1e300", "1e300", "0", "2000"])
def test_a_start_that_can_t_be_is_not_known(httpserver: HTTPServer, client: httpx2.Client, started: str) -> None:
    reading = read(httpserver, client, answer_of(WELL | {"started": started}), exporter="cadvisor")
    assert reading.service_started_at is None


def test_a_unit_and_a_selector_that_hold_each_other_s_place_are_asked_for_as_they_are() -> None:
    expressions = expressions_of("node", selector='job="UNIT"', unit="SEL.service")
    assert 'name="SEL.service",job="UNIT"' in expressions["started"].promql


def test_a_past_that_can_t_be_asked_for_is_named_and_costs_nothing_of_the_present(
    httpserver: HTTPServer, client: httpx2.Client
) -> None:
    httpserver.expect_oneshot_request("/api/v1/query").respond_with_json(answer_of(WELL))
    httpserver.expect_oneshot_request("/api/v1/query").respond_with_data("", status=500)
    reading = read(httpserver, client, answer_of(WELL), exporter="cadvisor")
    assert (reading.cpu_percent, reading.memory_percent) == (12.5, 40)
    assert "half an hour before: metrics answered 500." in reading.unread
    assert {measure.half_an_hour_before for measure in reading.measures} == {None}
