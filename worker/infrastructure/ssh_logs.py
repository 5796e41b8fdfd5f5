"""The newest log lines of a host behind ssh, without an agent: of a file, or of a unit in systemd's journal.

It must never read a device or a pipe, nor more than a bounded part of a log. Made by `Adapters`.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from worker.contract.observations import LogTail
from worker.errors import SourceUnavailable
from worker.infrastructure.log_files import WINDOW_BYTES, tail_of
from worker.infrastructure.ssh import READ_LIMIT_BYTES, SshAnswer
from worker.ports import Clock

__all__ = ["Reader", "SshJournal", "SshLogFile"]

_SCRIPT: Final = 'test -f "$1" || exit 3; test -r "$1" || exit 4; exec tail -c "$2" -- "$1"'
_MEANINGS: Final = {
    3: "is missing, is no regular file, or stands in a folder that may not be entered",
    4: "may not be read: give the reading user leave",
}
_JOURNAL_TRIES: Final = 3
_SHRINK: Final = 8
"""What fewer messages are divided by when even those that should have fitted did not: the newest may be the longest."""

_SEES_LITTLE: Final = "not seeing messages from other users"
_HAS_NONE: Final = "No journal files were found"
_ITS_OWN_WORDS: Final = re.compile(rb"^-- .*\n?", re.MULTILINE)
"""What journalctl says itself, such as "-- No entries --"; a message begins with its time, or is indented."""


class Reader(Protocol):
    """What runs a fixed command on the host: `SshHost`."""

    def read(self, command: Sequence[str], *, limit_bytes: int = READ_LIMIT_BYTES) -> SshAnswer:
        """Run it and return its answer, cut to `limit_bytes`. Raises `SourceUnavailable`."""
        ...


class SshLogFile:
    """A log file on one host, which the reading user may read. It knows no times: the newest lines are read."""

    def __init__(self, server_id: str, *, ssh: Reader, path: str, clock: Clock) -> None:
        self._server_id = server_id
        self._ssh = ssh
        self._path = path
        self._clock = clock

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` lines within the file's last `WINDOW_BYTES`."""
        observed_at = self._clock.now()
        script = ["sh", "-c", _SCRIPT, "firstline", self._path, str(WINDOW_BYTES + 1)]
        answer = self._ssh.read(script, limit_bytes=WINDOW_BYTES + 1)
        if answer.code != 0:
            meaning = _MEANINGS.get(answer.code or 0, f"could not be read ({answer.stderr or 'no reason was given'})")
            raise SourceUnavailable(f"The log {self._path} of {self._server_id} {meaning}.")
        return tail_of(
            answer.stdout[-WINDOW_BYTES:],
            has_older_bytes=len(answer.stdout) > WINDOW_BYTES,
            lines=lines,
            server_id=self._server_id,
            source=f"file {self._path} over ssh",
            observed_at=observed_at,
        )


class SshJournal:
    """One unit's messages in a host's journal; the reading user must be in the group systemd-journal."""

    def __init__(self, server_id: str, *, ssh: Reader, unit: str, clock: Clock) -> None:
        self._server_id = server_id
        self._ssh = ssh
        self._unit = unit
        self._clock = clock

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` messages at or after `since`, with their times; fewer where they are long.

        A journal that holds nothing of the unit gives no lines; one that may not be read raises.
        """
        observed_at = self._clock.now()
        window, wanted = self._newest(lines + 1, since)
        tail = tail_of(
            _ITS_OWN_WORDS.sub(b"", window),
            has_older_bytes=False,  # each message is whole
            lines=lines,
            server_id=self._server_id,
            source=f"journal of {self._unit} over ssh",
            observed_at=observed_at,
        )
        has_older = tail.older_lines_exist or wanted <= lines or since is not None
        return tail.model_copy(update={"older_lines_exist": has_older})

    def _newest(self, lines: int, since: datetime | None) -> tuple[bytes, int]:
        """Return the newest lines that fit into an answer, and how many were asked for in the end.

        An answer that is too long is cut at its newest end. Then as many are asked for as would fit if all were like
        those that came, with a quarter to spare; and far fewer where that was too much again.
        """
        for asked_before in range(_JOURNAL_TRIES):
            answer = self._ssh.read(self._command(lines, since), limit_bytes=WINDOW_BYTES)
            if _SEES_LITTLE in answer.stderr:
                raise SourceUnavailable(
                    f"The journal of {self._server_id} may not be read: put the reading user in systemd-journal."
                )
            if _HAS_NONE in answer.stderr:
                raise SourceUnavailable(f"{self._server_id} keeps no journal that the reading user can see.")
            if not answer.is_cut:
                break
            fitting = min(lines, answer.stdout.count(b"\n")) * 3 // 4
            lines = max(1, fitting // _SHRINK if asked_before else fitting)
        if answer.is_cut:
            raise SourceUnavailable(f"The journal of {self._server_id} has messages of over {WINDOW_BYTES} bytes.")
        if answer.code != 0:
            raise SourceUnavailable(
                f"The journal of {self._server_id} could not be read ({answer.stderr or 'no reason was given'})."
            )
        return answer.stdout, lines

    def _command(self, lines: int, since: datetime | None) -> list[str]:
        begins = [] if since is None else [f"--since=@{since.timestamp():.0f}"]
        return [
            "journalctl",
            f"--unit={self._unit}",
            f"--lines={lines}",
            *begins,
            "--output=short-iso-precise",
            "--no-pager",
            "--no-hostname",
        ]
