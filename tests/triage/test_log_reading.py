"""Findings come from the whole scanned window; the excerpt is bounded and says what it left out."""

import json

import pytest

from tests.fakes import SERVER_ID, START
from worker.contract.observations import LogTail
from worker.triage.log_reading import JUDGED_LINES, LogReading
from worker.triage.log_signs import signs_of


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
    assert (
        excerpt["left_out"] == "93 of the scanned lines are not shown, none of them an error; the log goes further back"
    )


def test_older_error_lines_are_kept_beside_the_newest() -> None:
    excerpt = json.loads(reading("ERROR the cause", *["INFO fine"] * 200).excerpt(lines=3))
    assert excerpt["log_lines_oldest_first"] == ["ERROR the cause", "INFO fine", "INFO fine", "INFO fine"]


def test_a_flood_stays_within_the_budget_and_keeps_the_errors() -> None:
    flood = [f"INFO {'y' * 500}"] * 300
    flood[10] = "ERROR the one that matters"
    excerpt = reading(*flood).excerpt(lines=400)
    assert len(excerpt.encode()) <= 14_000
    assert "the one that matters" in excerpt


def test_control_characters_and_ansi_codes_become_visible() -> None:
    excerpt = reading("\x1b[31mERROR\x1b[0m \u202egnp.exe \u200bzero").excerpt(lines=1)
    assert "\\\\x1b[31m" in excerpt
    assert "\u202e" not in excerpt
    assert "\x1b" not in excerpt


def test_a_megabyte_of_hostile_text_is_matched_in_bounded_time_by_bounded_lines() -> None:
    findings = reading(*(["connection timed connect to " + "backend " * 240] * 400)).findings()
    assert findings.scanned_lines == 400


CRASHES = (
    "kernel: Out of memory: Killed process 4242 (java) total-vm:8123456kB",
    "kernel: oom-kill:constraint=CONSTRAINT_MEMCG,task=java",
    "Killed",
    "web[7]: segfault at 0 ip 00007f error 4 in libc.so",
    "Aborted (core dumped)",
    "panic: runtime error: index out of range",
    "thread 'main' panicked at src/main.rs:2:5:",
    "level=fatal msg=stop",
    "web exited with code 137",
    "exited: web (exit status 1; not expected)",
    "exited: web (terminated by SIGKILL; not expected)",
    "child was terminated by signal 11",
    "systemd[1]: web.service: Main process exited, code=killed, status=9/KILL",
    "systemd[1]: web.service: Failed with result 'exit-code'.",
    "systemd[1]: web.service: Scheduled restart job, restart counter is at 5.",
    "Back-off restarting failed container web",
)
NO_CRASHES = (
    "systemd[1]: Starting web.service...",
    "systemd[1]: Started web.service.",
    "web exited with code 0",
    "exited: web (exit status 0; expected)",
    "systemd[1]: web.service: Main process exited, code=exited, status=0/SUCCESS",
    "stopped: web (terminated by SIGTERM)",
    "INFO a skilled worker",
)


@pytest.mark.parametrize("line", CRASHES)
def test_a_crash_of_the_process_is_a_local_fault(line: str) -> None:
    assert reading("INFO fine", line).findings().local_faults == (line,)
    (sign,) = signs_of([line])
    assert sign is not None
    assert sign.is_crash


@pytest.mark.parametrize("line", NO_CRASHES)
def test_a_start_or_a_clean_end_is_no_crash(line: str) -> None:
    assert signs_of([line]) == [None]


def at(minute: int, words: str) -> str:
    return f"2026-01-01T{2 + minute // 60:02}:{minute % 60:02}:00Z {words}"


REFUSED = "connect to db-7: Connection refused"
NEWER = [at(90, "INFO served")] * JUDGED_LINES


def test_what_justifies_a_restart_must_be_among_the_newest_lines() -> None:
    older = reading(at(89, "worker pool exhausted"), at(89, "ERROR bad request"), *NEWER).findings()
    assert (older.local_faults, older.other_errors, older.error_lines) == ((), (), 0)
    assert older.scanned_lines == JUDGED_LINES
    newer = reading(*NEWER[:-1], at(90, "worker pool exhausted")).findings()
    assert newer.local_faults == (at(90, "worker pool exhausted"),)


@pytest.mark.parametrize(("minute", "counts"), [(60, True), (89, True), (59, False), (0, False), (91, False)])
def test_a_dependency_failure_forbids_a_restart_for_half_an_hour_by_the_log_s_own_clock(
    minute: int, counts: bool
) -> None:
    failure = at(minute, REFUSED)
    findings = reading(failure, *NEWER).findings()
    assert findings.dependency_failures == ((failure,) if counts else ())
    assert findings.error_lines == int(counts)


@pytest.mark.parametrize("failure", [REFUSED, f"Jan  1 03:29:00 {REFUSED}"])
def test_an_older_dependency_failure_without_a_comparable_time_does_not_hold_a_restart_back(failure: str) -> None:
    assert reading(failure, *NEWER).findings().dependency_failures == ()
    assert reading(*NEWER[:-1], failure).findings().dependency_failures == (failure,)


def test_what_findings_leave_out_is_shown_to_the_model_all_the_same() -> None:
    excerpt = json.loads(reading(REFUSED, *NEWER).excerpt(lines=1))
    assert excerpt["log_lines_oldest_first"][0] == REFUSED
