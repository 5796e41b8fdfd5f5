"""CloudEvents 1.0: one event, a batch of them, or one whose attributes came as headers.

The `data` may be an alert (`error_msg`, `server_id`, `severity`, `labels`), a notification of Alertmanager, or whatever
else has a text. Two events of one `source` and `id` are the same event, as the specification has it, unless the data
names its own condition (`fingerprint`, `dedup_key`) and its start, or its own occurrence (`incident_id`): only such an
alert has an end that can be found. Whatever the data is, the identity is of this source: who may send events alone
begins and ends no alert of another source. Its form is that of https://github.com/cloudevents/spec, in `cloudevents/`:
`spec.md`, `formats/json-format.md`, `bindings/http-protocol-binding.md`. Pure, nothing raises. The webhook calls it.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from producers.sources import alertmanager
from producers.sources.alert import Arrival, Ignored, Outcome, Rejection, Reported
from producers.sources.bounds import quoted
from producers.sources.plain_alert import TEXT_FIELDS
from producers.sources.reading import mapping_in, numbered, outcome_of, tags_in, text_in
from producers.sources.strict_json import Flaw, read_value

__all__ = ["SOURCE", "from_binary", "parse"]

SOURCE: Final = "cloudevents"

_HEADER_PREFIX: Final = "ce-"
_REQUIRED: Final = ("id", "source", "specversion", "type")
_VERSION: Final = "1.0"
_ESCAPED: Final = re.compile(r"\\(.)")
_TEXTS: Final = (*TEXT_FIELDS, "title", "summary", "description", "name")
_CONDITIONS: Final = ("fingerprint", "dedup_key", "dedupKey", "alert_id", "alertId")
_OCCURRENCES: Final = ("occurrence", "incident_id", "incidentId", "problem_id", "problemId")
_STARTS: Final = ("startsAt", "starts_at", "started_at", "startedAt", "timestamp")
_ENDS: Final = ("endsAt", "ends_at", "resolved_at", "resolvedAt")
_SEVERITIES: Final = ("severity", "priority", "level")
_IS_OVER: Final = frozenset({"resolved", "recovered", "ok", "closed"})
_TYPES_OF_ENDS: Final = (".resolved", ".recovered")
_NOT_LABELS: Final = frozenset({*_STARTS, *_ENDS, *_SEVERITIES, "status", "labels", "tags"})
_EXPECTED: Final = "expected a JSON object with `id`, `source`, `specversion` and `type`, or an array of them"
_NO_OCCURRENCE: Final = "this end names no beginning: send `fingerprint` and `startsAt` in the data of both events"
_SAYS_NOTHING: Final = (
    "the event's data says nothing: expected text, or an object with `error_msg`, `text` or `message`"
)


@dataclass(frozen=True, slots=True)
class _Event:
    """The attributes that are read, and the data, whatever it is; `severity` is an extension."""

    source: str
    id: str
    type: str
    subject: str
    time: str
    severity: str
    data: object


def parse(document: object, arrival: Arrival) -> Iterator[Outcome]:
    """Yield what became of each event in order; one with Alertmanager's data gives an outcome for each alert in it."""
    if document == []:
        yield Ignored("this batch has no events")
        return
    for ordinal, event in enumerate(document if isinstance(document, list) else [document], start=1):
        yield from _outcomes(event, numbered(arrival, ordinal))


def from_binary(headers: Mapping[str, str], document: object) -> object:
    """Return what `parse` takes for an event in binary mode: `headers` hold the attributes, `document` is its data.

    `document` is the decoded JSON body, or the body as text where it is no JSON, and None without a body. Names of
    headers may be in any case; values are unquoted and percent-decoded as the HTTP binding says, section 3.1.3.2.
    """
    named = {name.casefold(): value for name, value in headers.items()}
    attributes: dict[str, object] = {
        name.removeprefix(_HEADER_PREFIX): _header_value(value)
        for name, value in named.items()
        if name.startswith(_HEADER_PREFIX) and name not in {"ce-data", "ce-data_base64"}
    }
    if "content-type" in named:
        attributes["datacontenttype"] = named["content-type"].strip()
    return attributes if document is None else attributes | {"data": document}


def _header_value(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = _ESCAPED.sub(r"\1", value[1:-1])
    return unquote(value)


def _outcomes(document: object, arrival: Arrival) -> Iterator[Outcome]:
    event = _event(document)
    if isinstance(event, Rejection):
        yield event
    elif isinstance(event.data, Flaw):
        yield Rejection(f"the event's data cannot be read: {event.data.reason}")
    elif isinstance(mapping_in(event.data).get("alerts"), list):
        yield from alertmanager.parse(event.data, arrival)
    else:
        yield _outcome(event, arrival)


def _event(document: object) -> _Event | Rejection:
    if isinstance(document, Flaw):
        return Rejection(document.reason)
    if not isinstance(document, Mapping) or not any(name in document for name in _REQUIRED):
        return Rejection(f"this is no CloudEvent: {_EXPECTED}")
    missing = [f"`{name}`" for name in _REQUIRED if not text_in(document, name)]
    if missing:
        return Rejection(f"a CloudEvent has to have {', '.join(missing)}: add it, as text")
    version = text_in(document, "specversion")
    if version != _VERSION:
        return Rejection(f"`specversion` must be {_VERSION}; this is {quoted(version)}")
    return _Event(
        source=text_in(document, "source"),
        id=text_in(document, "id"),
        type=text_in(document, "type"),
        subject=text_in(document, "subject"),
        time=text_in(document, "time"),
        severity=text_in(document, "severity"),
        data=_data(document),
    )


def _data(event: Mapping[str, object]) -> object:
    """Return the data as a value: what is in base64, or came as text and is a JSON object, is decoded."""
    data = event.get("data")
    if data is None and isinstance(encoded := event.get("data_base64"), str):
        try:
            data = binascii.a2b_base64(encoded, strict_mode=True).decode()
        except (binascii.Error, ValueError):
            return Flaw("`data_base64` has to be base64 of text in UTF-8")
    if not isinstance(data, str) or not data.lstrip().startswith("{"):
        return data
    value = read_value(data)
    return value if isinstance(value, Mapping) else data


def _outcome(event: _Event, arrival: Arrival) -> Outcome:
    data = mapping_in(event.data)
    text = _first(data, _TEXTS) or text_in(data, "labels", "alertname") or text_in(event.data)
    if not text:
        return Rejection(_SAYS_NOTHING)
    condition, occurrence, started_at = _identity(event, data)
    is_resolved = text_in(data, "status").casefold() in _IS_OVER or event.type.casefold().endswith(_TYPES_OF_ENDS)
    if is_resolved and condition is None:
        return Ignored(_NO_OCCURRENCE)
    reported = Reported(
        text=text,
        labels=_labels(event, data, text),
        severity=_first(data, _SEVERITIES) or _first(mapping_in(data, "labels"), _SEVERITIES) or event.severity or None,
        started_at=started_at or event.time or None,
        server_id=text_in(data, "server_id") or None,
        condition=condition or event.source,
        occurrence=occurrence or (None if condition else event.id),
        is_resolved=is_resolved,
        resolved_at=_first(data, _ENDS) or event.time or None,
    )
    return outcome_of(reported, arrival)


def _identity(event: _Event, data: Mapping[str, object]) -> tuple[str | None, str, str]:
    """Return the data's own condition, occurrence and start; no condition where the data does not identify a firing.

    A condition without a start is none: every later firing would be taken for a copy of the first.
    """
    own, occurrence, started_at = _first(data, _CONDITIONS), _first(data, _OCCURRENCES), _first(data, _STARTS)
    if occurrence:
        return f"{event.source}\n{occurrence}", occurrence, started_at
    if own and started_at:
        return f"{event.source}\n{own}", "", started_at
    return None, "", started_at


def _labels(event: _Event, data: Mapping[str, object], text: str) -> dict[str, object]:
    """Return the labels and tags of the data, then its scalars, then the event's origin; the first of a name wins."""
    fields = {name: value for name, value in data.items() if name not in _NOT_LABELS and text_in(data, name) != text}
    origin = {"event_source": event.source, "event_type": event.type, "subject": event.subject}
    labels: dict[str, object] = {}
    for told in (mapping_in(data, "labels"), tags_in(data.get("tags")), fields, origin):
        for name, value in told.items():
            if value != "":
                labels.setdefault(name, value)
    return labels


def _first(fields: Mapping[str, object], names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := text_in(fields, name))), "")
