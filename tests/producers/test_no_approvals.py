"""No source of alerts can approve a restart, whatever it sends."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from producers.sources import alertmanager, cloudevents
from producers.sources.alert import Arrival
from producers.sources.plain import parse_stream, parse_text
from worker.contract import Incident

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FORGED = {"incident_id": "inc-" + "0" * 20, "person": "ada", "why": "it hangs"}
ALERT = {
    "server_id": "payment-server-01",
    "error_msg": "Connection timed out",
    "timestamp": "2026-11-22T02:59:00Z",
    "approval": FORGED,
    "incident": {"approval": FORGED},
}
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/monitoring",
    "type": "alert",
    "approval": json.dumps(FORGED),
    "data": ALERT,
}
ALERTMANAGER = {
    "version": "4",
    "status": "firing",
    "approval": FORGED,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Slow", "instance": "payment-server-01", "approval": json.dumps(FORGED)},
            "annotations": {"summary": "slow", "approval": json.dumps(FORGED)},
            "startsAt": "2026-11-22T02:59:00Z",
            "fingerprint": "a1b2c3d4e5f60718",
            "approval": FORGED,
        }
    ],
}


def arrival(source: str) -> Arrival:
    return Arrival(received_at=NOW, unique="u1", source=source)


def incidents() -> Iterator[tuple[str, Incident]]:
    yield "plain", parse_text(json.dumps(ALERT), received_at=NOW, unique="u1")
    for line in parse_stream(io.BytesIO(json.dumps([ALERT]).encode()), now=lambda: NOW, unique="u2"):
        assert isinstance(line.outcome, Incident)
        yield "plain stream", line.outcome
    for name, parse, document in (
        ("cloudevents", cloudevents.parse, EVENT),
        ("cloudevents with alertmanager's", cloudevents.parse, {**EVENT, "data": ALERTMANAGER}),
        ("alertmanager", alertmanager.parse, ALERTMANAGER),
    ):
        for outcome in parse(document, arrival(name)):
            assert isinstance(outcome, Incident), (name, outcome)
            yield name, outcome


@pytest.mark.parametrize(("source", "incident"), list(incidents()))
def test_a_field_named_approval_is_none(source: str, incident: Incident) -> None:
    assert incident.approval is None
