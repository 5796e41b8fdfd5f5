"""One segment of the spool: a file that grows at its end, is synced before anybody is told so, and knows its progress.

The first line says how far the segment has been shipped, and is overwritten in place: that needs no room on a full
disk. It never repairs and never rewrites an alert. One thread writes at a time, any may sync; one thread ships.
"""

import os
import re
import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from producers.spool.record import decode
from worker.contract import Alert

__all__ = ["Page", "Segment"]

_PROGRESS: Final = re.compile(rb'\{"firstline_spool":1,"shipped":"(\d{20})","crc32":"([0-9a-f]{8})"\}\n')


def _progress(shipped_bytes: int) -> bytes:
    digits = b"%020d" % shipped_bytes
    return b'{"firstline_spool":1,"shipped":"%s","crc32":"%08x"}\n' % (digits, zlib.crc32(digits))


HEAD_BYTES: Final = len(_progress(0))


@dataclass(frozen=True, slots=True)
class Page:
    """Some alerts of a segment in their order. `ends[i]` is the offset behind `alerts[i]`, `end` the one behind all.

    `unreadable_bytes` lay among them and are no record; `torn_bytes` are half a record at the end of the file, as a
    process that was killed while it wrote leaves one: nobody was told that it is safe.
    """

    segment: "Segment"
    alerts: Sequence[Alert]
    ends: Sequence[int]
    end: int
    unreadable_bytes: int
    torn_bytes: int


class Segment:
    """A file of alerts, seen by offsets: up to `written_bytes` it was written, to `synced_bytes` it is safe.

    Up to `shipped_bytes` every alert has had its verdict. A segment that failed once to sync takes nothing more: what
    the disk then holds is not known.
    """

    def __init__(self, path: Path, number: int, *, written_bytes: int, shipped_bytes: int, descriptor: int) -> None:
        self.path = path
        self.number = number
        self.written_bytes = written_bytes
        self.synced_bytes = written_bytes
        self.shipped_bytes = shipped_bytes
        self.is_damaged = False
        self.is_sealed = descriptor < 0
        self._descriptor = descriptor
        self._sync_lock = threading.Lock()

    @classmethod
    def create(cls, path: Path, number: int) -> Self:
        """Make an empty segment, durable with its name. Raises `OSError`, rather than overwrite anything too."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write_whole(descriptor, _progress(HEAD_BYTES), 0)
            os.fsync(descriptor)
            sync_directory(path.parent)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return cls(path, number, written_bytes=HEAD_BYTES, shipped_bytes=HEAD_BYTES, descriptor=descriptor)

    @classmethod
    def recover(cls, path: Path, number: int) -> Self:
        """Open what an earlier process left, sealed. A head that says no progress costs duplicates, never an alert.

        Raises `OSError`.
        """
        with path.open("rb") as file:
            head = _PROGRESS.fullmatch(file.read(HEAD_BYTES))
            size_bytes = os.fstat(file.fileno()).st_size
        is_sound = head is not None and int(head[2], 16) == zlib.crc32(head[1])
        shipped_bytes = int(head[1]) if head is not None and is_sound else 0
        return cls(path, number, written_bytes=size_bytes, shipped_bytes=shipped_bytes, descriptor=-1)

    def write(self, lines: bytes) -> int:
        """Write behind all that was written and return the offset behind it: nothing is safe until `sync` of it.

        Raises `OSError` after what was half written has been cut off again.
        """
        try:
            _write_whole(self._descriptor, lines, self.written_bytes)
        except OSError:
            self._cut_off_behind(self.written_bytes)
            raise
        self.written_bytes += len(lines)
        return self.written_bytes

    def sync(self, end: int) -> None:
        """Return once all before `end` is on the disk, whoever synced it; writers that wait share one sync.

        Raises `OSError`: then nothing is safe that was not so before, and whoever waits for it hears the same.
        """
        with self._sync_lock:
            if self.synced_bytes >= end:
                return
            if self.is_sealed:
                raise OSError(f"{self.path.name} could not be synced before")
            written_bytes = self.written_bytes
            try:
                os.fsync(self._descriptor)
                if os.fstat(self._descriptor).st_nlink == 0:
                    raise FileNotFoundError(f"{self.path.name} was deleted while it was in use")
            except OSError:
                self.is_sealed = True
                self._cut_off_behind(self.synced_bytes)
                raise
            self.synced_bytes = written_bytes

    def seal(self) -> None:
        """Sync what was written, take nothing more, and let go of the file. Never while somebody writes."""
        if not self.is_sealed:
            with suppress(OSError):  # whoever waits for that sync hears of it there
                self.sync(self.written_bytes)
        with self._sync_lock:
            self.is_sealed = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def page(self, start: int, limit: int) -> Page:
        """Return at most `limit` safe alerts from the offset `start` on. Raises `OSError`."""
        alerts, ends, unreadable_bytes, torn_bytes = list[Alert](), list[int](), 0, 0
        safe_bytes, position = self.synced_bytes, start
        with self.path.open("rb") as file:
            file.seek(start)
            while len(alerts) < limit and position < safe_bytes:
                line = file.readline()
                end = min(position + len(line), safe_bytes) if line else safe_bytes
                alert = decode(line)
                if alert is not None:
                    alerts.append(alert)
                    ends.append(end)
                elif line and not line.endswith(b"\n"):
                    torn_bytes = len(line)
                else:
                    unreadable_bytes += end - position
                position = end
        return Page(self, alerts, ends, position, unreadable_bytes, torn_bytes)

    def note_shipped(self, shipped_bytes: int) -> None:
        """Note the progress, on the disk too if that can be, unsynced: what is not noted costs duplicates."""
        self.shipped_bytes = shipped_bytes
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(descriptor, _progress(shipped_bytes), 0)
            finally:
                os.close(descriptor)

    def _cut_off_behind(self, end: int) -> None:
        try:
            os.ftruncate(self._descriptor, end)
        except OSError:
            # Half a record is recognised when it is read, and a whole one that was refused does no harm.
            self.is_sealed = True
        else:
            self.written_bytes = end


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable. Raises `OSError`."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_whole(descriptor: int, content: bytes, offset: int) -> None:
    rest = memoryview(content)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written
