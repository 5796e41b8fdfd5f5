"""The segments of one urgency, in order: alerts are appended to the newest and shipped from the oldest.

Names count upwards and hold no time, so a clock that jumps changes nothing. A segment is deleted once every alert in it
had its verdict; one with a line that nobody can read is kept aside as well. The spool owns two series.
"""

import errno
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from producers.spool.segment import HEAD_BYTES, Page, Segment

__all__ = ["PAGE_ALERTS", "Place", "Series"]

SEGMENT_BYTES: Final = 4 * 1024 * 1024
"""A segment past this takes no more: what has been shipped is given back to the disk in pieces of this size."""

PAGE_ALERTS: Final = 300
"""How many alerts are shipped at once; a critical alert waits for one such page of others at the most."""

_NAME: Final = re.compile(r"(?P<series>[a-z]+)-(?P<number>\d{16})\.jsonl(?P<damaged>\.damaged)?")
_GONE: Final = frozenset({errno.ENOENT, errno.EIO})

log = structlog.get_logger()


class Place(NamedTuple):
    """A place in a series: a segment's number, and an offset in it."""

    number: int = 0
    offset: int = 0


class Series:
    """Segments ``<name>-<number>.jsonl`` of a directory. Appending is safe from many threads; one thread ships."""

    def __init__(self, directory: Path, name: str) -> None:
        """Find what an earlier process left. Raises `OSError`."""
        self._directory = directory
        self._name = name
        self._lock = threading.Lock()
        found = [match for path in directory.iterdir() if (match := _NAME.fullmatch(path.name)) and match[1] == name]
        self._next_number = max((int(match["number"]) for match in found), default=0) + 1
        whole = sorted((int(match["number"]), match[0]) for match in found if not match["damaged"])
        self._segments = [Segment.recover(directory / name, number) for number, name in whole]

    @property
    def size_bytes(self) -> int:
        """How much of the disk the segments take; what was kept aside does not count."""
        return sum(segment.written_bytes for segment in list(self._segments))

    def append(self, lines: bytes) -> None:
        """Return once `lines` are on the disk. Raises `OSError`: then nobody may be told that they are."""
        with self._lock:
            segment = self._writable()
            end = segment.write(lines)
        segment.sync(end)

    def next_page(self) -> Page | None:
        """Return the oldest alerts that wait, or what else has to be passed over; None when all is shipped.

        A segment that is gone, or that the disk does not give back, is left where it is and logged. Raises `OSError`
        for what may pass.
        """
        for segment in list(self._segments):
            if segment.shipped_bytes < segment.synced_bytes:
                try:
                    return segment.page(segment.shipped_bytes, PAGE_ALERTS)
                except OSError as error:
                    if error.errno not in _GONE:
                        raise
                    self._give_up(segment, error)
        return None

    def page_after(self, place: Place) -> tuple[Page, Place] | None:
        """Return the next alerts behind a place that wait, to look at, and the place behind them. Raises `OSError`."""
        for segment in list(self._segments):
            start = max(segment.shipped_bytes, place.offset if segment.number == place.number else 0)
            if segment.number >= place.number and start < segment.synced_bytes:
                page = segment.page(start, PAGE_ALERTS)
                return page, Place(segment.number, page.end)
        return None

    def pages(self) -> Iterator[Page]:
        """Yield all that waits, to look at. Raises `OSError`."""
        place = Place()
        while found := self.page_after(place):
            page, place = found
            yield page

    def note_shipped(self, page: Page, end: int) -> None:
        """Pass over a page up to `end`, and delete each segment that is through and takes no more."""
        segment = page.segment
        if end == page.end and page.torn_bytes:
            log.warning("spool.torn_record_left_out", segment=segment.path.name, torn_bytes=page.torn_bytes)
        if page.unreadable_bytes and not segment.is_damaged:
            segment.is_damaged = True
            _keep_aside(segment.path, page.unreadable_bytes)
        segment.note_shipped(end)
        self._delete_what_is_through()

    def tidy(self) -> None:
        """Delete what is through, the newest segment too: for a quiet moment, and for the end."""
        with self._lock:
            for segment in self._segments:
                if segment.shipped_bytes >= segment.written_bytes:
                    segment.seal()
        self._delete_what_is_through()

    def close(self) -> None:
        """Let go of the files; what waits stays on the disk."""
        with self._lock:
            for segment in self._segments:
                segment.seal()

    def _writable(self) -> Segment:
        newest = self._segments[-1] if self._segments else None
        if newest is not None and not newest.is_sealed and newest.written_bytes < SEGMENT_BYTES:
            return newest
        if newest is not None:
            newest.seal()
            if newest.synced_bytes <= HEAD_BYTES:
                self._delete(newest)
        number, self._next_number = self._next_number, self._next_number + 1
        segment = Segment.create(self._directory / f"{self._name}-{number:016}.jsonl", number)
        self._segments.append(segment)
        return segment

    def _give_up(self, segment: Segment, error: OSError) -> None:
        lost_bytes = segment.synced_bytes - segment.shipped_bytes
        log.error("spool.segment_lost", segment=segment.path.name, error=str(error), lost_bytes=lost_bytes)
        with self._lock:
            segment.seal()
            self._segments.remove(segment)

    def _delete_what_is_through(self) -> None:
        with self._lock:
            for segment in list(self._segments):
                if segment.is_sealed and segment.shipped_bytes >= segment.synced_bytes:
                    segment.seal()
                    self._delete(segment)

    def _delete(self, segment: Segment) -> None:
        self._segments.remove(segment)
        if segment.is_damaged and not _aside(segment.path).exists():
            return
        try:
            segment.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("spool.segment_not_deleted", segment=segment.path.name, error=str(error))


def _keep_aside(path: Path, unreadable_bytes: int) -> None:
    """Give a damaged segment a second name, which outlives its deletion and a restart."""
    with suppress(OSError):  # then the first name is not deleted
        _aside(path).hardlink_to(path)
    log.error(
        "spool.segment_damaged",
        segment=path.name,
        unreadable_bytes=unreadable_bytes,
        kept_as=_aside(path).name,
        remedy="what can be read is taken in; read the rest by eye, then delete the file",
    )


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")
