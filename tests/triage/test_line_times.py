"""A line's own time is the one at its beginning or under a key for times; a time in its text is none."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from worker.triage.line_times import time_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ZONED = datetime(2026, 11, 27, 8, 35, 39, tzinfo=UTC)
NAIVE = ZONED.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("line", "text", "moment"),
    [
        ("2026-11-27T08:35:39.5Z x", "2026-11-27T08:35:39.5Z", ZONED + timedelta(milliseconds=500)),
        ("2026-11-27T08:35:39.123456789Z stderr F x", "2026-11-27T08:35:39.123456789Z", None),
        ("[2026-11-27 08:35:39,123] x", "2026-11-27 08:35:39,123", NAIVE + timedelta(milliseconds=123)),
        ("2026-11-27 08:35:39 UTC [55] ERROR: x", "2026-11-27 08:35:39 UTC", ZONED),
        ("2026-11-27 08:35:39.123 CET x", "2026-11-27 08:35:39.123", NAIVE + timedelta(milliseconds=123)),
        ("web-1  | 2026-11-27 08:35:39 x", "2026-11-27 08:35:39", NAIVE),
        ("[INFO] 2026-11-27 08:35:39 x", "2026-11-27 08:35:39", NAIVE),
        ("ERROR 2026-11-27 08:35:39 x", "2026-11-27 08:35:39", NAIVE),
        ("2026/11/27 08:35:39 [error] 1#1: x", "2026/11/27 08:35:39", NAIVE),
        ("Nov 27 08:35:39 web-01 x", "Nov 27 08:35:39", NAIVE),
        ("<34>Nov  7 08:35:39 web-01 x", "Nov  7 08:35:39", NAIVE.replace(day=7)),
        ("Nov 29 08:35:39 web-01 x", "Nov 29 08:35:39", NAIVE.replace(year=2025, day=29)),
        ("[Fri Nov 27 08:35:39.123456 2026] [core:error] x", "Fri Nov 27 08:35:39.123456 2026", NAIVE),
        ("27-Nov-2026 08:35:39.123 SEVERE [main] x", "27-Nov-2026 08:35:39.123", NAIVE),
        ("1:M 27 Nov 2026 08:35:39.123 # x", "27 Nov 2026 08:35:39.123", NAIVE),
        ("E1127 08:35:39.100000 1 kubelet.go:1] x", "E1127 08:35:39.100000", NAIVE),
        ("E20261127 08:35:39.000 x", "E20261127 08:35:39.000", NAIVE),
        ("08:35:39.123 [main] ERROR x", "08:35:39.123", None),
        ('10.0.0.7 - joe [27/Nov/2026:08:35:39 +0000] "GET /', "27/Nov/2026:08:35:39 +0000", ZONED),
        ("1795768539.25 level=error x", "1795768539.25", ZONED + timedelta(milliseconds=250)),
        ('{"ts":"2026-11-27T08:35:39Z","msg":"x"}', "2026-11-27T08:35:39Z", ZONED),
        ('{"level":"error","a":{"ts":1},"ts":1795768539}', "1795768539", ZONED),
        ('{"time":"2020-01-01T00:00:00Z","ts":1795768539}', "1795768539", ZONED),
        ('{"time":"2026-11-27T08:35:39Z","msg":"cut [… 9 bytes', "2026-11-27T08:35:39Z", ZONED),
        ('{"level":"error","time":1795768539000}', "1795768539000", ZONED),
        ("time=2026-11-27T08:35:39Z level=error", "2026-11-27T08:35:39Z", ZONED),
        ('level=error ts="2026-11-27T08:35:39+01:00" msg=x', "2026-11-27T08:35:39+01:00", None),
    ],
)
def test_a_line_s_own_time_is_read(line: str, text: str, moment: datetime | None) -> None:
    found = time_of(line, now=NOW)
    assert found is not None
    assert found.text == text
    assert moment is None or found.moment == moment
    assert moment is not None or found.moment is None or found.moment.tzinfo is not None


def test_a_zone_is_kept() -> None:
    found = time_of("2026-11-27T08:35:39+01:00 x", now=NOW)
    assert found is not None
    assert found.moment == ZONED.astimezone(timezone(timedelta(hours=1))) - timedelta(hours=1)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no time",
        "token of session 7 valid until 2027-01-01 00:00:00",
        "[INFO] job for 2019-01-01 00:00:00 started",
        "could not connect [01/Jan/2020:00:00:00 +0000]",
        '{"until":"2026-11-27T12:00:00Z","msg":"x"}',
        '{"msg":"a, \\"ts\\":\\"2020-01-01T00:00:00Z\\""}',
        '{"user":{"ts":"2020-01-01T00:00:00Z"}}',
        'level=error msg="x ts=2020-01-01T00:00:00Z"',
        "level=error user=joe ip=10.0.0.1 ts=2020-01-01T00:00:00Z",
        "1795768539 is a number",
        '{"ts":' * 900,
        '{"ts":true,"time":null}',
        "2026-13-77T99:99:99 x",
        "Nov 31 08:35:39 x",
        '{"ts":9999999999999999999}',
    ],
)
def test_what_is_no_time_of_the_line_is_none(line: str) -> None:
    found = time_of(line, now=NOW)
    assert found is None or found.moment is None or found.moment > NOW


def test_a_time_without_a_year_is_of_the_year_before_over_new_year() -> None:
    found = time_of("Dec 31 23:59:00 web x", now=datetime(2027, 1, 1, 0, 8, tzinfo=UTC))
    assert found is not None
    assert found.moment == datetime(2026, 12, 31, 23, 59)  # noqa: DTZ001 - the line names no zone
