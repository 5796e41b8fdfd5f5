"""Findings come from the whole scanned window; the excerpt is bounded and says what it left out."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes import SERVER_ID, START
from worker.contract.observations import LogTail
from worker.triage.line_ages import NEWEST_LINES
from worker.triage.log_reading import LogReading
from worker.triage.log_signs import LineKind, signs_of


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
        excerpt["left_out"]
        == "93 of the scanned lines are not shown, none of them with a word of an error; the log goes further back"
    )


def test_older_error_lines_are_kept_beside_the_newest() -> None:
    excerpt = json.loads(reading("ERROR the cause", *["INFO fine"] * 200).excerpt(lines=3))
    assert excerpt["log_lines_oldest_first"] == ["ERROR the cause", *["INFO fine"] * 8]  # five of them around the error


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


def test_a_quotation_is_cut_around_the_reason_and_is_part_of_what_is_shown() -> None:
    line = f'{{"level":"info","ctx":"{"k" * 900}","msg":"connect: connection refused","more":"{"m" * 900}"}}'
    log = reading(line)
    (quotation,) = log.findings().dependency_failures
    assert "connection refused" in quotation
    (shown,) = json.loads(log.excerpt(lines=1))["log_lines_oldest_first"]
    assert all(part in shown for part in re.split(r" \[… \d+ bytes cut …\] ", quotation))


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


ERRORS = (
    "AssertionError: balance negative",
    "TypeError: x is undefined",
    "write /var/lib/pg/wal: No space left on device",
    "open /run/x.pid: Permission denied",
    "read: Connection reset by peer",
    "write: Broken pipe",
    "mount: Read-only file system",
    "E1127 12:00:00.123456 1 kubelet.go:12] node not ready",
    "2026-11-27T12:00:00Z F1127 12:00:00.123456 1 kubelet.go:12] bye",
    "E20261127 12:00:00.123456 1 main.cc:12] bye",
    "[E] thing",
    "<3>kernel: what",
    "ERROR_CODE=5",
    "INFO errors: 5, warnings: 0",
    "failures=3",
    "/pay/errors: it failed",
    '10.0.0.7 - - [27/Nov/2026:08:35:39 +0000] "GET /pay HTTP/1.1" 500 12',
    '10.0.0.7 - - [27/Nov/2026:08:35:39 +0000] "GET /out%20of/fatal HTTP/1.1" 502 12',
    '{"level":50,"msg":"what"}',
    '{"status":503,"path":"/pay"}',
    "worker 0 failed",
    "ERROR: 0 replicas",
    "errors=50",
    "error=nothing works",
)
NO_ERRORS = (
    'level=info msg="no error" err=nil',
    "err=<nil>",
    "error=null",
    '{"level":"info","error":null,"last_error":"","errors":0}',
    "INFO fatal=false errors=0",
    "INFO 0 failed, 12 passed",
    "12 passed, 0 failed",
    "INFO 0 errors, no warnings",
    "INFO leak detection enabled",
    "INFO deadlock detection: off",
    "INFO killed 0 idle sessions",
    "kernel: usb: hung task watchdog enabled",
    "GET /docs/connection-refused/fatal.html 200",
    "loaded https://example.com/errors/panic?x=1",
    '10.0.0.7 - - [27/Nov/2026:08:35:39 +0000] "GET /oom-kill/fatal.html HTTP/1.1" 200 512',
    "INFO circuit for database is down-sampled",
)


@pytest.mark.parametrize("line", ERRORS)
def test_whatever_says_error_in_its_own_way_is_an_error(line: str) -> None:
    (sign,) = signs_of([line])
    assert sign is not None
    assert sign.kind is LineKind.OTHER_ERROR


@pytest.mark.parametrize("line", NO_ERRORS)
def test_words_of_an_error_that_say_that_there_is_none_are_no_sign(line: str) -> None:
    assert signs_of([line]) == [None]


@pytest.mark.parametrize("line", NO_ERRORS)
def test_what_says_that_there_is_no_error_hides_no_other_one(line: str) -> None:
    (sign,) = signs_of([f"{line} connect to db: Connection refused"])
    assert sign is not None
    assert sign.kind is LineKind.DEPENDENCY_FAILURE


def at(minute: float, words: str) -> str:
    """Return a line of so many minutes before the log was read."""
    return f"{(START - timedelta(minutes=minute)).isoformat()} {words}"


def naive(minute: float, words: str) -> str:
    return at(minute, words).replace("+00:00", "").replace("T", " ")


REFUSED = "connect to db-7: Connection refused"
NEWER = [at(0, "INFO served")] * NEWEST_LINES
NEWER_NAIVE = [naive(0, "INFO served")] * NEWEST_LINES


def test_what_may_speak_for_a_restart_must_be_among_the_newest_lines() -> None:
    older = reading(at(1, "worker pool exhausted"), *NEWER).findings()
    assert older.newest_local_faults == ()
    newer = reading(*NEWER[:-1], at(0, "worker pool exhausted")).findings()
    assert newer.newest_local_faults == newer.local_faults == (at(0, "worker pool exhausted"),)


def test_what_forbids_a_good_end_reaches_as_far_back_as_what_is_shown() -> None:
    crash, error = at(0.1, "kernel: Out of memory: Killed process 9 (java)"), at(0.1, "ERROR ledger corrupt")
    findings = reading(crash, error, *NEWER).findings()
    assert (findings.local_faults, findings.other_errors) == ((crash,), (error,))


def test_errors_are_counted_over_the_lines_that_the_scan_counts() -> None:
    flood = [at(1, f"ERROR could not connect to the database, attempt {number}") for number in range(1_700)]
    findings = reading(at(31, "ERROR old"), *flood).findings()
    assert (findings.scanned_lines, findings.error_lines) == (1_700, 1_700)


@pytest.mark.parametrize(("minute", "counts"), [(30, True), (1, True), (30.1, False), (9_000, False), (-60, True)])
@pytest.mark.parametrize("newer", [NEWER, [*["INFO served"] * 500, at(29, "INFO served")]])
def test_a_dependency_failure_counts_for_half_an_hour_by_the_worker_s_clock(
    minute: float, counts: bool, newer: list[str]
) -> None:
    failure = at(minute, REFUSED)
    findings = reading(failure, *newer).findings()
    assert findings.dependency_failures == ((failure,) if counts else ())
    assert findings.error_lines == int(counts)


@pytest.mark.parametrize(("hours", "counts"), [(6, True), (12.4, True), (12.6, False), (24 * 7, False)])
@pytest.mark.parametrize("newer", [[], ["INFO served"] * NEWEST_LINES, [at(300, "INFO served")] * 49])
def test_where_nothing_new_is_dated_a_failure_counts_for_half_a_day_but_not_for_ever(
    hours: float, counts: bool, newer: list[str]
) -> None:
    failure = at(60 * hours, REFUSED)
    assert reading(failure, *newer).findings().dependency_failures == ((failure,) if counts else ())


def test_an_alert_of_an_hour_ago_makes_older_lines_count() -> None:
    failure = at(80, REFUSED)
    lines = (failure, at(0, "INFO served"))
    tail = LogTail(server_id=SERVER_ID, lines=lines, older_lines_exist=False, observed_at=START, source="test")
    assert LogReading.of(tail, since=START - timedelta(minutes=90)).findings().dependency_failures == (failure,)
    assert LogReading.of(tail, since=START - timedelta(minutes=60)).findings().dependency_failures == ()


@pytest.mark.parametrize(
    ("failure", "newer", "counts"),
    [
        (naive(29, REFUSED), NEWER_NAIVE, True),
        (naive(31, REFUSED), NEWER_NAIVE, False),
        (naive(60 * 5 + 29, REFUSED), [naive(60 * 5, "served")] * NEWEST_LINES, True),  # New York's
        (naive(60 * 5 + 31, REFUSED), [naive(60 * 5, "served")] * NEWEST_LINES, False),
        (naive(31, REFUSED), NEWER_NAIVE[:100], True),
        (naive(31, REFUSED), NEWER, True),
        (naive(31 + 60 * 12, REFUSED), NEWER, False),
        (naive(60 * 24 * 7, REFUSED), [], False),
        (naive(29, REFUSED).replace("-", "/"), NEWER, True),
        (f"Jan  1 02:31:00 h app[1]: {REFUSED}", NEWER_NAIVE, True),
        (f"Dec 25 02:31:00 h app[1]: {REFUSED}", NEWER, False),
    ],
)
def test_a_time_without_a_zone_is_old_by_any_zone_or_by_the_log_s_own_clock(
    failure: str, newer: list[str], counts: bool
) -> None:
    assert reading(failure, *newer).findings().dependency_failures == ((failure,) if counts else ())


@pytest.mark.parametrize("failure", [REFUSED, f"could not connect; valid until {naive(9_000, 'sharp')}"])
def test_a_dependency_failure_without_a_time_of_its_own_counts_until_many_old_lines_stand_behind_it(
    failure: str,
) -> None:
    old = [at(60, "INFO served")] * 50
    assert reading(failure, *NEWER).findings().dependency_failures == (failure,)
    assert reading(failure, *old[1:], *NEWER).findings().dependency_failures == (failure,)
    assert reading(failure, *old, *NEWER).findings().dependency_failures == ()


FORGED = (
    "token of session 7 valid until 2027-01-01 00:00:00",
    "job of 2025-11-01 00:00:00 done",
    '10.0.0.1 - - [01/Jan/2026:03:00:00 +0000] "GET / HTTP/1.1" 200 5',
    '{"until":"2027-11-27T12:00:00Z","msg":"x"}',
    "2027-01-01 00:00:00 INFO I come from the future",
    "2027-01-01T00:00:00Z INFO I come from the future",
    "2025-01-01T00:00:00Z INFO I come from the past",
    "2026/01/01 17:00:00 [notice] elsewhere it is late",
    "Jan  1 17:00:00 web-01 app[1]: elsewhere it is late",
)


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("fill", [NEWER, NEWER_NAIVE, ["INFO served"] * NEWEST_LINES])
@pytest.mark.parametrize("failure", [at(29, REFUSED), naive(29, REFUSED), REFUSED])
def test_no_line_of_another_makes_a_dependency_failure_vanish(forged: str, fill: list[str], failure: str) -> None:
    for lines in ([forged, failure, *fill], [failure, forged, *fill], [failure, *fill, *[forged] * 40]):
        assert reading(*lines).findings().dependency_failures == (failure,)


def test_with_a_clock_that_is_read_from_a_line_one_forged_line_would_make_the_failure_vanish() -> None:
    """The control: what the tests above would miss if a line were the reference."""
    lines = (at(29, REFUSED), at(-60, "INFO I come from the future"))
    forged = START + timedelta(minutes=60)
    tail = LogTail(server_id=SERVER_ID, lines=lines, older_lines_exist=True, observed_at=forged, source="test")
    assert LogReading.of(tail).findings().dependency_failures == ()
    assert reading(*lines).findings().dependency_failures == lines[:1]


def test_a_failure_shortly_before_new_year_counts_shortly_after_it() -> None:
    lines = (f"Dec 31 23:55:00 h app[1]: {REFUSED}", *[f"Jan  1 00:0{n % 8}:00 h app[1]: served" for n in range(450)])
    midnight = datetime(2027, 1, 1, 0, 8, tzinfo=UTC)
    tail = LogTail(server_id=SERVER_ID, lines=lines, older_lines_exist=True, observed_at=midnight, source="test")
    assert LogReading.of(tail).findings().dependency_failures == lines[:1]


def test_of_a_recording_nothing_is_too_old() -> None:
    lines = (at(60 * 24 * 900, REFUSED), *[at(60 * 24 * 900, "INFO served")] * 500)
    tail = LogTail(server_id=SERVER_ID, lines=lines, older_lines_exist=False, observed_at=START, source="test")
    assert LogReading.of(tail).findings().dependency_failures == ()
    recorded = tail.model_copy(update={"is_recorded": True})
    assert LogReading.of(recorded).findings().dependency_failures == lines[:1]


def test_what_is_old_in_a_quiet_log_is_shown_and_not_judged() -> None:
    old = [naive(10_000, REFUSED), naive(9_990, "kernel: Out of memory: Killed process 9 (java)")]
    log = reading(*old, *(naive(1_440 * day, "INFO daily job ok") for day in range(6, 0, -1)))
    findings = log.findings()
    assert findings.error_lines == findings.scanned_lines == 0
    assert set(old) <= set(json.loads(log.excerpt(lines=1))["log_lines_oldest_first"])
