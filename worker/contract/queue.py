"""Names on the wire: queues, keys and streams, and the Celery message that carries an incident's id.

The message is a hint, the registry is the truth, so the message holds nothing but the id. It is rendered here, not by
Celery, so that one script can write registry entry and message together; an unmodified worker consumes it
(`tests/integration/test_envelope.py` holds it against the installed Celery).
"""

import base64
import json
import re
from secrets import token_hex
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from worker.contract.incident import IncidentId, Severity

__all__ = [
    "AUDIT_IDS",
    "AUDIT_STREAM",
    "BROKER_KEY_PREFIX",
    "DEAD_LETTERS",
    "ESCALATION_FAILURES",
    "ESCALATION_GROUP",
    "FEEDBACK",
    "HANDLED_STREAM",
    "MESSAGE_PARTS",
    "OPEN_INCIDENTS",
    "PROPOSALS",
    "QUEUES",
    "RECORDS_GROUP",
    "RESTART_JOURNAL",
    "RESULTS_STREAM",
    "TRIAGE_TASK",
    "WAITING_INCIDENTS",
    "WATCHED_INCIDENTS",
    "WATCHED_UP_TO",
    "alerts_key",
    "configuration_key",
    "group_key",
    "handling_history_key",
    "handling_key",
    "incident_key",
    "journal_key",
    "occurrence_key",
    "placeholders_key",
    "queue_of",
    "read_message",
    "render_message",
    "worker_key",
]

TRIAGE_TASK: Final = "firstline.triage_incident"
BROKER_KEY_PREFIX: Final = "celery:"
QUEUES: Final = ("triage.p1", "triage.p2", "triage.p3")
"""Most urgent first; one queue a severity, so that a critical incident never waits behind warnings."""

OPEN_INCIDENTS: Final = "firstline:incidents:open"
"""Sorted set of incident ids that have no result yet, scored by the server's time of intake in milliseconds."""

WATCHED_INCIDENTS: Final = "firstline:incidents:watched"
"""Sorted set of open incident ids, scored by the server's time in milliseconds at which the sweeper looks at them.

Those that wait by a rule are there from intake on, the others from when the sweeper finds them old.
"""

WATCHED_UP_TO: Final = "firstline:incidents:watched-up-to"
"""String: the server's time of intake in milliseconds up to which all open incidents are watched."""

PROPOSALS: Final = "firstline:proposals"
"""Sorted set of incident ids whose restart waits for an engineer's word, scored by when it was closed, in ms.

An approved one stays there, scored by when it was approved, until the incident that carries it out is taken in.
"""

DEAD_LETTERS: Final = "firstline:dead-letters"
"""Stream of what nobody could work on: reason and content. Every entry has a result on the results stream, too."""

AUDIT_STREAM: Final = "firstline:audit"
"""Stream of what was decided, done and shown: when, who, where, what and why, each entry chained to the one before.

It is never trimmed.
"""

AUDIT_IDS: Final = "firstline:audit:ids"
"""Hash: by an audit entry's own id its place in the chain, "sequence:hash"; the newest one's under `head`."""

RESULTS_STREAM: Final = "firstline:results"
ESCALATION_GROUP: Final = "escalation"
ESCALATION_FAILURES: Final = "firstline:escalation:failures"
"""Hash: by the id of a result's entry how often it could not be delivered while others could; gone with the entry."""
RECORDS_GROUP: Final = "records"
"""Reads results and restart journal for the audit, and results for what waits for engineers.

No result is forgotten before it has.
"""

RESTART_JOURNAL: Final = "firstline:restarts:journal"
"""Stream of the restart guard, ahead of each order: `state`, `incident`, `server`, `fence`, `worker`, `detail`."""

WAITING_INCIDENTS: Final = "firstline:handling:waiting"
"""Sorted set of incidents that wait for engineers, scored by urgency (0 to 2) x 10^13 + a time in milliseconds.

It is when the desk concluded that somebody is needed, however late that was recorded; no newer result changes it.
"""

HANDLED_STREAM: Final = "firstline:handled"
"""Stream of what engineers and the desk did, for who follows: `incident_id`, `at` in milliseconds, `handled` as JSON.

The newest 100,000 or so are kept.
"""

FEEDBACK: Final = "firstline:feedback"
"""Hash by "incident id, blank, person": that person's last word on what the desk concluded, as JSON. It is kept."""

MESSAGE_LIMIT_BYTES: Final = 16_384
"""A hint has about 500 bytes, from Celery's own hand about 1,200; what is longer than this isn't even parsed."""

_QUEUE_OF: Final = dict(zip(Severity, QUEUES, strict=True))


def incident_key(incident_id: str) -> str:
    """Return the key of an incident's hash.

    Its fields: `incident`, `accepted_at`, and `queue` where it is not that of warnings; once it was claimed `state` (a
    new one has none), `epoch`, `deliveries`, `worker`, `lease_until`, `token`, `last_step`; once it is closed `result`,
    `disposition`, `closed_at`; where an engineer decided on its proposal `decision`, `decided_by`, `decided_at`,
    `decision_why`, `decision_audited_as` (its entry's id in the audit); where alerts came to it `occurrences` (its own
    included), `resolved`, `last_seen_at`, `urgency` (2 to 4, the most urgent alert's queue);
    where its triage has to wait `not_before` and `urgent_at` (for more urgent alerts); where its message was not put
    into the queue at intake `enqueued_at`. Times are the server's, in milliseconds.
    """
    return f"firstline:incident:{incident_id}"


def alerts_key(incident_id: str) -> str:
    """List: the newest alerts that came to an incident after its own, as JSON (`Alert`), newest first."""
    return f"firstline:alerts:{incident_id}"


def handling_key(incident_id: str) -> str:
    """Hash: how an incident stands with engineers; while it waits for them it does not expire.

    Its fields: `state`, `person`, `since` and `opened_at` (the server's, in milliseconds), `score`, `concluded` as JSON
    and `finished_at` of that result; a `result:` with the `finished_at` of each that came; `letter`, the newest result
    as JSON where it is a dead letter; `opened_with`, the `finished_at` of what opened it last, and, where it was
    resolved before, `opened_again_at`.
    """
    return f"firstline:handling:{incident_id}"


def handling_history_key(incident_id: str) -> str:
    """List: what engineers and the desk did, oldest first, each "milliseconds, blank, JSON"; the newest 200."""
    return f"firstline:handling:{incident_id}:history"


def placeholders_key(incident_id: str) -> str:
    """String: what an incident's placeholders stand for, sealed."""
    return f"firstline:placeholders:{incident_id}"


def occurrence_key(incident_id: str) -> str:
    """Return the key of what became of an occurrence that is no incident of its own, or is over: a string.

    ``inc-…`` is the incident that it was attached to; ``resolved:inc-…:ms`` says that it is over, and since when.
    """
    return f"firstline:occurrence:{incident_id}"


def group_key(group: str) -> str:
    """Return the key of a group: a string, the id of its newest incident. It expires with that incident."""
    return f"firstline:group:{group}"


def configuration_key(program: str) -> str:
    """Hash: by a setting's name what the audit was told of it last, at a start of this program. It holds no secret."""
    return f"firstline:configuration:{program}"


def journal_key(incident_id: str) -> str:
    """List: one `Step` as JSON an element, oldest first."""
    return f"firstline:journal:{incident_id}"


def worker_key(name: str) -> str:
    """Hash that lives as long as its worker process beats."""
    return f"firstline:worker:{name}"


def queue_of(severity: Severity) -> str:
    """Return the queue that carries incidents of this severity."""
    return _QUEUE_OF[severity]


def render_message(incident_id: str, queue: str) -> str:
    """Return the broker message for one incident: Celery's task protocol 2 in kombu's Redis envelope.

    Source: https://docs.celeryq.dev/en/stable/internals/protocol.html
    """
    one, two, three, four, five, six = MESSAGE_PARTS[queue]
    return f"{one}{incident_id}{two}{incident_id}{three}{incident_id}{four}{incident_id}{five}{token_hex(16)}{six}"


_ID: Final = "inc-" + "0" * 20
_TAG: Final = "delivery tag"
_BODY: Final = json.dumps([[_ID], {}, {}], separators=(",", ":"))


def _parts(queue: str) -> tuple[str, ...]:
    """Return what stands between the values of a message: the id four times, and a new delivery tag.

    What Celery assumes of itself is left out.
    """
    message = json.dumps(
        {
            "body": _BODY,
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": TRIAGE_TASK,
                "id": _ID,
                "root_id": _ID,
                "ignore_result": True,
            },
            "properties": {
                "body_encoding": "utf-8",
                "correlation_id": _ID,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "delivery_mode": 2,
                "delivery_tag": _TAG,
                "priority": 0,
                "reply_to": "",
            },
        },
        separators=(",", ":"),
    )
    return tuple(re.split(f"{_ID}|{_TAG}", message))


MESSAGE_PARTS: Final = {queue: _parts(queue) for queue in QUEUES}
"""By queue the six parts of a message, between which stand the id four times, and a delivery tag."""


_Nothing = Annotated[dict[str, object], Field(max_length=0)]
_Call = TypeAdapter(tuple[tuple[IncidentId], _Nothing, dict[str, object]])


class _Headers(BaseModel):
    task: Literal["firstline.triage_incident"]


class _Properties(BaseModel):
    body_encoding: Literal["utf-8", "base64"]


class _Envelope(BaseModel):
    body: str
    content_encoding: Literal["utf-8"] = Field(alias="content-encoding")
    content_type: Literal["application/json"] = Field(alias="content-type")
    headers: _Headers
    properties: _Properties


def read_message(content: bytes) -> str:
    """Return the incident id in a broker message; of the rest only what tells a hint from anything else is looked at.

    Raises `ValueError` with a sentence that quotes nothing of the content.
    """
    if len(content) > MESSAGE_LIMIT_BYTES:
        raise ValueError(f"the message has {len(content)} bytes; a hint has at most {MESSAGE_LIMIT_BYTES}")
    try:
        envelope = _Envelope.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(f"the envelope is wrong: {_first_complaint(error)}") from None
    try:
        (incident_id,), _, _ = _Call.validate_json(_body(envelope))
    except ValidationError as error:
        raise ValueError(f"the body is wrong: {_first_complaint(error)}") from None
    except ValueError:
        raise ValueError("the body is not base64") from None
    return incident_id


def _body(envelope: _Envelope) -> str | bytes:
    """Return the body as JSON: ours stands there as it is, that of Celery's own hand in base64."""
    is_encoded = envelope.properties.body_encoding == "base64"
    return base64.b64decode(envelope.body, validate=True) if is_encoded else envelope.body


def _first_complaint(error: ValidationError) -> str:
    complaint = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(step) for step in complaint["loc"])
    return f"{place}: {complaint['msg']}" if place else complaint["msg"]
