"""The share of failed requests by an expression of the inventory: read, or named with what is wrong; never more."""

import json
from collections.abc import Mapping

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.infrastructure.prometheus_stub import NOT_UNDERSTOOD, QUERY, WELL, answer_of, asked_at, unread
from worker.contract.observations import HealthReading

EXPRESSION = 'sum(rate(http_errors_total{job="shop"}[5m])) / sum(rate(http_requests_total{job="shop"}[5m]))'
BEFORE = float(WELL["now"]) - 1_800


def read_with(server: HTTPServer, *, now: object, before: object = None) -> HealthReading:
    """Read where Prometheus knows a container, and answers `now` and `before` to the error rate; None is a 400."""

    def answer(request: Request) -> Response:
        is_rate = EXPRESSION in request.args["query"]
        told = answer_of(WELL) if not is_rate else before if float(request.args["time"]) == BEFORE else now
        return Response(json.dumps(told), status=400 if told is None else 200, content_type="application/json")

    server.expect_request(QUERY).respond_with_handler(answer)
    with asked_at(server.url_for("/"), exporter="cadvisor", error_rate=EXPRESSION) as health:
        return health.read_health()


def of(*values: str) -> Mapping[str, object]:
    return answer_of({}, *(("error_rate", value) for value in values))


def test_an_error_rate_is_a_measure_with_how_it_was(httpserver: HTTPServer) -> None:
    reading = read_with(httpserver, now=of("0.25"), before=of("0.01"))
    (rate,) = (measure for measure in reading.measures if measure.name == "error_rate")
    assert (rate.value, rate.unit, rate.half_an_hour_before) == (0.25, "ratio", 0.01)
    assert unread(reading, "error_rate") == []


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (None, f"error_rate: {NOT_UNDERSTOOD}"),
        (of(), "error_rate: metrics has no sample of it."),
        (of("0.1", "0.2"), "error_rate: metrics gave 2 samples of it, where one is meant."),
        (of("NaN"), "error_rate: metrics gave nan, which is no number."),
        (of("-0.1"), "error_rate: metrics gave -0.1, which can't be."),
        (of("3"), "error_rate: metrics gave 3, which is no share from 0 to 1."),
        ("nonsense", "error_rate: metrics gave no usable answer about web-01."),
    ],
)
def test_an_expression_that_brings_no_share_is_named_and_costs_nothing_else(
    httpserver: HTTPServer, now: object, sentence: str
) -> None:
    reading = read_with(httpserver, now=now, before=of("0.01"))
    assert unread(reading, "error_rate") == [sentence]
    assert "error_rate" not in {measure.name for measure in reading.measures}
    assert (reading.cpu_percent, reading.memory_percent) == (12.5, 40)


@pytest.mark.parametrize("before", [None, of(), of("7"), of("0.1", "0.2")])
def test_an_error_rate_without_a_past_is_told_without_it(httpserver: HTTPServer, before: object) -> None:
    reading = read_with(httpserver, now=of("0.25"), before=before)
    (rate,) = (measure for measure in reading.measures if measure.name == "error_rate")
    assert (rate.value, rate.half_an_hour_before) == (0.25, None)


def test_without_an_expression_two_questions_are_asked_and_none_of_errors(httpserver: HTTPServer) -> None:
    httpserver.expect_request(QUERY).respond_with_json(answer_of(WELL))
    with asked_at(httpserver.url_for("/"), exporter="cadvisor") as health:
        reading = health.read_health()
    assert len(httpserver.log) == 2
    assert unread(reading, "error_rate") == []
