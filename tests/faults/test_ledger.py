"""The ledger sees each harm by itself: a suite whose eyes are shut would find nothing either."""

from pathlib import Path

import pytest

from tests.faults.ledger import Ledger, Limits, Restart, restarts_in

LIMITS = Limits(
    cooldown_seconds=10,
    server_restarts=2,
    server_window_seconds=100,
    fleet_restarts=3,
    fleet_window_seconds=50,
    fleet_concurrency=1,
)
START = 1_800_000_000.0


def ledger_of(*incident_ids: str) -> Ledger:
    return Ledger(
        accepted=dict.fromkeys(incident_ids, START), results={incident_id: [START + 9] for incident_id in incident_ids}
    )


def restart(incident_id: str, *, after: float, server: str = "web-1", seconds: float = 1) -> Restart:
    at = START + after
    return Restart(incident_id=incident_id, server_id=server, at=at, done_at=at + seconds)


def test_a_row_in_which_all_went_well_is_safe() -> None:
    figures = ledger_of("a", "b").figures([restart("a", after=0), restart("b", after=11)], LIMITS)
    assert figures.is_safe
    assert (figures.promised, figures.restarts) == (2, 2)


def test_an_incident_without_a_result_is_lost() -> None:
    ledger = ledger_of("a", "b")
    del ledger.results["b"]
    assert ledger.figures([], LIMITS).lost == 1


def test_a_second_restart_for_an_incident_is_a_double_even_on_another_server() -> None:
    restarts = [restart("a", after=0), restart("a", after=20, server="web-2")]
    figures = ledger_of("a").figures(restarts, LIMITS)
    assert (figures.doubles, figures.overlaps) == (1, 0)


@pytest.mark.parametrize("after", [0.5, 10.9])
def test_a_restart_during_another_or_within_its_cooldown_overlaps(after: float) -> None:
    restarts = [restart("a", after=0), restart("b", after=after)]
    assert ledger_of("a", "b").figures(restarts, LIMITS).overlaps == 1


def test_a_second_result_is_a_duplicate() -> None:
    ledger = ledger_of("a")
    ledger.results["a"].append(START + 10)
    assert ledger.figures([], LIMITS).duplicates == 1


def test_a_server_s_budget_is_seen() -> None:
    restarts = [restart(name, after=30 * number) for number, name in enumerate("abc")]
    assert ledger_of(*"abc").figures(restarts, LIMITS).over_budget == 1


def test_the_fleet_s_budget_is_seen() -> None:
    restarts = [restart(name, after=5 * number, server=f"web-{name}") for number, name in enumerate("abcd")]
    assert ledger_of(*"abcd").figures(restarts, LIMITS).over_budget == 1


def test_too_many_restarts_at_once_are_seen() -> None:
    restarts = [restart("a", after=0), restart("b", after=0.5, server="web-2")]
    assert ledger_of("a", "b").figures(restarts, LIMITS).over_budget == 1


def test_a_restart_after_its_leave_has_lapsed_is_late() -> None:
    ledger = ledger_of("a", "b")
    ledger.not_after["a"] = START + 5
    figures = ledger.figures([restart("a", after=6), restart("b", after=20, server="web-2")], LIMITS)
    assert (figures.late, figures.doubles, figures.overlaps) == (1, 0, 0)
    assert not figures.is_safe


def test_a_complaint_is_enough_to_fail_a_row() -> None:
    ledger = ledger_of("a")
    ledger.complaints.append("a worker died of a message")
    assert not ledger.figures([], LIMITS).is_safe


def test_recovery_counts_from_the_first_fault_that_met_an_open_incident() -> None:
    ledger = ledger_of("a", "b")
    ledger.faults += [START - 1, START + 2, START + 5, START + 20]
    ledger.results["b"] = [START + 1]
    assert ledger.figures([], LIMITS).recovery_seconds == [7]


def test_restarts_are_read_with_start_and_end_of_every_server(tmp_path: Path) -> None:
    for server in ("web-1", "web-2"):
        (tmp_path / server).mkdir()
    line = '{{"at": "2027-01-15T08:00:00Z", "incident_id": "{}", "fence": 1, "server_id": "{}"{}}}\n'
    (tmp_path / "web-1" / "restarts.jsonl").write_text(line.format("a", "web-1", ""))
    ended = ', "done_at": "2027-01-15T08:00:02Z"'
    for name in ("restarts.jsonl", "restarts.1.jsonl"):
        (tmp_path / "web-2" / name).write_text(line.format("b", "web-2", ended))
    found = restarts_in(tmp_path)
    assert [(each.server_id, each.done_at - each.at) for each in found] == [("web-1", 0), ("web-2", 2), ("web-2", 2)]
