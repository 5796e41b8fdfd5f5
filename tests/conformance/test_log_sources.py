"""What every log source must keep, over the fake, files, recordings, real servers and documented exchanges."""

import gc
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.conformance.log_subjects import LOGS, REAL_LOGS
from tests.conformance.subjects import PATIENCE_SECONDS, SLACK_SECONDS, parameters, unavailable
from tests.conformance.written_log import LogSubject
from worker.contract.observations import LogTail
from worker.infrastructure.log_files import LINE_LIMIT_BYTES

FOUR = [b"one", b"two", b"three", b"four"]
CUT_NOTE_BYTES = 60
"""What stands behind a line that was cut, and says so."""


@pytest.fixture(scope="module", params=parameters(LOGS, real=REAL_LOGS))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogSubject]:
    with request.param(tmp_path_factory.mktemp("log")) as subject:
        yield subject


def words(tail: LogTail) -> list[str]:
    """Return each line's last word: a source may put times before it."""
    return [line.rsplit(maxsplit=1)[-1] for line in tail.lines]


def test_a_tail_has_its_server_its_source_and_its_time(subject: LogSubject) -> None:
    subject.write(FOUR)
    before = subject.clock.now()
    tail = subject.source.read_log_tail(lines=2)
    assert tail.server_id == subject.server_id
    assert tail.source
    assert before <= tail.observed_at <= subject.clock.now()


@pytest.mark.parametrize("lines", [1, 3])
def test_a_tail_has_the_newest_lines_that_were_asked_for_oldest_first(subject: LogSubject, lines: int) -> None:
    subject.write(FOUR)
    tail = subject.source.read_log_tail(lines=lines)
    assert words(tail) == ["one", "two", "three", "four"][-lines:]
    assert tail.older_lines_exist


@pytest.mark.parametrize("lines", [4, 100_000])
def test_a_tail_has_no_more_lines_than_there_are(subject: LogSubject, lines: int) -> None:
    subject.write(FOUR)
    tail = subject.source.read_log_tail(lines=lines)
    assert words(tail) == ["one", "two", "three", "four"]
    assert not tail.older_lines_exist


def test_a_log_without_lines_is_a_tail_without_lines(subject: LogSubject) -> None:
    subject.write([])
    tail = subject.source.read_log_tail(lines=10)
    assert tail.lines == ()
    assert not tail.older_lines_exist


def test_a_beginning_is_honoured_where_the_source_knows_times(subject: LogSubject) -> None:
    subject.write(FOUR)
    since = subject.clock.now() - timedelta(minutes=1)
    assert words(subject.source.read_log_tail(lines=10, since=since)) == ["one", "two", "three", "four"]
    later = subject.clock.now() + timedelta(minutes=1)
    tail = subject.source.read_log_tail(lines=10, since=later)
    assert len(tail.lines) == (0 if subject.knows_times else 4)
    assert tail.older_lines_exist is subject.knows_times


def test_the_lines_from_a_beginning_on_are_those_of_its_second_and_after(subject: LogSubject) -> None:
    if not subject.knows_times:
        pytest.skip("it knows no times")
    subject.write([b"%d" % number for number in range(20)])
    since = subject.clock.now().replace(microsecond=0) - timedelta(seconds=5)
    found = words(subject.source.read_log_tail(lines=10, since=since))
    assert found[-1] == "19"
    assert 5 <= len(found) <= 7


def test_control_characters_and_broken_utf_8_are_written_out(subject: LogSubject) -> None:
    subject.write([b"\x1b[31mred\x07 \xe2\x80\xae \xff\xfe end"])
    (line,) = subject.source.read_log_tail(lines=5).lines
    assert line.endswith("\\x1b[31mred\\x07 \\u202e \ufffd\ufffd end")


def test_what_breaks_a_line_is_no_part_of_one(subject: LogSubject) -> None:
    subject.write([b"one\ntwo\r\nthree\rthree", b"four"])
    tail = subject.source.read_log_tail(lines=3)
    assert len(tail.lines) <= 3
    assert not any(re.search(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", line) for line in tail.lines)
    assert words(tail)[-1] == "four"


def test_a_huge_line_is_cut_and_costs_no_other(subject: LogSubject) -> None:
    subject.write([b"first", b"x" * 200_000, b"last"])
    tail = subject.source.read_log_tail(lines=5)
    assert words(tail)[0] == "first"
    assert words(tail)[-1] == "last"
    assert len(tail.lines) == 3
    assert len(tail.lines[1].encode()) <= LINE_LIMIT_BYTES + CUT_NOTE_BYTES


def test_of_a_log_of_six_megabytes_the_newest_lines_come(subject: LogSubject) -> None:
    subject.write([b"%d %b" % (number, b"x" * 20_000) for number in range(300)])
    tail = subject.source.read_log_tail(lines=200)
    assert 1 <= len(tail.lines) <= 200
    numbers = [int(number) for line in tail.lines for number in re.findall(r"\b(\d+) xxx", line)]
    assert numbers == list(range(300))[-len(tail.lines) :]
    assert tail.older_lines_exist
    assert max(len(line.encode()) for line in tail.lines) <= LINE_LIMIT_BYTES + CUT_NOTE_BYTES


def test_a_target_that_does_not_exist_is_one_sentence(subject: LogSubject) -> None:
    unavailable(lambda: subject.missing.read_log_tail(lines=1), named=subject.named)


# The HTTP library leaves a socket that found nobody to be closed by the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_system_that_is_not_there_is_one_sentence(subject: LogSubject) -> None:
    if subject.unreachable is None:
        pytest.skip("it has no system")
    unreachable = subject.unreachable
    unavailable(lambda: unreachable.read_log_tail(lines=1), named=subject.system)
    gc.collect()


def test_what_never_answers_is_one_sentence_in_its_time(subject: LogSubject) -> None:
    if subject.silent is None:
        pytest.skip("it asks nobody")
    silent, began = subject.silent, time.monotonic()
    unavailable(lambda: silent.read_log_tail(lines=1), named=subject.system)
    assert time.monotonic() - began < PATIENCE_SECONDS + SLACK_SECONDS


def test_many_threads_may_read_at_once(subject: LogSubject) -> None:
    subject.write(FOUR)
    with ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(subject.source.read_log_tail, lines=2) for _ in range(16)]
        tails = [each.result() for each in pending]
    assert {tuple(words(tail)) for tail in tails} == {("three", "four")}
