"""The tail of a log file: bounded, whatever the file holds."""

import os
from pathlib import Path

import pytest

from tests.fakes import START
from worker.contract.observations import LogTail
from worker.errors import SourceUnavailable
from worker.infrastructure.log_files import LINE_LIMIT_BYTES, WINDOW_BYTES, read_file_tail


def tail_of(path: Path, *, lines: int = 100) -> LogTail:
    return read_file_tail(path, lines=lines, server_id="web-01", source="test", observed_at=START)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "service.log"
    path.write_bytes(content)
    return path


def test_the_newest_lines_come_oldest_first(tmp_path: Path) -> None:
    tail = tail_of(written(tmp_path, b"one\ntwo\nthree\n"), lines=2)
    assert tail.lines == ("two", "three")
    assert tail.older_lines_exist


def test_a_log_that_fits_has_no_older_lines(tmp_path: Path) -> None:
    tail = tail_of(written(tmp_path, b"one\r\ntwo"), lines=2)
    assert tail.lines == ("one", "two")
    assert not tail.older_lines_exist


@pytest.mark.parametrize("lines", [0, -3])
def test_no_lines_are_read_when_none_are_asked_for(tmp_path: Path, lines: int) -> None:
    tail = tail_of(written(tmp_path, b"one\ntwo\n"), lines=lines)
    assert tail.lines == ()
    assert tail.older_lines_exist


def test_an_empty_log_has_no_lines(tmp_path: Path) -> None:
    tail = tail_of(written(tmp_path, b""))
    assert tail.lines == ()
    assert not tail.older_lines_exist


def test_bytes_that_are_no_utf8_are_replaced_and_controls_are_written_out(tmp_path: Path) -> None:
    tail = tail_of(written(tmp_path, b"caf\xe9\n\x1b[31mred\x1b[0m\na\rb\x00\n\xe2\x80\xaeevil\n"))
    assert tail.lines == ("caf\ufffd", r"\x1b[31mred\x1b[0m", r"a\x0db\x00", r"\u202eevil")


def test_each_line_is_cut_to_its_limit(tmp_path: Path) -> None:
    line, short = tail_of(written(tmp_path, b"\x00" * 5_000 + b"\nend\n")).lines
    assert line.startswith(r"\x00\x00")
    assert line.endswith("bytes cut]")
    assert len(line.encode()) < LINE_LIMIT_BYTES + 40
    assert short == "end"


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path) -> None:
    content = b"".join(b"line %07d %s\n" % (number, b"x" * 80) for number in range(60_000))
    tail = tail_of(written(tmp_path, content), lines=1_000_000)
    assert tail.lines[-1].startswith("line 0059999")
    assert all(line.startswith("line ") for line in tail.lines)
    assert sum(map(len, tail.lines)) <= WINDOW_BYTES
    assert tail.older_lines_exist


def test_a_line_longer_than_the_window_is_represented_by_its_end(tmp_path: Path) -> None:
    tail = tail_of(written(tmp_path, b"first\n" + b"y" * (WINDOW_BYTES + 10)))
    assert len(tail.lines) == 1
    assert tail.lines[0].startswith("yyy")
    assert tail.older_lines_exist


@pytest.mark.timeout(10)
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SourceUnavailable, match="no regular file"):
        tail_of(pipe)


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"gone\.log is missing"):
        tail_of(tmp_path / "gone.log")
