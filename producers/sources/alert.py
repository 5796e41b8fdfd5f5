"""One alert's fields, or one sentence, made into an incident: bounded, made visible, with a stable identity.

Pure: the time of arrival and the token that tells two equal sentences apart come from the caller. It never guesses:
what has no safe reading is rejected, in words that quote at most 80 visible characters of it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from worker.contract import Incident, Severity
from worker.contract.incident import TEXT_LIMIT_BYTES, identity
from worker.contract.text import cut_to_bytes, visible

__all__ = ["AlertError", "Arrival", "incident_of_alert", "incident_of_sentence"]

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

_SEVERITY_OF: Final = {
    **dict.fromkeys(("critical", "p1", "page", "fatal"), Severity.CRITICAL),
    **dict.fromkeys(("error", "warning", "p2", "high"), Severity.WARNING),
    **dict.fromkeys(("info", "p3", "low"), Severity.INFO),
}


class AlertError(ValueError):
    """The alert was not understood, or is past a limit: the message says what, where, and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How an alert came in. `unique` is used for no other alert: it keeps two alerts without a time apart."""

    received_at: datetime
    unique: str
    source: str


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
    occurrence = started_at.isoformat() if started_at else f"{arrival.received_at.isoformat()} {arrival.unique}"
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
    )


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
    return _SEVERITY_OF.get(str(value).strip().casefold(), Severity.WARNING)


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
