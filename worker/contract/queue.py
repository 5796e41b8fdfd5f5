"""Names on the wire: queues, keys and streams, and the Celery message that carries an incident's id.

The message is a hint, the registry is the truth, so the message holds nothing but the id. It is rendered here, not by
Celery, so that one script can write registry entry and message together; an unmodified worker consumes it
(`tests/integration/test_envelope.py` holds it against the installed Celery).
"""

import base64
import json
from typing import Final
from uuid import uuid4

from worker.contract.incident import Severity

__all__ = [
    "BROKER_KEY_PREFIX",
    "ESCALATION_GROUP",
    "OPEN_INCIDENTS",
    "QUEUES",
    "RESULTS_STREAM",
    "TRIAGE_TASK",
    "incident_key",
    "journal_key",
    "queue_of",
    "render_message",
    "worker_key",
]

TRIAGE_TASK: Final = "firstline.triage_incident"
BROKER_KEY_PREFIX: Final = "celery:"
QUEUES: Final = ("triage.p1", "triage.p2", "triage.p3")
"""Most urgent first; one queue a severity, so that a critical incident never waits behind warnings."""

OPEN_INCIDENTS: Final = "firstline:incidents:open"
"""Sorted set of incident ids that have no result yet, scored by the server's time of intake in milliseconds."""

RESULTS_STREAM: Final = "firstline:results"
ESCALATION_GROUP: Final = "escalation"

_QUEUE_OF: Final = dict(zip(Severity, QUEUES, strict=True))


def incident_key(incident_id: str) -> str:
    """Hash: `incident`, `state`, `accepted_at`, `epoch`, `deliveries`, `worker`, `lease_until`, `token`, `result`."""
    return f"firstline:incident:{incident_id}"


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
    body = json.dumps([[incident_id], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    return json.dumps(
        {
            "body": base64.b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": TRIAGE_TASK,
                "id": incident_id,
                "root_id": incident_id,
                "parent_id": None,
                "group": None,
                "argsrepr": "",
                "kwargsrepr": "",
                "retries": 0,
                "timelimit": [None, None],
                "eta": None,
                "expires": None,
                "ignore_result": True,
            },
            "properties": {
                "body_encoding": "base64",
                "correlation_id": incident_id,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "delivery_mode": 2,
                "delivery_tag": str(uuid4()),
                "priority": 0,
                "reply_to": "",
            },
        }
    )
