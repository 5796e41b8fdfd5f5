"""Loki's documented exchange: one range asked for, streams merged, and nonsense told for what it is."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.fakes import START, FakeClock
from worker.errors import SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.loki import LokiLogs
from worker.infrastructure.web_api import ANSWER_LIMIT_BYTES, WebApi

RANGE = "/loki/api/v1/query_range"
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


EMPTY = {"status": "success", "data": {"resultType": "streams", "result": []}}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def logs(httpserver: HTTPServer, clock: FakeClock) -> Iterator[LokiLogs]:
    with httpx2.Client(trust_env=False) as client:
        breaker = CircuitBreaker("logs", clock)
        api = WebApi("logs", httpserver.url_for("/"), client=client, breaker=breaker, timeout_seconds=5)
        yield LokiLogs("web-01", api=api, selector=SELECTOR, clock=clock)


class Loki:
    """A store of one stream that answers as documented: `start` counts, `end` does not, the newest come first."""

    def __init__(self, server: HTTPServer, *, times: Sequence[int], line: str = "line") -> None:
        self.limits: list[int] = []
        self._times, self._line = sorted(times, reverse=True), line
        server.expect_request(RANGE).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        start, end, limit = (int(request.args[name]) for name in ("start", "end", "limit"))
        self.limits.append(limit)
        values = [[str(time), self._line] for time in self._times if start <= time < end][:limit]
        data = {"resultType": "streams", "result": [{"stream": {}, "values": values}]}
        return Response(json.dumps({"status": "success", "data": data}))


def nanoseconds(seconds_before: float) -> int:
    return (int(START.timestamp()) * 1_000 - int(seconds_before * 1_000)) * 1_000_000


def test_a_range_is_asked_for_to_the_fraction_and_streams_are_merged_oldest_first(
    httpserver: HTTPServer, logs: LokiLogs
) -> None:
    question = {
        "query": SELECTOR,
        "start": f"{int(START.timestamp()) - 1_800}250001000",
        "end": f"{int(START.timestamp()) + 1}000000000",
        "direction": "backward",
        "limit": "4",
    }
    httpserver.expect_request(RANGE, query_string=question).respond_with_json(STREAMS)
    tail = logs.read_log_tail(lines=3, since=START - timedelta(minutes=30) + timedelta(microseconds=250_001))
    begins = "1970-01-01T00:00:00.000+00:00"
    assert tail.lines == (f"{begins} second", f"{begins} third", f"{begins} fourth\\u202e")
    assert (tail.observed_at, tail.older_lines_exist) == (START, True)


def test_without_a_beginning_the_last_hour_is_asked_for_and_never_more_than_loki_gives(
    httpserver: HTTPServer, logs: LokiLogs
) -> None:
    loki = Loki(httpserver, times=[nanoseconds(second / 2) for second in range(6_000)])
    tail = logs.read_log_tail(lines=10_000)
    assert (len(tail.lines), tail.older_lines_exist, loki.limits) == (5_000, True, [5_000])
    ((request, _),) = httpserver.log
    assert request.args["start"] == str(nanoseconds(3_600))


def test_long_lines_are_fewer_lines_and_never_no_log(httpserver: HTTPServer, logs: LokiLogs) -> None:
    loki = Loki(httpserver, times=[nanoseconds(second / 2) for second in range(6_000)], line="x" * 1_000)
    tail = logs.read_log_tail(lines=5_000)
    assert (len(tail.lines), tail.older_lines_exist, loki.limits) == (1_250, True, [5_000, 1_250])


def test_lines_that_never_fit_are_a_sentence_after_three_questions(httpserver: HTTPServer, logs: LokiLogs) -> None:
    loki = Loki(httpserver, times=[nanoseconds(10)], line="x" * ANSWER_LIMIT_BYTES)
    with pytest.raises(SourceUnavailable, match=r"^logs has more in the log of web-01 than can be read\.$"):
        logs.read_log_tail(lines=5_000)
    assert loki.limits == [5_000, 1_250, 156]


def test_nothing_is_asked_again_when_the_time_is_up(httpserver: HTTPServer, logs: LokiLogs, clock: FakeClock) -> None:
    def late(_: Request) -> Response:
        clock.sleep(6)
        return Response(b" " * (ANSWER_LIMIT_BYTES + 1))

    httpserver.expect_request(RANGE).respond_with_handler(late)
    with pytest.raises(SourceUnavailable):
        logs.read_log_tail(lines=5_000)
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("times", "is_older"),
    [
        ([10, 20, 30], True),  # one more than was wanted
        ([10, 20], False),
        ([10, 20, 600], True),  # before the beginning
        ([600], True),
        ([10, 600 + 86_400], False),  # nobody looks so far back
        ([], False),
    ],
)
def test_the_log_goes_further_back_where_loki_has_an_older_line(
    httpserver: HTTPServer, logs: LokiLogs, times: list[int], is_older: bool
) -> None:
    Loki(httpserver, times=[nanoseconds(seconds) for seconds in times])
    tail = logs.read_log_tail(lines=2, since=START - timedelta(minutes=5))
    assert (len(tail.lines), tail.older_lines_exist) == (len([time for time in times if time < 300][:2]), is_older)


def test_no_beginning_is_claimed_where_loki_does_not_say_what_was_before(
    httpserver: HTTPServer, logs: LokiLogs
) -> None:
    httpserver.expect_oneshot_request(RANGE).respond_with_json(EMPTY)
    httpserver.expect_oneshot_request(RANGE).respond_with_data("", status=500)
    assert logs.read_log_tail(lines=2).older_lines_exist


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "error"},
        {"status": "success", "data": {"resultType": "matrix", "result": []}},
        {"status": "success", "data": {"resultType": "streams", "result": [{"values": [["x", "line"]]}]}},
        {"status": "success", "data": {"resultType": "streams", "result": [{"values": [["1"]]}]}},
        "streams",
        {"status": "success", "data": {"resultType": "streams", "result": [{"values": [["1", None]]}]}},
        {"status": "success", "data": {"resultType": "streams", "result": [{"values": [["1", "line"], ["2", 7]]}]}},
        {"status": "success", "data": {"resultType": "streams", "result": [{"values": [[]] * 50_000}]}},
    ],
)
def test_nonsense_is_a_sentence(httpserver: HTTPServer, logs: LokiLogs, answer: object) -> None:
    httpserver.expect_request(RANGE).respond_with_json(answer)
    with pytest.raises(SourceUnavailable, match=r"^logs gave no usable answer about the log of web-01\.$"):
        logs.read_log_tail(lines=5)


def test_a_selector_that_loki_refuses_is_a_sentence(httpserver: HTTPServer, logs: LokiLogs) -> None:
    httpserver.expect_request(RANGE).respond_with_data("parse error", status=400)
    with pytest.raises(SourceUnavailable, match=r"^logs answered 400 "):
        logs.read_log_tail(lines=5)
