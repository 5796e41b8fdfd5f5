"""Logs over ssh: the very commands, run here by a shell as sshd would, on real files and a journalctl of our own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes import START, FakeClock
from tests.infrastructure.local_shell import LocalShell
from worker.errors import SourceUnavailable
from worker.infrastructure.log_files import WINDOW_BYTES
from worker.infrastructure.ssh_logs import SshJournal, SshLogFile


def log_file(folder: Path, content: bytes, *, name: str = "a log; id") -> SshLogFile:
    (folder / name).write_bytes(content)
    return SshLogFile("web-01", ssh=LocalShell(folder), path=str(folder / name), clock=FakeClock())


def journal(folder: Path, script: str) -> tuple[SshJournal, LocalShell]:
    program = folder / "journalctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    shell = LocalShell(folder)
    return SshJournal("web-01", ssh=shell, unit="web.service", clock=FakeClock()), shell


def test_the_newest_lines_of_a_file_are_read_whatever_its_name(tmp_path: Path) -> None:
    source = log_file(tmp_path, b"one\ntwo\n\x1b[31mthree\xff\n")
    tail = source.read_log_tail(lines=2)
    assert tail.lines == ("two", "\\x1b[31mthree\ufffd")
    assert (tail.older_lines_exist, tail.observed_at) == (True, START)
    assert source.read_log_tail(lines=3).older_lines_exist is False


def test_a_large_file_is_read_at_its_end_only(tmp_path: Path) -> None:
    tail = log_file(tmp_path, b"x" * (3 * WINDOW_BYTES) + b"\nlast\n").read_log_tail(lines=5)
    assert tail.lines == ("last",)
    assert tail.older_lines_exist


def test_what_is_no_file_or_is_missing_is_a_sentence(tmp_path: Path) -> None:
    for path in ("/dev/zero", str(tmp_path / "gone"), str(tmp_path)):
        with pytest.raises(SourceUnavailable, match="of web-01 is missing, is no regular file"):
            SshLogFile("web-01", ssh=LocalShell(tmp_path), path=path, clock=FakeClock()).read_log_tail(lines=1)


def test_a_unit_s_messages_are_asked_for_from_a_time_on(tmp_path: Path) -> None:
    source, shell = journal(tmp_path, "echo one; echo two; echo three")
    tail = source.read_log_tail(lines=2, since=datetime(2026, 1, 1, tzinfo=UTC))
    assert tail.lines == ("two", "three")
    assert tail.older_lines_exist
    (command,) = shell.commands
    assert command[:4] == ["journalctl", "--unit=web.service", "--lines=3", "--since=@1767225600"]
    assert source.read_log_tail(lines=3).older_lines_exist is False


def test_a_systemd_escaped_name_reaches_journalctl_unharmed(tmp_path: Path) -> None:
    _, shell = journal(tmp_path, 'printf "%s\\n" "$1"')
    source = SshJournal("web-01", ssh=shell, unit=r"web\x2dshop@a.service", clock=FakeClock())
    assert source.read_log_tail(lines=1).lines == (r"--unit=web\x2dshop@a.service",)


LONG_MESSAGES = "for n in $(seq ${2#--lines=}); do head -c 90000 /dev/zero | tr '\\0' x; echo; done"
NEWEST_ARE_LONGEST = (
    "count=${2#--lines=}; yes short | head -n $((count > 10 ? count - 10 : 0)); "
    "for n in $(seq $((count > 10 ? 10 : count))); do head -c 500000 /dev/zero | tr '\\0' x; echo; done"
)


def test_what_journalctl_says_itself_is_no_message(tmp_path: Path) -> None:
    source, _ = journal(tmp_path, 'echo "-- No entries --"')
    assert source.read_log_tail(lines=5).lines == ()
    message = "2026-01-01T12:00:00+00:00 web[7]: -- up --"
    source, _ = journal(tmp_path, f'echo "-- Boot 5f --"; echo "{message}"; echo "    -- x"')
    assert source.read_log_tail(lines=5).lines == (message, "    -- x")


def test_a_host_without_a_journal_has_no_log_rather_than_an_empty_one(tmp_path: Path) -> None:
    source, _ = journal(tmp_path, 'echo "No journal files were found." >&2; echo "-- No entries --"')
    with pytest.raises(SourceUnavailable, match="web-01 keeps no journal"):
        source.read_log_tail(lines=5)


def test_messages_that_are_too_long_are_asked_for_again_in_a_number_that_fits(tmp_path: Path) -> None:
    source, shell = journal(tmp_path, LONG_MESSAGES)
    tail = source.read_log_tail(lines=400)
    assert [command[2] for command in shell.commands] == ["--lines=401", "--lines=34"]
    assert len(tail.lines) == 34
    assert tail.older_lines_exist


def test_a_journal_whose_newest_messages_are_the_longest_is_asked_three_times_at_most(tmp_path: Path) -> None:
    source, shell = journal(tmp_path, NEWEST_ARE_LONGEST)
    tail = source.read_log_tail(lines=60)
    assert [command[2] for command in shell.commands] == ["--lines=61", "--lines=44", "--lines=3"]
    assert len(tail.lines) == 3
    assert tail.older_lines_exist


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo 'Hint: You are currently not seeing messages from other users and the system.' >&2", "systemd-journal"),
        ("echo 'Failed to open journal' >&2; exit 1", r"could not be read \(Failed to open journal\)\."),
        ("exit 127", r"could not be read \(no reason was given\)\."),
        ("head -c 9000000 /dev/zero", "has messages of over"),
    ],
)
def test_a_journal_that_can_t_be_read_is_a_sentence(tmp_path: Path, script: str, sentence: str) -> None:
    source, _ = journal(tmp_path, script)
    with pytest.raises(SourceUnavailable, match=sentence):
        source.read_log_tail(lines=10)
