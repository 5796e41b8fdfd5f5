"""The newest lines of a log file, bounded and harmless to show; for every adapter whose logs are files.

It must never read the whole of a large log, block on a pipe or a device, or pass a control sequence on. What the lines
say is not judged here.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from worker.contract.observations import LogTail
from worker.contract.text import cut_to_bytes, visible
from worker.errors import SourceUnavailable
from worker.ports import Clock

__all__ = ["LINE_LIMIT_BYTES", "WINDOW_BYTES", "PlainLogFile", "read_file_tail", "tail_of"]

LINE_LIMIT_BYTES: Final = 2_000
WINDOW_BYTES: Final = 4 * 1_048_576
"""How far back from the end of the file lines are looked for: room for ten thousand lines of 400 bytes."""


class PlainLogFile:
    """A log file on this machine, or mounted on it, as a log source. It knows no times: the newest lines are read."""

    def __init__(self, server_id: str, *, path: Path, clock: Clock) -> None:
        self._server_id = server_id
        self._path = path
        self._clock = clock

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` lines within the last `WINDOW_BYTES`."""
        observed_at = self._clock.now()
        return read_file_tail(
            self._path, lines=lines, server_id=self._server_id, source=f"file {self._path}", observed_at=observed_at
        )


def read_file_tail(path: Path, *, lines: int, server_id: str, source: str, observed_at: datetime) -> LogTail:
    """Return at most the newest `lines` lines of `path` that begin within its last `WINDOW_BYTES`, oldest first.

    Bytes that are no UTF-8 become U+FFFD, control characters are written out, and each line is cut to
    `LINE_LIMIT_BYTES`. A line longer than the whole window is represented by its end. Raises `SourceUnavailable` when
    the file is missing, unreadable or no regular file. Safe to call while the log is written or rotated.
    """
    window, has_older_bytes = _read_window(path)
    return tail_of(
        window,
        has_older_bytes=has_older_bytes,
        lines=lines,
        server_id=server_id,
        source=source,
        observed_at=observed_at,
    )


def tail_of(
    window: bytes, *, has_older_bytes: bool, lines: int, server_id: str, source: str, observed_at: datetime
) -> LogTail:
    """Return at most the newest `lines` lines of a log's last bytes, wherever they were read, as `read_file_tail`."""
    found = window.removesuffix(b"\n").split(b"\n") if window else []
    if has_older_bytes and len(found) > 1:
        del found[0]  # it began before the window
    kept = found[max(0, len(found) - lines) :]
    return LogTail(
        server_id=server_id,
        lines=tuple(_readable(line) for line in kept),
        older_lines_exist=has_older_bytes or len(found) > len(kept),
        observed_at=observed_at,
        source=source,
    )


def _read_window(path: Path) -> tuple[bytes, bool]:
    """Return the file's last bytes, and whether there are older ones."""
    try:
        if not path.is_file():
            # `stdout_logfile=/dev/stdout` is common in containers, and reading a pipe would block for ever.
            raise SourceUnavailable(f"The log {path} is missing or is no regular file.")
        with path.open("rb") as log:
            start = max(0, log.seek(0, 2) - WINDOW_BYTES)
            log.seek(start)
            return log.read(WINDOW_BYTES), start > 0
    except OSError as error:
        raise SourceUnavailable(f"The log {path} could not be read: {error.strerror}.") from error


def _readable(line: bytes) -> str:
    text = line.removesuffix(b"\r").decode("utf-8", "replace")
    return cut_to_bytes(visible(text), LINE_LIMIT_BYTES)
