"""Trends: told in time when they are real, and not for noise, steps, resets and new servers."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from producers.sources.alert import Arrival, Rejection
from producers.sources.field_map import FieldMap
from producers.trends import judging
from producers.trends.file import HeldTrend, LinearTrend, Worse
from producers.trends.judging import Finding, judge, told_of
from producers.trends.query import Series
from tests.producers.synthetic_series import HARMLESS, leak, series_of
from worker.contract import Incident, IncidentKind, Severity

LIMIT = 90
TRIALS = 400
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ARRIVAL = Arrival(received_at=NOW, unique="1", source="trend")
LINEAR = LinearTrend.model_validate(
    {
        "name": "memory",
        "kind": "linear",
        "query": "memory",
        "limit": LIMIT,
        "worse": "above",
        "text": "$server: $value of $limit in $time_left ($trend, $label_zone)",
    }
)
FALLING = LINEAR.model_copy(update={"worse": Worse.BELOW, "limit": 10})
HELD = HeldTrend.model_validate(
    {"name": "errors", "kind": "above", "query": "errors", "limit": 2, "text": "$server $value $limit"}
)


def line(**changes: float | None) -> Series:
    """A leak: at 70, ten an hour, so that 90 is two hours away."""
    slope = 10 / 3600
    measures: dict[str, float | None] = {
        "present": 70,
        "predicted": 110,
        "predicted_lately": 108,
        "slope": slope,
        "slope_before": slope,
        "fit": 0.9,
        "samples": 60,
    }
    kept = {name: value for name, value in (measures | changes).items() if value is not None}
    return Series(labels={"instance": "web-01:9100", "zone": "a"}, measures=kept, at_seconds=NOW.timestamp())


def held(**measures: float) -> Series:
    return Series(labels={"instance": "web-01:9100"}, measures=measures, at_seconds=NOW.timestamp())


def incident(trend: LinearTrend | HeldTrend, series: Series, **changes: Any) -> Incident:
    finding = judge(trend, series) or Finding(value=3, seconds_left=0)
    outcome = told_of(trend, series, finding, changes.pop("arrival", ARRIVAL))
    assert isinstance(outcome, Incident)
    return outcome


def rate_of(kind: str, *, windows_ahead: int = 4) -> float:
    """Return the share of the harmless series of a kind that are told all the same."""
    chance, within_seconds = random.Random(7), 3600 * windows_ahead
    trend = LINEAR.model_copy(update={"within_seconds": within_seconds})
    series = (series_of(HARMLESS[kind](chance), step_seconds=60, within_seconds=within_seconds) for _ in range(TRIALS))
    return sum(judge(trend, each) is not None for each in series) / TRIALS


def detection_rate(*, per_hour: float, noise: float) -> float:
    """Return the share of the leaks that are told two hours before they reach the limit."""
    chance = random.Random(7)
    told = 0
    for _ in range(TRIALS):
        values = leak(chance, per_hour=per_hour, noise=noise, points_to_limit=120, limit=LIMIT)
        told += judge(LINEAR, series_of(values, step_seconds=60, within_seconds=14_400)) is not None
    return told / TRIALS


def test_a_leak_is_told_with_the_time_that_is_left() -> None:
    finding = judge(LINEAR, line())
    assert finding is not None
    assert (finding.value, round(finding.seconds_left)) == (70, 7200)


def test_what_falls_to_a_limit_is_told_likewise() -> None:
    slope = -10 / 3600
    falling = line(present=30, predicted=-10, predicted_lately=-9, slope=slope, slope_before=slope)
    finding = judge(FALLING, falling)
    assert finding is not None
    assert (finding.value, round(finding.seconds_left)) == (30, 7200)
    assert judge(FALLING, line()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"present": 91},
        {"predicted": 89},
        {"predicted_lately": 89},
        {"slope_before": 0},
        {"slope_before": -10 / 3600},
        {"slope_before": 1 / 3600},
        {"fit": 0.5},
        {"samples": 40},
        {"fit": None},
        {"slope_before": None},
        {"predicted_lately": None},
        {"present": None},
    ],
)
def test_a_line_of_which_one_thing_is_missing_is_not_told(changes: dict[str, float | None]) -> None:
    assert judge(LINEAR, line(**changes)) is None


@pytest.mark.parametrize(
    ("kind", "limit"),
    [
        ("flat", 0),
        ("noisy", 0),
        ("spike", 0.005),
        ("step", 0.005),
        ("sawtooth", 0),
        ("day and night", 0.05),
        ("random walk", 0.03),
    ],
)
def test_a_series_that_stays_under_the_limit_is_hardly_ever_told(kind: str, limit: float) -> None:
    assert rate_of(kind) <= limit


def test_the_farther_a_line_is_drawn_the_more_often_day_and_night_pass_for_a_trend() -> None:
    two, four, six, twelve = (rate_of("day and night", windows_ahead=windows) for windows in (2, 4, 6, 12))
    assert two == 0
    assert two < four < six < twelve
    assert six <= 0.12


@pytest.mark.parametrize(("per_hour", "noise"), [(10, 0.2), (10, 1), (6, 0.2), (3, 0.2)])
def test_a_leak_that_is_steeper_than_its_noise_is_told_two_hours_ahead(per_hour: float, noise: float) -> None:
    assert detection_rate(per_hour=per_hour, noise=noise) >= 0.95


@pytest.mark.parametrize(
    ("guard", "kind", "rate"), [("FIT_MINIMUM", "sawtooth", 0.02), ("EVENNESS_MINIMUM", "step", 0.1)]
)
def test_control_without_one_of_the_guards_harmless_series_are_told(
    monkeypatch: pytest.MonkeyPatch, guard: str, kind: str, rate: float
) -> None:
    monkeypatch.setattr(judging, guard, -1e9)
    assert rate_of(kind) > rate


def test_a_limit_that_was_passed_without_a_break_is_told_and_one_that_was_kept_in_between_not() -> None:
    assert judge(HELD, held(present=5, mildest=3, samples=20)) == Finding(value=5, seconds_left=0)
    assert judge(HELD, held(present=5, mildest=1, samples=20)) is None
    assert judge(HELD, held(present=1, mildest=3, samples=20)) is None
    assert judge(HELD, held(present=5, mildest=3, samples=3)) is None
    assert judge(HELD, held(present=5, samples=20)) is None
    below = HELD.model_copy(update={"kind": "below"})
    assert judge(below, held(present=1, mildest=1.5, samples=20)) is not None
    assert judge(below, held(present=1, mildest=3, samples=20)) is None


def test_the_incident_is_a_trend_and_says_value_limit_and_time() -> None:
    told = incident(LINEAR, line())
    assert told.kind is IncidentKind.TREND
    assert (told.source, told.server_id, told.severity) == ("trend", "web-01", Severity.WARNING)
    assert told.text.startswith("web-01: 70 of 90 in 2 h 0 min (memory, a)\nA trend, not a failure yet: memory, as of")
    assert told.labels == {"instance": "web-01:9100", "zone": "a", "trend": "memory"}
    assert told.started_at == NOW


def test_a_trend_is_a_group_of_its_own_so_that_it_absorbs_no_failure() -> None:
    told = incident(LINEAR, line())
    assert told.group == "trend\nmemory\nserver=web-01"
    assert told.group != FieldMap().group_of("web-01", told.labels)
    nobody = Series(labels={}, measures=line().measures, at_seconds=NOW.timestamp())
    assert incident(LINEAR, nobody).group == ""


def test_every_watcher_tells_the_same_incident_until_it_is_time_to_tell_it_again() -> None:
    first = incident(LINEAR, line())
    another = Arrival(received_at=datetime(2026, 11, 22, 3, 1, tzinfo=UTC), unique="2", source="elsewhere")
    assert incident(LINEAR, line(present=71), arrival=another).incident_id == first.incident_id
    ids = set()
    for minutes in range(0, 24 * 60, 10):
        at_seconds = NOW.timestamp() + 60 * minutes
        later = Series(labels=line().labels, measures=line().measures, at_seconds=at_seconds)
        ids.add(incident(LINEAR, later).incident_id)
    assert len(ids) in {4, 5}, "a day has four windows of six hours, and it may begin within one"


def test_other_labels_and_other_trends_are_other_incidents() -> None:
    disk = Series(labels={**line().labels, "mountpoint": "/var"}, measures=line().measures, at_seconds=NOW.timestamp())
    other = LINEAR.model_copy(update={"name": "other"})
    ids = {incident(*each).incident_id for each in ((LINEAR, line()), (LINEAR, disk), (other, line()))}
    assert len(ids) == 3


def test_not_all_series_are_told_again_at_the_same_moment() -> None:
    def window_begins(number: int) -> int:
        ids = []
        for minutes in range(0, 360, 5):
            at_seconds = NOW.timestamp() + 60 * minutes
            series = Series(labels={"host": f"web-{number}"}, measures=line().measures, at_seconds=at_seconds)
            ids.append(incident(LINEAR, series).incident_id)
        return sum(each == ids[0] for each in ids)

    assert len({window_begins(number) for number in range(20)}) > 10


def test_the_server_stands_where_the_trend_says() -> None:
    labels = {"instance": "exporter:9100", "vm": "db-03"}
    series = Series(labels=labels, measures=line().measures, at_seconds=NOW.timestamp())
    assert incident(LINEAR, series).server_id == "exporter"
    assert incident(LINEAR.model_copy(update={"server_label": "vm"}), series).server_id == "db-03"


def test_a_label_that_looks_like_a_placeholder_or_an_order_is_only_text() -> None:
    labels = {"instance": "web-01", "zone": "$limit \x1b[31m ${time_left}"}
    series = Series(labels=labels, measures=line().measures, at_seconds=NOW.timestamp())
    assert "(memory, $limit \\x1b[31m ${time_left})" in incident(LINEAR, series).text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a minute"), (59, "less than a minute"), (600, "10 min"), (3600, "1 h 0 min"),
     (12_345, "3 h 26 min"), (7199, "2 h 0 min"), (300_000, "3.5 days")],
)  # fmt: skip
def test_the_time_that_is_left_is_said_as_people_say_it(seconds: float, words: str) -> None:
    outcome = told_of(LINEAR, line(), Finding(value=70, seconds_left=seconds), ARRIVAL)
    assert not isinstance(outcome, Rejection)
    assert f" in {words} (" in getattr(outcome, "text", "")
