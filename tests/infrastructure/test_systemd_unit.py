"""A unit's own share of CPU and memory, from what systemd and its cgroup say."""

import pytest

from worker.infrastructure.proc_files import sections_of
from worker.infrastructure.systemd_unit import NotAccounted, unit_cpu_percent_of, unit_memory_percent_of

TOLD = """@unit_before
CPUUsageNSec=1000000000
500.00 900.00
@unit_after
CPUUsageNSec=2000000000
500.50 901.00
@cores
4
@memory
MemTotal:       1000 kB
@group
anon 300000
inactive_file 102400
@unit
ActiveState=active
MemoryCurrent=358400
MemoryMax=infinity
CPUQuotaPerSecUSec=infinity
"""
NOT_SET = "18446744073709551615"


def test_a_unit_has_its_share_of_all_cores_and_of_all_memory_without_what_can_be_dropped() -> None:
    sections = sections_of(TOLD)
    assert unit_cpu_percent_of(sections) == 50.0
    assert unit_memory_percent_of(sections) == 25.0


@pytest.mark.parametrize(("quota", "percent"), [("2s", 100), ("2s 500ms", 80), ("2.5s", 80), ("1min", 50)])
def test_a_unit_with_a_quota_has_its_share_of_that(quota: str, percent: float) -> None:
    assert unit_cpu_percent_of(sections_of(TOLD.replace("USec=infinity", f"USec={quota}"))) == percent


@pytest.mark.parametrize("name", ["MemoryMax", "MemoryLimit"])
def test_a_unit_with_a_limit_has_its_share_of_that(name: str) -> None:
    limited = TOLD.replace("MemoryMax=infinity", f"{name}=512000")
    assert unit_memory_percent_of(sections_of(limited)) == 50.0


def test_the_older_cgroup_counts_the_unit_s_children() -> None:
    older = TOLD.replace("inactive_file 102400", "inactive_file 0\ntotal_inactive_file 102400")
    assert unit_memory_percent_of(sections_of(older)) == 25.0


@pytest.mark.parametrize("figure", [NOT_SET, "[not set]", "", "9" * 5_000])
def test_a_unit_without_accounting_has_no_figures(figure: str) -> None:
    told = TOLD.replace("NSec=2000000000", f"NSec={figure}").replace("Current=358400", f"Current={figure}")
    for read in (unit_cpu_percent_of, unit_memory_percent_of):
        with pytest.raises(NotAccounted):
            read(sections_of(told))
        with pytest.raises(NotAccounted):
            read(sections_of(""))


def test_memory_with_an_unknown_cache_in_it_is_no_figure() -> None:
    with pytest.raises(NotAccounted):
        unit_memory_percent_of(sections_of(TOLD.replace("inactive_file 102400\n", "")))


@pytest.mark.parametrize(
    ("told", "other"),
    [("NSec=2000000000", "NSec=5"), ("500.50", "500.00"), ("USec=infinity", "USec=much"), ("USec=infinity", "USec=0s")],
)
def test_a_look_at_a_unit_that_began_anew_or_at_nonsense_is_no_figure(told: str, other: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        unit_cpu_percent_of(sections_of(TOLD.replace(told, other)))


def test_a_cache_that_is_larger_than_all_is_no_figure() -> None:
    with pytest.raises(ValueError, match="larger than all"):
        unit_memory_percent_of(sections_of(TOLD.replace("Current=358400", "Current=5")))
