"""One incident as it is shown: what stands there holds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from worker.cli.show import _time


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
def test_every_time_is_in_utc_whatever_zone_the_source_wrote(zone: timezone) -> None:
    moment = datetime(2026, 11, 22, 3, 0, tzinfo=UTC).astimezone(zone)
    assert _time(moment) == "2026-11-22 03:00:00Z"
