"""What is full beside CPU and memory: only what fills up, only in percent, and only near its end."""

import pytest

from tests.models.transcripts import health
from worker.contract.observations import Measure
from worker.models.rules_limits import full_of


def measure(name: str, value: float, unit: str = "percent") -> Measure:
    return Measure(name=name, value=value, unit=unit, source="a fake")


@pytest.mark.parametrize("name", ["fullest disk", "file handles", "inodes of /var"])
def test_what_fills_up_is_named_with_its_value_from_95_percent_on(name: str) -> None:
    reading = health().model_copy(update={"measures": (measure(name, 95),)})
    assert full_of(reading) == (f"{name} at 95 %",)
    assert full_of(reading.model_copy(update={"measures": (measure(name, 94.9),)})) == ()


def test_a_system_s_own_figure_is_named_as_the_evidence_names_it() -> None:
    reading = health().model_copy(
        update={"figures": {"disk_percent": 99.0, "disk_model": "x", "disk_ok_percent": True}}
    )
    assert full_of(reading) == ("disk_percent at 99 %",)


@pytest.mark.parametrize(
    "other",
    [measure("fullest disk", 99, "bytes"), measure("disk reads", 4_000, "per second"), measure("cache hits", 99)],
)
def test_what_is_no_share_or_does_not_fill_up_is_not_full(other: Measure) -> None:
    assert full_of(health().model_copy(update={"measures": (other,)})) == ()
