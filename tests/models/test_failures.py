from datetime import UTC, datetime

import pytest

from worker.models.failures import failed_try, retry_after_seconds
from worker.models.openai_model import pause_seconds

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("60", 60.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Sun, 99 Mar 2026 12:01:30 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-after": value}, now=NOW) == seconds


def test_silence_about_a_pause_is_none() -> None:
    assert retry_after_seconds({}, now=NOW) is None


def test_pauses_grow_to_a_bound_and_are_spread_by_chance() -> None:
    assert [pause_seconds(failures, None, chance=0) for failures in range(1, 7)] == [0.5, 1, 2, 4, 8, 8]
    assert pause_seconds(1, None, chance=1) == 0.25
    assert pause_seconds(11, None, chance=0) == 8


def test_an_asked_for_pause_is_never_shortened() -> None:
    assert 60 <= pause_seconds(1, 60, chance=0) < pause_seconds(1, 60, chance=1) < 61


def test_a_timeout_names_the_bound_that_was_kept() -> None:
    failure = failed_try(TimeoutError(), tried_seconds=1.5, api_key=None)
    assert failure.reason == "did not answer within 1.5 s"
    assert failure.is_passing
