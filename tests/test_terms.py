"""A server's terms: windows of maintenance over midnight, by their own day, and when a clock is put on or back."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from worker.terms import MaintenanceWindow, RestartPolicy, Terms

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY_NIGHT = MaintenanceWindow(begins=time(23), ends=time(1, 30), zone=UTC, days=frozenset({6}))


def test_terms_that_nobody_has_set_allow_no_restart() -> None:
    assert Terms().restart_policy is RestartPolicy.NEVER
    assert not Terms().is_in_maintenance(datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        (datetime(2026, 3, 1, 22, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 1, 23, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 1, 29, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 1, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 23, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 1, 0, 30, tzinfo=UTC), False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(moment: datetime, holds: bool) -> None:
    assert SUNDAY_NIGHT.holds_at(moment) is holds
    assert Terms(maintenance=(SUNDAY_NIGHT,)).is_in_maintenance(moment) is holds


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        (datetime(2026, 7, 1, 2, 30, tzinfo=UTC), True),  # summer: half past four there
        (datetime(2026, 1, 1, 2, 30, tzinfo=UTC), False),  # winter: half past three
        (datetime(2026, 1, 1, 3, 0, tzinfo=UTC), True),
    ],
)
def test_a_window_is_of_its_own_zone_with_its_summer_time(moment: datetime, holds: bool) -> None:
    window = MaintenanceWindow(begins=time(4), ends=time(5), zone=BERLIN)
    assert window.holds_at(moment) is holds


@pytest.mark.parametrize(
    ("begins", "ends", "moment", "holds"),
    [
        ("02:30", "03:30", datetime(2026, 3, 29, 1, 15, tzinfo=UTC), True),  # 03:15, an hour after 01:15
        ("02:30", "03:30", datetime(2026, 3, 29, 1, 45, tzinfo=UTC), False),  # 03:45
        ("02:00", "02:30", datetime(2026, 10, 25, 0, 15, tzinfo=UTC), True),  # the first 02:15
        ("02:00", "02:30", datetime(2026, 10, 25, 1, 15, tzinfo=UTC), True),  # the second
    ],
)
def test_when_the_clock_on_the_wall_is_moved_a_window_goes_by_it(
    begins: str, ends: str, moment: datetime, holds: bool
) -> None:
    window = MaintenanceWindow(
        begins=time.fromisoformat(begins), ends=time.fromisoformat(ends), zone=ZoneInfo("Europe/Berlin")
    )
    assert window.holds_at(moment) is holds
