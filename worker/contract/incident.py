"""What intake is offered: a firing alert, made into an incident, and the end of one.

Producers build both, the registry keeps them, the triage reads them. They never change after intake. An `Incident` that
is offered while another of its group is open is not opened: it is attached to that one, and counted.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from worker.contract.approval import Approval
from worker.contract.base import Frozen, IncidentId

__all__ = ["TEXT_LIMIT_BYTES", "Alert", "Incident", "IncidentId", "IncidentKind", "Resolution", "Severity", "identity"]

TEXT_LIMIT_BYTES: Final = 16_384
"""An alert's text past this is refused at the door: it would crowd the evidence out of the model's budget."""

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def _tellable(moment: datetime) -> datetime:
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError("a time before 2000 or after 9000 is none of an alert")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_tellable)]
"""A time that can be told in every zone: at both ends of the calendar one can't."""

ServerId = Annotated[str, StringConstraints(min_length=1, max_length=253)]


class Severity(StrEnum):
    """How urgent the source says it is; each severity has a queue of its own."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class IncidentKind(StrEnum):
    """A FAILURE is there; a TREND leads to one, and is never restarted for: diagnosed and escalated only."""

    FAILURE = "failure"
    TREND = "trend"


class Incident(Frozen):
    """One occurrence of one condition on one server, as it was accepted.

    `server_id` is what an alert names outright; for free text it is None, and the inventory finds the name in `text`.
    `service` is the source's word for it; the inventory's counts. `fingerprint` identifies the condition, and with
    `started_at` (or the source's own key of the occurrence) the occurrence; `incident_id` is a hash of both, so that a
    producer's retry is the same incident. Alerts of one `group` are one incident while it is open; without one each is
    an incident of its own. `fires_again` is the occurrence that begins anew in this one, where the source itself says
    so: the next end of that occurrence is this one's. `approval` is set where an engineer approved a restart, and never
    by a source of alerts.
    """

    schema_version: Literal[1] = 1
    incident_id: IncidentId
    source: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    fingerprint: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    server_id: ServerId | None
    text: Annotated[str, StringConstraints(min_length=1)]
    severity: Severity
    started_at: Moment
    received_at: Moment
    labels: Mapping[str, str] = Field(default_factory=dict)
    kind: IncidentKind = IncidentKind.FAILURE
    service: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    group: Annotated[str, StringConstraints(max_length=1024)] = ""
    fires_again: IncidentId | None = None
    approval: Approval | None = None

    @model_validator(mode="after")
    def _text_is_bounded(self) -> Self:
        size = len(self.text.encode("utf-8", "backslashreplace"))
        if size > TEXT_LIMIT_BYTES:
            raise ValueError(f"the text is {size} bytes long; the limit is {TEXT_LIMIT_BYTES}")
        return self


class Resolution(Frozen):
    """The end of one occurrence, as its source says. `incident_id` is the id under which it was offered as firing."""

    schema_version: Literal[1] = 1
    incident_id: IncidentId
    source: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    fingerprint: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    server_id: ServerId | None
    text: str
    resolved_at: Moment
    received_at: Moment


Alert = Incident | Resolution
"""What a source says of one condition: it began, or it is over."""


def identity(fingerprint: str, occurrence: str) -> str:
    """Return the incident id of one occurrence: stable across retries, machines and releases."""
    digest = hashlib.sha256(f"{fingerprint}\n{occurrence}".encode("utf-8", "backslashreplace")).hexdigest()
    return f"inc-{digest[:20]}"
