"""How far a source's answers lag: behind the newest that came, whatever its clock says, and whoever set it."""

import math
from collections.abc import Sequence

import pytest

from worker.infrastructure.told_time import ToldTime


def lags(tellings: Sequence[tuple[float, float]]) -> list[float]:
    """Return the lag of each telling: the source's now, and when it was asked."""
    time = ToldTime()
    return [time.lag_seconds(told, asked_at=asked_at) for told, asked_at in tellings]


def test_a_clock_that_goes_lags_nothing_however_far_it_is_from_the_worker_s() -> None:
    assert lags([(1000 + seconds, seconds) for seconds in range(0, 600, 7)]) == [0.0] * 86


def test_a_clock_that_stands_still_lags_by_all_the_time_since() -> None:
    assert lags([(1000, seconds) for seconds in (0, 1, 2, 10, 300, 301, 9000)]) == [0, 1, 2, 10, 300, 301, 9000]


def test_a_cache_that_is_filled_every_half_minute_lags_in_between() -> None:
    assert lags([(1000 + seconds // 30 * 30, seconds) for seconds in (0, 10, 29, 30, 45, 60)]) == [0, 10, 29, 0, 15, 0]


def test_a_cache_that_somebody_else_filled_lags_too() -> None:
    assert lags([(1000, 0), (1030, 45)]) == [0, 15]


def test_a_clock_that_was_set_on_is_followed_at_once() -> None:
    assert lags([(1000, 0), (5000, 10), (5010, 20)]) == [0, 0, 0]


def test_a_clock_that_was_set_back_is_believed_as_soon_as_it_is_seen_to_go_on() -> None:
    assert lags([(9000, 0), (1010, 10), (1011, 11), (1020, 20), (1030, 30)]) == [0, 8000, 8000, 0, 0]


def test_control_one_old_answer_that_never_goes_on_is_never_believed() -> None:
    assert lags([(9000, 0), (1000, 10), (1000, 20), (1000, 8000)]) == [0, 8010, 8020, 16000]


@pytest.mark.parametrize("told", [1e300, -1e300])
def test_a_time_that_can_not_be_does_no_lasting_harm(told: float) -> None:
    found = lags([(1000, 0), (told, 10), (1020, 20), (1030, 30)])
    assert found[-1] == 0
    assert all(math.isfinite(lag) for lag in found)
