"""One alert's fields, or one sentence, made into what intake is offered: bounded, made visible, with a stable identity.

Pure: the time of arrival and the token that tells two equal sentences apart come from the caller. The plain source is
read strictly, for a person wrote it: what has no safe reading is rejected, in words that quote at most 80 visible
characters of it. A monitoring system's alert is read leniently, for nobody is there to correct it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from producers.sources.field_map import FieldMap
from worker.contract import Alert, Incident, Resolution, Severity
from worker.contract.incident import TEXT_LIMIT_BYTES, identity
from worker.contract.text import cut_to_bytes, visible

__all__ = [
    "AlertError",
    "Arrival",
    "Ignored",
    "Outcome",
    "Rejection",
    "Reported",
    "alert_of",
    "incident_of_alert",
    "incident_of_sentence",
]

TEXT_FIELDS: Final = ("error_msg", "text", "message")
"""Where the alert's text may stand; the first that is present is taken, any other becomes a label."""

SERVER_ID_LIMIT_BYTES: Final = 253
LABELS_LIMIT: Final = 32
LABEL_NAME_LIMIT_BYTES: Final = 64
LABEL_VALUE_LIMIT_BYTES: Final = 256
LABELS_LEFT_OUT: Final = "labels_left_out"
"""This label says how many labels past the limit were left out."""

EARLIEST_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier times are a source's "unset" (0, 0001-01-01), never an alert's start."""

CLOCK_TOLERANCE: Final = timedelta(days=1)
"""How far ahead of ours a source's clock may be."""

QUOTE_LIMIT_CHARACTERS: Final = 80
_CUT_NOTE_BYTES: Final = 64
_MILLISECONDS_FROM: Final = 1e11
"""A number as large as this is no count of seconds: that would be the year 5138."""

_SEVERITY_OF: Final = {
    **dict.fromkeys(("critical", "crit", "p1", "page", "fatal", "emergency", "disaster", "alert"), Severity.CRITICAL),
    **dict.fromkeys(("error", "warning", "warn", "p2", "high", "average", "major", "minor"), Severity.WARNING),
    **dict.fromkeys(("info", "information", "informational", "notice", "p3", "p4", "p5", "low"), Severity.INFO),
    **dict.fromkeys(("none", "ok", "not classified", "debug"), Severity.INFO),
}


class AlertError(ValueError):
    """The alert was not understood, or is past a limit: the message says what, where, and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How an alert came in. `unique` is used for no other alert: it keeps two alerts without a time apart."""

    received_at: datetime
    unique: str
    source: str
    fields: FieldMap = field(default_factory=FieldMap)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why an alert was not understood, and the remedy: one sentence, with at most 80 characters of what was sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Why there is nothing to do about something that was understood: an acknowledgement, a test, a note."""

    reason: str


Outcome = Incident | Resolution | Rejection | Ignored
"""What became of one alert that was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One alert of a monitoring system, as its parser found it: nothing is bounded, checked or made visible yet.

    `condition` is the source's own identity of what is wrong, the same each time it fires (a fingerprint, a monitor's
    id); without it server, text and labels are. `occurrence` is the source's key of this one firing, where it has
    one; without it the start is, as it was sent. `fires_again` is the key of an occurrence that was over, and begins
    anew in this one. `labels` may hold anything; scalars are kept. The server is looked for in the labels by the field
    map, unless it is named outright.
    """

    text: str
    labels: Mapping[str, object]
    severity: object = None
    started_at: object = None
    condition: str | None = None
    occurrence: str | None = None
    fires_again: str | None = None
    server_id: str | None = None
    is_resolved: bool = False
    resolved_at: object = None


def alert_of(reported: Reported, arrival: Arrival) -> Alert:
    """Return what intake is offered for one alert of a monitoring system, read leniently.

    Too long a text is cut, with a note; a time that is none, or lies before 2000 or more than a day ahead, is replaced
    by the time of arrival, and still tells occurrences apart. Raises `AlertError` for an alert that says nothing.
    """
    labels = _labels(dict(reported.labels), {})
    server_id = arrival.fields.server_in({"server_id": reported.server_id or ""} | labels)
    text = cut_to_bytes(visible(reported.text.strip()), TEXT_LIMIT_BYTES - _CUT_NOTE_BYTES)
    if not text:
        raise AlertError("the alert says nothing: it has neither a name nor a text")
    condition = reported.condition or "\n".join((server_id or "", text, *map("=".join, sorted(labels.items()))))
    fingerprint = hashlib.sha256(f"{arrival.source}\n{condition}".encode("utf-8", "backslashreplace")).hexdigest()[:32]
    started_at = _plausible_time(reported.started_at, arrival.received_at)
    occurrence = reported.occurrence or _occurrence_of(reported.started_at, started_at) or _unique(arrival)
    if reported.is_resolved:
        return Resolution(
            incident_id=identity(fingerprint, occurrence),
            source=arrival.source,
            fingerprint=fingerprint,
            server_id=server_id,
            text=text,
            resolved_at=_plausible_time(reported.resolved_at, arrival.received_at) or arrival.received_at,
            received_at=arrival.received_at,
        )
    return Incident(
        incident_id=identity(fingerprint, occurrence),
        source=arrival.source,
        fingerprint=fingerprint,
        server_id=server_id,
        text=text,
        severity=_severity(reported.severity),
        started_at=started_at or arrival.received_at,
        received_at=arrival.received_at,
        labels=labels,
        service=arrival.fields.service_in(labels),
        group=arrival.fields.group_of(server_id, labels),
        fires_again=identity(fingerprint, reported.fires_again) if reported.fires_again else None,
    )


def incident_of_sentence(text: str, arrival: Arrival) -> Incident:
    """Return the incident of free text: no server is named outright, and each submission is an occurrence of its own.

    Raises `AlertError`.
    """
    return _incident(arrival, text=_text(text), server_id=None, severity=Severity.WARNING, started_at=None, labels={})


def incident_of_alert(alert: object, arrival: Arrival) -> Incident:
    """Return the incident of a decoded JSON alert: `error_msg`, `server_id`, `timestamp`, `severity`, `labels`.

    All but the text may be missing. Further scalar fields become labels; nested ones are left out. With a timestamp,
    sending the alert again gives the same incident id. Raises `AlertError`.
    """
    if not isinstance(alert, dict):
        raise AlertError(f"an alert must be a JSON object with `error_msg`; this is {_kind(alert)}")
    fields = dict(alert)
    return _incident(
        arrival,
        text=_text(_taken_text(fields)),
        server_id=_server_id(fields.pop("server_id", None)),
        severity=_severity(fields.pop("severity", None)),
        started_at=_started_at(fields.pop("timestamp", None), arrival.received_at),
        labels=_labels(fields.pop("labels", None), fields),
    )


def _incident(
    arrival: Arrival,
    *,
    text: str,
    server_id: str | None,
    severity: Severity,
    started_at: datetime | None,
    labels: Mapping[str, str],
) -> Incident:
    condition = "\n".join((arrival.source, server_id or "", " ".join(text.casefold().split())))
    fingerprint = hashlib.sha256(condition.encode()).hexdigest()[:32]
    occurrence = started_at.isoformat() if started_at else _unique(arrival)
    return Incident(
        incident_id=identity(fingerprint, occurrence),
        source=arrival.source,
        fingerprint=fingerprint,
        server_id=server_id,
        text=text,
        severity=severity,
        started_at=started_at or arrival.received_at,
        received_at=arrival.received_at,
        labels=labels,
        service=arrival.fields.service_in(labels),
        group=arrival.fields.group_of(server_id, labels) if server_id else "",
    )


def _unique(arrival: Arrival) -> str:
    return f"{arrival.received_at.isoformat()} {arrival.unique}"


def _occurrence_of(sent: object, started_at: datetime | None) -> str | None:
    """Return what tells one firing from the next: its start, or what was sent in its place; None without either."""
    if started_at is not None:
        return started_at.isoformat()
    text = str(sent).strip() if isinstance(sent, str | int | float) else ""
    return None if not text or text.startswith("0001-01-01") else text


def _taken_text(fields: dict[str, object]) -> object:
    for name in TEXT_FIELDS:
        if fields.get(name) is not None:
            return fields.pop(name)
    raise AlertError(f"the alert says nothing: give `{TEXT_FIELDS[0]}` (or `text`, or `message`)")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise AlertError(f"the alert's text must be a string; this is {_kind(value)}")
    text = visible(value.strip())
    size_bytes = len(text.encode())
    if not text:
        raise AlertError("the alert's text is empty: say what is wrong, and on which server")
    if size_bytes > TEXT_LIMIT_BYTES:
        remedy = "send what is wrong, and leave the log to the worker, which reads it at its source"
        raise AlertError(f"the text is {size_bytes} bytes long; the limit is {TEXT_LIMIT_BYTES}: {remedy}")
    return text


def _server_id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise AlertError(f"`server_id` must be a string; this is {_kind(value)}")
    server_id = value.strip()
    if not server_id:
        raise AlertError("`server_id` is empty: name the server, or leave the field out")
    if visible(server_id) != server_id or any(character.isspace() for character in server_id):
        raise AlertError(f"`server_id` must be one word without control characters; this is {_quoted(server_id)}")
    if len(server_id.encode()) > SERVER_ID_LIMIT_BYTES:
        raise AlertError(f"`server_id` is {len(server_id.encode())} bytes long; the limit is {SERVER_ID_LIMIT_BYTES}")
    return server_id


def _severity(value: object) -> Severity:
    """Map the source's word; an unknown one is a warning, as is none: urgency is never a reason to reject."""
    word = "" if value is None else str(value)
    return _SEVERITY_OF.get(word.strip().casefold(), Severity.WARNING)


def _started_at(value: object, received_at: datetime) -> datetime | None:
    """Read ISO 8601 (a time without an offset is UTC) or seconds since 1970; None when the alert has no time."""
    if value is None:
        return None
    try:
        started_at = _read_time(value)
    except (ValueError, OverflowError, OSError):
        expected = "ISO 8601, such as 2026-11-22T03:00:00Z, or seconds since 1970"
        raise AlertError(f"`timestamp` must be {expected}; this is {_quoted(str(value))}") from None
    if not EARLIEST_START <= started_at <= received_at + CLOCK_TOLERANCE:
        raise AlertError(
            f"`timestamp` {_quoted(str(value))} lies before 2000 or more than a day ahead: "
            "correct the source's clock, and send seconds, not milliseconds"
        )
    return started_at


def _plausible_time(value: object, received_at: datetime) -> datetime | None:
    """Read a time leniently: milliseconds since 1970 too, and None for what is no time or lies out of all bounds."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    try:
        if number is not None and number > _MILLISECONDS_FROM:
            number /= 1000
        time = _read_time(value if number is None else number)
    except (ValueError, OverflowError, OSError):
        return None
    return time if EARLIEST_START <= time <= received_at + CLOCK_TOLERANCE else None


def _read_time(value: object) -> datetime:
    if isinstance(value, str):
        time = datetime.fromisoformat(value.strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    raise ValueError(type(value).__name__)


def _labels(labels: object, further_fields: Mapping[str, object]) -> dict[str, str]:
    if labels is None:
        labels = {}
    if not isinstance(labels, dict):
        raise AlertError(f"`labels` must be a JSON object of names and values; this is {_kind(labels)}")
    named = {**_scalars(further_fields), **_scalars(labels)}
    kept = dict(list(named.items())[:LABELS_LIMIT])
    if len(named) > len(kept):
        kept[LABELS_LEFT_OUT] = str(len(named) - len(kept))
    return kept


def _scalars(fields: Mapping[str, object]) -> dict[str, str]:
    return {
        cut_to_bytes(_one_line(name), LABEL_NAME_LIMIT_BYTES): cut_to_bytes(_scalar(value), LABEL_VALUE_LIMIT_BYTES)
        for name, value in fields.items()
        if isinstance(value, str | int | float)
    }


def _scalar(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _one_line(str(value))


def _kind(value: object) -> str:
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case str():
            return "a string"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case _:
            return "null"


def _quoted(text: str) -> str:
    line = _one_line(text)
    return f"“{line}”" if len(line) <= QUOTE_LIMIT_CHARACTERS else f"“{line[: QUOTE_LIMIT_CHARACTERS - 1]}…”"


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())
