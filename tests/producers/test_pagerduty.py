"""PagerDuty: what fires, what ends, what asks for nothing, and which occurrence an event belongs to.

The fixtures follow the examples of PagerDuty's documentation (the address stands in the parser), with times, titles and
version 2's `details` of our own; the ping is one that PagerDuty sent.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fakeredis
import pytest

from producers.intake import Answer, Verdict, take_in
from producers.sources.alert import Arrival, Ignored, Outcome, Rejection
from producers.sources.pagerduty import SOURCE, parse
from worker.contract import Incident, Resolution, Severity

FIXTURES = Path(__file__).parent / "fixtures" / "pagerduty"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ARRIVAL = Arrival(received_at=NOW, unique="u1", source=SOURCE)


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def only(document: object, arrival: Arrival = ARRIVAL) -> Outcome:
    (outcome,) = parse(document, arrival)
    return outcome


def incident_of(document: object, arrival: Arrival = ARRIVAL) -> Incident:
    outcome = only(document, arrival)
    assert isinstance(outcome, Incident)
    return outcome


def resolution_of(document: object) -> Resolution:
    outcome = only(document)
    assert isinstance(outcome, Resolution)
    return outcome


def verdicts(redis: fakeredis.FakeRedis, names: Sequence[str]) -> list[Verdict]:
    outcomes = [only(fixture(name)) for name in names]
    return list(take_in(redis, [each for each in outcomes if isinstance(each, Incident | Resolution)]))


def test_a_triggered_incident_is_told_with_its_title_its_service_and_its_priority() -> None:
    incident = incident_of(fixture("v3-incident.triggered"))

    assert incident.text == "payment-server-01: connection pool exhausted"
    assert (incident.source, incident.service, incident.severity) == ("pagerduty", None, Severity.CRITICAL)
    assert incident.labels == {
        "service": "API Service",
        "priority": "P1",
        "urgency": "high",
        "team": "Engineering",
        "incident_key": "d3640fbd41094207a1c11e58e46b1662",
        "pagerduty_incident": "PGR0VU2",
        "url": "https://acme.pagerduty.com/incidents/PGR0VU2",
    }
    assert incident.started_at == datetime(2026, 11, 22, 2, 58, 27, tzinfo=UTC)
    assert incident.server_id is None


def test_a_webhook_that_is_sent_twice_is_the_same_incident_whenever_it_arrives() -> None:
    later = Arrival(received_at=NOW.replace(hour=4), unique="u2", source=SOURCE)
    triggered = fixture("v3-incident.triggered")
    assert incident_of(triggered).incident_id == incident_of(triggered, later).incident_id


def test_a_resolved_incident_ends_the_occurrence_that_was_triggered_whatever_else_has_changed() -> None:
    resolved = fixture("v3-incident.resolved")
    resolved["event"]["data"] |= {"title": "renamed", "priority": None, "urgency": "low"}
    resolution = resolution_of(resolved)

    assert resolution.incident_id == incident_of(fixture("v3-incident.triggered")).incident_id
    assert resolution.resolved_at == datetime(2026, 11, 22, 2, 59, 31, tzinfo=UTC)


def test_a_reopened_incident_is_an_occurrence_of_its_own_each_time_and_of_the_same_condition() -> None:
    triggered, reopened = incident_of(fixture("v3-incident.triggered")), fixture("v3-incident.reopened")
    once = incident_of(reopened)
    again = incident_of(reopened)
    reopened["event"]["id"] = "another event"
    twice = incident_of(reopened)

    assert once == again
    assert len({triggered.incident_id, once.incident_id, twice.incident_id}) == 3
    assert {triggered.fingerprint} == {once.fingerprint, twice.fingerprint}
    assert once.started_at == datetime(2026, 11, 22, 2, 59, 45, tzinfo=UTC)


def test_an_incident_that_is_reopened_right_after_its_end_is_taken_in_again_and_its_next_end_is_found() -> None:
    names = ["v3-incident.triggered", "v3-incident.resolved", "v3-incident.reopened", "v3-incident.resolved"]
    first, end, second, last = verdicts(fakeredis.FakeRedis(decode_responses=True), names)

    assert [first.answer, end.answer, second.answer, last.answer] == [
        Answer.ACCEPTED,
        Answer.RESOLVED,
        Answer.ACCEPTED,
        Answer.RESOLVED,
    ]
    assert first.incident_id == end.incident_id != second.incident_id == last.incident_id


def test_a_reopened_incident_is_taken_in_although_nobody_told_that_it_had_ended() -> None:
    names = ["v3-incident.triggered", "v3-incident.reopened", "v3-incident.reopened"]
    answers = [verdict.answer for verdict in verdicts(fakeredis.FakeRedis(decode_responses=True), names)]
    assert answers == [Answer.ACCEPTED, Answer.ACCEPTED, Answer.DUPLICATE]


@pytest.mark.parametrize("kind", ["incident.acknowledged", "incident.annotated", "service.updated", "pagey.ping"])
def test_what_begins_nothing_and_ends_nothing_is_ignored_by_its_name(kind: str) -> None:
    outcome = only(fixture(f"v3-{kind}"))
    assert isinstance(outcome, Ignored)
    assert kind in outcome.reason


@pytest.mark.parametrize(
    ("priority", "urgency", "severity"),
    [
        ("P0", "low", Severity.CRITICAL),
        ("P1", "low", Severity.CRITICAL),
        ("P3", "high", Severity.INFO),
        ("SEV-1", "low", Severity.CRITICAL),
        ("Sev 2", "high", Severity.WARNING),
        ("On fire", "low", Severity.WARNING),
        (None, "high", Severity.WARNING),
        (None, "low", Severity.INFO),
        (None, None, Severity.WARNING),
    ],
)
def test_the_priority_counts_and_without_one_the_urgency(
    priority: str | None, urgency: str | None, severity: Severity
) -> None:
    document = fixture("v3-incident.triggered")
    document["event"]["data"] |= {"priority": priority and {"summary": priority}, "urgency": urgency}
    assert incident_of(document).severity is severity


def test_each_message_of_version_2_has_its_outcome_in_order() -> None:
    triggered, acknowledged, resolved = parse(fixture("v2-messages"), ARRIVAL)

    assert isinstance(triggered, Incident)
    assert (triggered.server_id, triggered.severity) == ("db-07", Severity.INFO)
    assert (triggered.labels["mount"], triggered.labels["service"]) == ("/var/lib/postgresql", "Production XDB Cluster")
    assert isinstance(acknowledged, Ignored)
    assert isinstance(resolved, Resolution)
    assert resolved.incident_id == triggered.incident_id
    assert resolved.resolved_at == datetime(2026, 11, 22, 2, 50, 36, tzinfo=UTC)


def test_an_end_that_names_no_incident_is_rejected_with_what_is_missing() -> None:
    document = fixture("v3-incident.resolved")
    del document["event"]["data"]["id"]
    outcome = only(document)
    assert isinstance(outcome, Rejection)
    assert "`id`" in outcome.reason


@pytest.mark.parametrize("document", [None, [], {}, "text", {"messages": []}, {"event": "incident.triggered"}, [{}]])
def test_what_is_no_webhook_of_pagerduty_is_one_rejection_that_says_what_was_expected(document: object) -> None:
    outcome = only(document)
    assert isinstance(outcome, Rejection)
    assert "`messages`" in outcome.reason
