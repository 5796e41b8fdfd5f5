"""A round of a watch: one question a trend, an answer of any shape, and each trend that holds is taken in once."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from producers.door import RedisDoor
from producers.intake import Answer, IntakeUnavailable
from producers.polling.json_api import ApiError, JsonApi
from producers.polling.settings import PollSettings
from producers.trends.file import HeldTrend, LinearTrend
from producers.trends.query import MEASURE, ask, expression_of
from producers.trends.watching import Watch
from tests.redis_servers import SwitchableRedis

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TEXT = "$server $value $limit $time_left"
LINEAR = LinearTrend.model_validate(
    {"name": "memory", "kind": "linear", "query": "memory # used", "limit": 90, "worse": "above", "text": TEXT}
)
HELD = HeldTrend.model_validate(
    {"name": "errors", "kind": "above", "query": "errors", "limit": 2, "text": TEXT, "for_seconds": 300}
)


def sample(measure: str, value: object, **labels: str) -> dict[str, Any]:
    return {"metric": {MEASURE: measure, "instance": "web-01:9100"} | labels, "value": [NOW.timestamp(), value]}


def holding(**labels: str) -> list[dict[str, Any]]:
    measures = {"present": "5", "mildest": "3", "samples": "20"}
    return [sample(name, value, **labels) for name, value in measures.items()]


def api_with(result: object, kind: str = "vector", failing: str = "nothing") -> JsonApi:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if failing in request.content.decode():
            return httpx2.Response(400, json={"status": "error", "error": "parse error"})
        return httpx2.Response(200, json={"status": "success", "data": {"resultType": kind, "result": result}})

    transport = httpx2.MockTransport(answer)
    return JsonApi("http://prometheus.example", PollSettings.model_construct(), transport=transport)


def watch_of(api: JsonApi, redis: SwitchableRedis, *trends: LinearTrend | HeldTrend) -> Watch:
    return Watch(api=api, trends=trends or (HELD,), door=RedisDoor(redis.client), now=lambda: NOW)


def test_one_expression_asks_every_measure_of_one_moment() -> None:
    asked = expression_of(LINEAR)
    for part in (
        "predict_linear((\nmemory # used\n)[3600s:60s], 14400)",
        "predict_linear((\nmemory # used\n)[1800000ms:60s], 14400)",
        "deriv((\nmemory # used\n)[1800000ms:60s] offset 1800000ms)",
    ):
        assert part in asked
    assert "min_over_time((\nerrors\n)[300s:15s])" in expression_of(HELD)
    assert "max_over_time(" in expression_of(HELD.model_copy(update={"kind": "below"}))


def test_the_measures_of_a_series_are_joined_and_its_own_labels_are_kept() -> None:
    result = [*holding(__name__="errors"), *holding(zone="b"), sample("present", "NaN", zone="c")]
    with api_with(result) as api:
        found = ask(api, HELD)
    assert [dict(series.labels) for series in found] == [
        {"instance": "web-01:9100"},
        {"instance": "web-01:9100", "zone": "b"},
    ]
    assert found[0].measures == {"present": 5, "mildest": 3, "samples": 20}
    assert found[0].at_seconds == NOW.timestamp()


@pytest.mark.parametrize(
    "strange",
    [
        None,
        7,
        {},
        {"metric": None, "value": None},
        {"metric": {MEASURE: "present"}, "value": [1]},
        {"metric": {MEASURE: "present"}, "value": ["1", 2]},
        {"metric": {MEASURE: "present"}, "value": [1, "much"]},
        {"metric": {}, "value": [1, "1"]},
    ],
)
def test_a_sample_that_is_none_is_left_out(strange: object) -> None:
    with api_with([strange, *holding()]) as api:
        (series,) = ask(api, HELD)
    assert len(series.measures) == 3


def test_an_answer_of_another_kind_is_an_error() -> None:
    with api_with([], kind="scalar") as api, pytest.raises(ApiError, match="no instant vector"):
        ask(api, HELD)


def test_what_holds_is_taken_in_once_and_what_does_not_is_not() -> None:
    redis = SwitchableRedis()
    with api_with([*holding(), *holding(instance="web-02"), sample("present", "9", instance="web-03")]) as api:
        first, second = (watch_of(api, redis).take_round() for _ in range(2))
    assert [verdict.answer for _, verdict in first.told] == [Answer.ACCEPTED, Answer.ACCEPTED]
    assert [verdict.answer for _, verdict in second.told] == [Answer.DUPLICATE, Answer.DUPLICATE]
    assert [incident.server_id for incident, _ in first.told] == ["web-01", "web-02"]


def test_a_trend_that_can_t_be_asked_keeps_no_other_from_being_told() -> None:
    with api_with(holding(), failing="memory") as api:
        came_to = watch_of(api, SwitchableRedis(), LINEAR, HELD).take_round()
    assert len(came_to.told) == 1
    (failure,) = came_to.failures
    assert failure.startswith("memory: http://prometheus.example/api/v1/query answers 400 (“parse error”)")


def test_what_redis_could_not_take_is_found_again_while_it_holds() -> None:
    redis = SwitchableRedis()
    with api_with(holding()) as api:
        watch = watch_of(api, redis)
        redis.goes_away()
        with pytest.raises(IntakeUnavailable):
            watch.take_round()
        redis.comes_back()
        assert [verdict.answer for _, verdict in watch.take_round().told] == [Answer.ACCEPTED]


def test_a_trend_without_series_is_no_failure() -> None:
    with api_with([]) as api:
        assert watch_of(api, SwitchableRedis()).take_round() == ([], [])
