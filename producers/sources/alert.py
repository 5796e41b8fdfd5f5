"""A monitoring system's alert, made into what intake is offered: bounded, visible, without secrets, of stable identity.

Pure: the time of arrival, and the token that tells two equal alerts apart, come from the caller. It is read leniently,
for nobody is there to correct it; what a person writes is read strictly (`plain_alert.py`). Each source calls it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from producers.sources.bounds import AlertError, kept_labels, labels_of, plausible_time, severity_of, whole_labels
from producers.sources.field_map import FieldMap
from producers.sources.secret_free import DOOR, Door
from worker.contract import Alert, Incident, Resolution
from worker.contract.incident import TEXT_LIMIT_BYTES, identity
from worker.contract.text import cut_to_bytes, visible

__all__ = ["AlertError", "Arrival", "Ignored", "Outcome", "Rejection", "Reported", "alert_of", "unique_of"]

_CUT_NOTE_BYTES: Final = 64


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


def alert_of(reported: Reported, arrival: Arrival, *, door: Door = DOOR) -> Alert:
    """Return what intake is offered for one alert of a monitoring system, read leniently, without secrets.

    Too long a text is cut, with a note; a time that is none, or lies before 2000 or more than a day ahead, is replaced
    by the time of arrival, and still tells occurrences apart. Raises `AlertError` for an alert that says nothing.
    """
    labels = labels_of(dict(reported.labels), {})
    server_id = arrival.fields.server_in(labels, named=reported.server_id or "")
    whole_text = visible(reported.text.strip())
    text = cut_to_bytes(whole_text, TEXT_LIMIT_BYTES - _CUT_NOTE_BYTES)
    if not text:
        raise AlertError("the alert says nothing: it has neither a name nor a text")
    condition = reported.condition or "\n".join((server_id or "", text, *map("=".join, sorted(labels.items()))))
    fingerprint = hashlib.sha256(f"{arrival.source}\n{condition}".encode("utf-8", "backslashreplace")).hexdigest()[:32]
    started_at = plausible_time(reported.started_at, arrival.received_at)
    occurrence = reported.occurrence or _occurrence_of(reported.started_at, started_at) or unique_of(arrival)
    if reported.is_resolved:
        return Resolution(
            incident_id=identity(fingerprint, occurrence),
            source=arrival.source,
            fingerprint=fingerprint,
            server_id=door.name(server_id),
            text=door.text(whole_text),
            resolved_at=plausible_time(reported.resolved_at, arrival.received_at) or arrival.received_at,
            received_at=arrival.received_at,
        )
    kept = kept_labels(labels, is_needed=arrival.fields.reads)
    return Incident(
        incident_id=identity(fingerprint, occurrence),
        source=arrival.source,
        fingerprint=fingerprint,
        server_id=door.name(server_id),
        text=door.text(whole_text),
        severity=severity_of(reported.severity),
        started_at=started_at or arrival.received_at,
        received_at=arrival.received_at,
        labels=door.labels(kept, whole_labels(kept, reported.labels)),
        service=door.name(arrival.fields.service_in(labels)),
        group=door.group(arrival.fields.group_of(server_id, labels)),
        fires_again=identity(fingerprint, reported.fires_again) if reported.fires_again else None,
    )


def unique_of(arrival: Arrival) -> str:
    """Return the occurrence of an alert that has no time: no other alert's, not even its own when it is sent again."""
    return f"{arrival.received_at.isoformat()} {arrival.unique}"


def _occurrence_of(sent: object, started_at: datetime | None) -> str | None:
    """Return what tells one firing from the next: its start, or what was sent in its place; None without either."""
    if started_at is not None:
        return started_at.isoformat()
    text = str(sent).strip() if isinstance(sent, str | int | float) else ""
    return None if not text or text.startswith("0001-01-01") else text
