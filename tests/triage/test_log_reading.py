"""Findings come from the whole scanned window; the excerpt is bounded and says what it left out."""

import json

from tests.fakes import SERVER_ID, START
from worker.contract.observations import LogTail
from worker.triage.log_reading import LogReading


def reading(*lines: str, older: bool = False) -> LogReading:
    tail = LogTail(server_id=SERVER_ID, lines=lines, older_lines_exist=older, observed_at=START, source="test")
    return LogReading.of(tail)


def test_a_refused_connection_is_a_dependency_failure() -> None:
    findings = reading("INFO fine", "ERROR connect to 127.0.0.1:9200 failed: Connection refused").findings()
    assert findings.dependency_failures == ("ERROR connect to 127.0.0.1:9200 failed: Connection refused",)
    assert findings.error_lines == 1


def test_hung_threads_are_a_local_fault_and_other_errors_are_just_errors() -> None:
    findings = reading("WARN 8 request threads hung for 30 s", "ERROR bad request", "INFO 200 GET /").findings()
    assert findings.local_faults == ("WARN 8 request threads hung for 30 s",)
    assert findings.other_errors == ("ERROR bad request",)
    assert findings.dependency_failures == ()


def test_a_clean_log_has_no_findings() -> None:
    findings = reading("INFO served 200 GET /health in 3 ms", "DEBUG cache warm").findings()
    assert findings.error_lines == 0


def test_only_the_newest_quotations_are_kept_and_each_is_bounded() -> None:
    findings = reading(*(f"ERROR number {n} {'x' * 2000}" for n in range(50))).findings()
    assert len(findings.other_errors) == 5
    assert findings.other_errors[-1].startswith("ERROR number 49")
    assert all(len(quotation) < 400 for quotation in findings.other_errors)
    assert findings.error_lines == 50


def test_the_number_of_lines_is_honoured() -> None:
    excerpt = json.loads(reading(*(f"INFO {n}" for n in range(100)), older=True).excerpt(lines=7))
    assert excerpt["log_lines_oldest_first"] == [f"INFO {n}" for n in range(93, 100)]
    assert excerpt["left_out"] == "93 of the scanned lines are not shown, none of them an error; the log goes further back"


def test_older_error_lines_are_kept_beside_the_newest() -> None:
    excerpt = json.loads(reading("ERROR the cause", *["INFO fine"] * 200).excerpt(lines=3))
    assert excerpt["log_lines_oldest_first"] == ["ERROR the cause", "INFO fine", "INFO fine", "INFO fine"]


def test_a_flood_stays_within_the_budget_and_keeps_the_errors() -> None:
    flood = [f"INFO {'y' * 500}"] * 300
    flood[10] = "ERROR the one that matters"
    excerpt = reading(*flood).excerpt(lines=400)
    assert len(excerpt.encode()) < 14_000
    assert "the one that matters" in excerpt


def test_control_characters_and_ansi_codes_become_visible() -> None:
    excerpt = reading("\x1b[31mERROR\x1b[0m \u202egnp.exe \u200bzero").excerpt(lines=1)
    assert "\\\\x1b[31m" in excerpt
    assert "\u202e" not in excerpt
    assert "\x1b" not in excerpt


def test_a_megabyte_of_hostile_text_is_matched_in_bounded_time_by_bounded_lines() -> None:
    findings = reading(*(["connection timed connect to " + "backend " * 240] * 400)).findings()
    assert findings.scanned_lines == 400
