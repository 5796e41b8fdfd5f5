"""The plain source: a sentence, a JSON alert, a stream of lines, or a whole JSON document, as people and pipes send it.

What starts with `{` is JSON, anything else is free text. One bad line never stops the others: it comes back as a
`Rejection` with its line number, and no line is held in memory past its limit. The CLI calls it; it reads no clock.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO, Final, NamedTuple

from producers.sources.alert import AlertError, Arrival, Rejection
from producers.sources.field_map import FieldMap
from producers.sources.plain_alert import alert_of_fields, incident_of_sentence
from producers.sources.strict_json import Flaw, read_value, read_values
from worker.contract import Alert, Incident, Resolution

__all__ = ["Parsed", "Rejection", "parse_line", "parse_stream", "parse_text"]

LINE_LIMIT_BYTES: Final = 256 * 1024
DOCUMENT_LIMIT_BYTES: Final = 64 * 1024 * 1024
CHUNK_BYTES: Final = 64 * 1024

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ARRAY_OF_ALERTS: Final = re.compile(r"\[\s*[{\]]")
_DOCUMENT_START: Final = re.compile(rb"\s*(\[\s*([{\]]|\Z)|\{\s*\Z)")
"""A lone bracket, or an array's first alert: no line of free text looks so, not even "[FIRING:1] …"."""

_NO_END_HERE: Final = (
    "this alert says that it is over, and no ends are taken here: send it as a file, on standard input, or by HTTP"
)


class Parsed(NamedTuple):
    """What became of the alert that begins on this line; the first line is 1."""

    line_number: int
    outcome: Alert | Rejection


def parse_text(
    text: str, *, received_at: datetime, unique: str, source: str = "cli", fields: FieldMap | None = None
) -> Incident:
    """Return the incident of one sentence, or of one JSON alert.

    `unique` must be new for each call: it makes two submissions of one sentence two incidents. An alert with a
    `timestamp` does not need it: there the same alert is the same incident. Raises `AlertError`.
    """
    fields = fields or FieldMap()
    return _incident_of_text(text, Arrival(received_at=received_at, unique=unique, source=source, fields=fields))


def parse_line(line: bytes, *, received_at: datetime, unique: str, source: str = "cli") -> Incident:
    """Return the incident of one line in UTF-8; otherwise as `parse_text`. Raises `AlertError`."""
    return _incident_of_text(_decoded(line), Arrival(received_at=received_at, unique=unique, source=source))


def parse_stream(
    stream: BinaryIO,
    *,
    now: Callable[[], datetime],
    unique: str,
    source: str = "cli",
    fields: FieldMap | None = None,
) -> Iterator[Parsed]:
    """Yield the line and what became of each alert in `stream`, ends too, in order, each as soon as its line is there.

    Takes lines of JSON or free text, one alert a line, blank ones skipped; or one JSON document (an array of alerts,
    or alerts pretty-printed one after the other), which is read whole and must stay under 64 MiB. `now` is asked for
    each alert; `unique` must be new for each stream. Raises what reading the stream raises, and nothing else.
    """
    for ordinal, (line_number, content) in enumerate(_contents(stream), start=1):
        arrival = Arrival(received_at=now(), unique=f"{unique}:{ordinal}", source=source, fields=fields or FieldMap())
        yield Parsed(line_number, _outcome(content, arrival))


def _contents(stream: BinaryIO) -> Iterator[tuple[int, object]]:
    """Yield line numbers with a line's bytes, a decoded JSON value, or the flaw that stands in its place."""
    line_number, head = 1, stream.readline(LINE_LIMIT_BYTES + 1).removeprefix(_BYTE_ORDER_MARK)
    while head.isspace():
        line_number, head = line_number + 1, stream.readline(LINE_LIMIT_BYTES + 1)
    if _DOCUMENT_START.match(head):
        yield from _document(head, stream, line_number)
    else:
        yield from _lines(head, stream, line_number)


def _lines(head: bytes, stream: BinaryIO, line_number: int) -> Iterator[tuple[int, object]]:
    while head:
        if len(head) > LINE_LIMIT_BYTES and not head.endswith(b"\n"):
            size_bytes = len(head) + _bytes_to_line_end(stream)
            yield line_number, Flaw(f"the line is {size_bytes} bytes long; the limit is {LINE_LIMIT_BYTES}")
        elif not head.isspace():
            yield line_number, head
        line_number, head = line_number + 1, stream.readline(LINE_LIMIT_BYTES + 1)


def _document(head: bytes, stream: BinaryIO, line_number: int) -> Iterator[tuple[int, object]]:
    document = head + stream.read(DOCUMENT_LIMIT_BYTES + 1 - len(head))
    if len(document) > DOCUMENT_LIMIT_BYTES:
        limit = f"the limit is {DOCUMENT_LIMIT_BYTES} bytes"
        yield line_number, Flaw(f"the JSON document is too long, {limit}: send one alert a line, which has no limit")
        return
    try:
        text = _decoded(document)
    except AlertError as error:
        yield line_number, Flaw(str(error))
        return
    blank_lines = line_number - 1
    for number, value in read_values(text):
        yield blank_lines + number, value


def _bytes_to_line_end(stream: BinaryIO) -> int:
    size_bytes = 0
    while chunk := stream.readline(CHUNK_BYTES):
        size_bytes += len(chunk)
        if chunk.endswith(b"\n"):
            return size_bytes - 1
    return size_bytes


def _outcome(content: object, arrival: Arrival) -> Alert | Rejection:
    try:
        if isinstance(content, bytes):
            return _alert_of_text(_decoded(content), arrival)
        return _alert_of_value(content, arrival)
    except AlertError as error:
        return Rejection(str(error))


def _incident_of_text(text: str, arrival: Arrival) -> Incident:
    alert = _alert_of_text(text, arrival)
    if isinstance(alert, Resolution):
        raise AlertError(_NO_END_HERE)
    return alert


def _alert_of_text(text: str, arrival: Arrival) -> Alert:
    stripped = text.strip()
    if _ARRAY_OF_ALERTS.match(stripped):
        raise AlertError("a JSON array holds several alerts: send it as a file or on standard input, by itself")
    if stripped.startswith("{"):
        return _alert_of_value(read_value(stripped), arrival)
    return incident_of_sentence(stripped, arrival)


def _alert_of_value(value: object, arrival: Arrival) -> Alert:
    if isinstance(value, Flaw):
        raise AlertError(value.reason)
    return alert_of_fields(value, arrival)


def _decoded(line: bytes) -> str:
    try:
        return line.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        raise AlertError(f"this is not UTF-8: the byte at offset {error.start} cannot be read") from None
