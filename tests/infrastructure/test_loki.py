"""Loki's documented exchange: one range asked for, streams merged, and nonsense told for what it is."""

from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.fakes import START, FakeClock
from worker.errors import SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.loki import LokiLogs
from worker.infrastructure.web_api import WebApi

SELECTOR = '{host="web-01"}'
STREAMS = {
    "status": "success",
    "data": {
        "resultType": "streams",
        "result": [
            {"stream": {"level": "info"}, "values": [["3", "third"], ["1", "first"]]},
            {"stream": {"level": "error"}, "values": [["4", "fourth\u202e"], ["2", "second", {"trace": "x"}]]},
        ],
        "stats": {},
    },
}


@pytest.fixture
def logs(httpserver: HTTPServer) -> Iterator[LokiLogs]:
    with httpx2.Client(trust_env=False) as client:
        breaker = CircuitBreaker("logs", FakeClock())
        api = WebApi("logs", httpserver.url_for("/"), client=client, breaker=breaker, timeout_seconds=5)
        yield LokiLogs("web-01", api=api, selector=SELECTOR, clock=FakeClock())


def test_a_range_is_asked_for_and_streams_are_merged_oldest_first(httpserver: HTTPServer, logs: LokiLogs) -> None:
    since = START - timedelta(minutes=30)
    question = {
        "query": SELECTOR,
        "start": f"{int(since.timestamp())}000000000",
        "end": f"{int(START.timestamp()) + 1}000000000",
        "direction": "backward",
        "limit": "3",
    }
    httpserver.expect_request("/loki/api/v1/query_range", query_string=question).respond_with_json(STREAMS)
    tail = logs.read_log_tail(lines=3, since=since)
    assert tail.lines == ("second", "third", "fourth\\u202e")
    assert (tail.observed_at, tail.older_lines_exist) == (START, True)


def test_without_a_beginning_the_last_hour_is_asked_for_and_never_more_than_loki_gives(
    httpserver: HTTPServer, logs: LokiLogs
) -> None:
    httpserver.expect_request("/loki/api/v1/query_range").respond_with_json(STREAMS)
    assert len(logs.read_log_tail(lines=90_000).lines) == 4
    ((request, _),) = httpserver.log
    assert request.args["limit"] == "5000"
    assert request.args["start"] == f"{int((START - timedelta(hours=1)).timestamp())}000000000"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error"},
        {"status": "success", "data": {"resultType": "matrix", "result": []}},
        {"status": "success", "data": {"resultType": "streams", "result": [{"values": [["x", "line"]]}]}},
        {"status": "success", "data": {"resultType": "streams", "result": [{"values": [["1"]]}]}},
        "streams",
    ],
)
def test_nonsense_is_a_sentence(httpserver: HTTPServer, logs: LokiLogs, answer: object) -> None:
    httpserver.expect_request("/loki/api/v1/query_range").respond_with_json(answer)
    with pytest.raises(SourceUnavailable, match=r"^logs gave no usable answer about the log of web-01\.$"):
        logs.read_log_tail(lines=5)


def test_a_selector_that_loki_refuses_is_a_sentence(httpserver: HTTPServer, logs: LokiLogs) -> None:
    httpserver.expect_request("/loki/api/v1/query_range").respond_with_data("parse error", status=400)
    with pytest.raises(SourceUnavailable, match=r"^logs answered 400\.$"):
        logs.read_log_tail(lines=5)
