"""An alert that a person wrote, one JSON object or one sentence, read strictly.

What has no safe reading is rejected, in words that quote at most 80 visible characters of it. Pure. The plain source
calls it.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from producers.sources.alert import Arrival, unique_of
from producers.sources.bounds import (
    CLOCK_TOLERANCE,
    EARLIEST_START,
    AlertError,
    kept_labels,
    kind_of,
    labels_of,
    quoted,
    read_time,
    severity_of,
    whole_labels,
)
from producers.sources.secret_free import DOOR
from worker.contract import Alert, Incident, Resolution, Severity
from worker.contract.incident import TEXT_LIMIT_BYTES, identity
from worker.contract.text import visible

__all__ = ["TEXT_FIELDS", "alert_of_fields", "incident_of_sentence"]

TEXT_FIELDS: Final = ("error_msg", "text", "message")
"""Where the alert's text may stand; the first that is present is taken, any other becomes a label."""

SERVER_ID_LIMIT_BYTES: Final = 253

_IS_OVER: Final = frozenset({"resolved", "recovered", "ok"})
"""A `status` that means an end, whatever its case; fewer words than a monitoring system has, for a person is free."""

_NO_BEGINNING: Final = (
    "an end has to name what it ends: send the `timestamp` of its beginning, with the same `server_id` and text"
)


def incident_of_sentence(text: str, arrival: Arrival) -> Incident:
    """Return the incident of free text: it names no server outright, and each submission is an occurrence of its own.

    Raises `AlertError`.
    """
    return _incident(
        arrival, text=_text(text), named="", severity=Severity.WARNING, started_at=None, labels={}, whole={}
    )


def alert_of_fields(alert: object, arrival: Arrival) -> Alert:
    """Return the incident of a decoded JSON alert: `error_msg`, `server_id`, `timestamp`, `severity`, `labels`.

    With the `status` "resolved" (or "recovered", "ok") it is the end of the alert that had the same server, text and
    timestamp, which is then required: no other field of a plain alert identifies an occurrence.

    All but the text may be missing. Further scalar fields become labels; nested ones are left out. Without a
    `server_id` the field map finds the server in the labels. With a timestamp, sending the alert again gives the same
    incident id. Raises `AlertError`.
    """
    if not isinstance(alert, dict):
        raise AlertError(f"an alert must be a JSON object with `error_msg`; this is {kind_of(alert)}")
    fields = dict(alert)
    is_over = _is_over(fields.get("status"))
    if is_over and fields.get("timestamp") is None:
        raise AlertError(_NO_BEGINNING)
    text = _text(_taken_text(fields))
    named = _server_id(fields.pop("server_id", None))
    severity = severity_of(fields.pop("severity", None))
    started_at = _started_at(fields.pop("timestamp", None), arrival.received_at)
    sent = fields.pop("labels", None)
    labels = labels_of(sent, fields)
    incident = _incident(
        arrival,
        text=text,
        named=named,
        severity=severity,
        started_at=started_at,
        labels=labels,
        whole=whole_labels(labels, fields, sent),
    )
    return _end_of(incident) if is_over else incident


def _incident(
    arrival: Arrival,
    *,
    text: str,
    named: str,
    severity: Severity,
    started_at: datetime | None,
    labels: Mapping[str, str],
    whole: Mapping[str, str],
) -> Incident:
    server_id = arrival.fields.server_in(labels, named=named)
    address = arrival.fields.address_in(labels, named=named)  # what listens on two ports has two conditions
    condition = "\n".join((arrival.source, address, " ".join(text.casefold().split())))
    fingerprint = hashlib.sha256(condition.encode()).hexdigest()[:32]
    occurrence = started_at.isoformat() if started_at else unique_of(arrival)
    kept = kept_labels(labels, is_needed=arrival.fields.reads)
    return Incident(
        incident_id=identity(fingerprint, occurrence),
        source=arrival.source,
        fingerprint=fingerprint,
        server_id=DOOR.name(server_id),
        text=DOOR.text(text),
        severity=severity,
        started_at=started_at or arrival.received_at,
        received_at=arrival.received_at,
        labels=DOOR.labels(kept, {name: value for name, value in whole.items() if name in kept}),
        service=DOOR.name(arrival.fields.service_in(labels)),
        group=DOOR.group(arrival.fields.group_of(server_id, labels)),
    )


def _is_over(status: object) -> bool:
    return isinstance(status, str) and status.strip().casefold() in _IS_OVER


def _end_of(incident: Incident) -> Resolution:
    return Resolution(
        incident_id=incident.incident_id,
        source=incident.source,
        fingerprint=incident.fingerprint,
        server_id=incident.server_id,
        text=incident.text,
        resolved_at=incident.received_at,
        received_at=incident.received_at,
    )


def _taken_text(fields: dict[str, object]) -> object:
    for name in TEXT_FIELDS:
        if fields.get(name) is not None:
            return fields.pop(name)
    raise AlertError(f"the alert says nothing: give `{TEXT_FIELDS[0]}` (or `text`, or `message`)")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise AlertError(f"the alert's text must be a string; this is {kind_of(value)}")
    text = visible(value.strip())
    size_bytes = len(text.encode())
    if not text:
        raise AlertError("the alert's text is empty: say what is wrong, and on which server")
    if size_bytes > TEXT_LIMIT_BYTES:
        remedy = "send what is wrong, and leave the log to the worker, which reads it at its source"
        raise AlertError(f"the text is {size_bytes} bytes long; the limit is {TEXT_LIMIT_BYTES}: {remedy}")
    return text


def _server_id(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AlertError(f"`server_id` must be a string; this is {kind_of(value)}")
    server_id = value.strip()
    if not server_id:
        raise AlertError("`server_id` is empty: name the server, or leave the field out")
    if visible(server_id) != server_id or any(character.isspace() for character in server_id):
        raise AlertError(f"`server_id` must be one word without control characters; this is {quoted(server_id)}")
    if len(server_id.encode()) > SERVER_ID_LIMIT_BYTES:
        raise AlertError(f"`server_id` is {len(server_id.encode())} bytes long; the limit is {SERVER_ID_LIMIT_BYTES}")
    return server_id


def _started_at(value: object, received_at: datetime) -> datetime | None:
    """Read ISO 8601 (a time without an offset is UTC) or seconds since 1970; None when the alert has no time."""
    if value is None:
        return None
    try:
        started_at = read_time(value)
    except (ValueError, OverflowError, OSError):
        expected = "ISO 8601, such as 2026-11-22T03:00:00Z, or seconds since 1970"
        raise AlertError(f"`timestamp` must be {expected}; this is {quoted(str(value))}") from None
    if not EARLIEST_START <= started_at <= received_at + CLOCK_TOLERANCE:
        raise AlertError(
            f"`timestamp` {quoted(str(value))} lies before 2000 or more than a day ahead: "
            "correct the source's clock, and send seconds, not milliseconds"
        )
    return started_at
