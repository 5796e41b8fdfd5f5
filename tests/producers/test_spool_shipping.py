"""Shipping: pauses grow and are bounded, and an outage is counted from its first failure."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from producers.spool.record import encode
from producers.spool.series import Series
from producers.spool.shipping import Shipper
from tests.producers.spool_fakes import FakeDoor, FakeTime, firing


@pytest.fixture
def door() -> FakeDoor:
    return FakeDoor()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return Series(tmp_path, "other")


@pytest.fixture
def shipper(series: Series, door: FakeDoor, time: FakeTime) -> Shipper:
    return Shipper([series], door, monotonic_seconds=time, chance=lambda: 0.0)


def test_the_pauses_grow_from_a_fifth_of_a_second_to_half_a_minute_and_begin_anew_after_a_success(
    series: Series, shipper: Shipper, door: FakeDoor
) -> None:
    door.is_away = True
    series.append(encode(firing(1)))
    assert [shipper.ship_page() for _ in range(10)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    door.is_away = False
    assert shipper.ship_page() == 0
    door.is_away = True
    series.append(encode(firing(2)))
    assert shipper.ship_page() == 0.2


def test_chance_shortens_a_pause_by_up_to_half_so_that_many_spools_do_not_come_at_once(
    series: Series, door: FakeDoor, time: FakeTime
) -> None:
    door.is_away = True
    series.append(encode(firing(1)))
    shipper = Shipper([series], door, monotonic_seconds=time, chance=lambda: 0.999)
    assert [round(shipper.ship_page() or 0, 2) for _ in range(3)] == [0.1, 0.2, 0.4]


def test_an_outage_is_counted_from_the_first_failure_and_ends_with_the_first_answer(
    series: Series, shipper: Shipper, door: FakeDoor, time: FakeTime
) -> None:
    series.append(encode(firing(1)))
    assert shipper.outage_seconds() is None
    door.is_away = True
    with capture_logs() as logs:
        for _ in range(3):
            shipper.ship_page()
            time.seconds += 50
        assert shipper.outage_seconds() == 150
        door.is_away = False
        shipper.ship_page()
    assert shipper.outage_seconds() is None
    assert [entry["event"] for entry in logs] == ["spool.shipping_paused", "spool.shipping_resumed"]


def test_passing_over_a_torn_record_is_no_answer_of_redis(
    tmp_path: Path, series: Series, shipper: Shipper, door: FakeDoor, time: FakeTime
) -> None:
    door.is_away = True
    series.append(encode(firing(1)))
    shipper.ship_page()
    Series(tmp_path, "critical").append(encode(firing(2)))
    [segment] = tmp_path.glob("critical-*")
    segment.write_bytes(segment.read_bytes()[:-10])
    both = Shipper([Series(tmp_path, "critical"), series], door, monotonic_seconds=time)
    both.ship_page()
    both.ship_page()
    time.seconds += 10
    assert both.outage_seconds() == 10


def test_without_anything_that_waits_there_is_nothing_to_ship(shipper: Shipper, door: FakeDoor) -> None:
    assert shipper.ship_page() is None
    assert door.batches == []
