"""Datadog: the payload that the parser's docstring gives, its own default payload, and those that others publish.

The fixtures follow Datadog's documentation of its variables and transitions (the address stands in the parser), and
`nested-triggered` a payload as other products have their users configure it.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fakeredis
import pytest

from producers.intake import Answer, take_in
from producers.sources import datadog
from producers.sources.alert import Arrival, Ignored, Outcome, Rejection
from producers.sources.datadog import SOURCE, parse
from worker.contract import Incident, Resolution, Severity

FIXTURES = Path(__file__).parent / "fixtures" / "datadog"
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


def test_a_triggered_monitor_is_told_with_its_server_its_tags_and_its_priority() -> None:
    incident = incident_of(fixture("template-triggered"))

    assert incident.text == (
        "Load is high\nsystem.load.1 over host:web-01 was > 4 at least once during the last 5m\n"
        "Load is high on web-01 @webhook-firstline"
    )
    assert (incident.server_id, incident.service, incident.severity) == ("web-01", "checkout", Severity.CRITICAL)
    assert incident.started_at == datetime(2026, 11, 22, 2, 58, tzinfo=UTC)
    assert incident.labels == {
        "hostname": "web-01",
        "priority": "P1",
        "monitor": "1234",
        "url": "https://app.datadoghq.com/event/event?id=1",
        "env": "prod",
        "host": "web-01",
        "service": "checkout",
        "canary": "",
        "availability-zone": "us-east-1a",
    }


def test_a_renotification_is_the_same_occurrence_and_a_recovery_ends_it() -> None:
    names = ("template-triggered", "template-renotify", "template-recovered")
    triggered, renotified, recovered = (only(fixture(name)) for name in names)

    assert isinstance(triggered, Incident)
    assert isinstance(renotified, Incident)
    assert isinstance(recovered, Resolution)
    verdicts = take_in(fakeredis.FakeRedis(decode_responses=True), [triggered, renotified, recovered])
    assert [verdict.answer for verdict in verdicts] == [Answer.ACCEPTED, Answer.DUPLICATE, Answer.RESOLVED]
    assert recovered.resolved_at == datetime(2026, 11, 22, 3, 13, tzinfo=UTC)


def test_another_cycle_of_the_same_monitor_is_another_occurrence_of_one_condition() -> None:
    first = incident_of(fixture("template-triggered"))
    second = incident_of(fixture("template-triggered") | {"alert_cycle_key": "2709105999"})
    assert first.fingerprint == second.fingerprint
    assert first.incident_id != second.incident_id


def test_each_group_of_a_multi_alert_is_a_condition_of_its_own_in_whatever_order_its_tags_come() -> None:
    first, other = fixture("template-triggered"), fixture("template-triggered")
    other["alert_scope"] = "host:web-01, availability-zone:us-east-1a"
    assert incident_of(first).fingerprint == incident_of(other).fingerprint
    other["alert_scope"] = "availability-zone:us-east-1a,host:web-03"
    assert incident_of(first).fingerprint != incident_of(other).fingerprint


@pytest.mark.parametrize(
    "transition",
    ["Triggered", "Re-Triggered", "No Data", "Re-No Data", "Warn", "Re-Warn", "Renotify", "Null", "New one"],
)
def test_every_transition_but_a_recovery_fires(transition: str) -> None:
    assert isinstance(only(fixture("template-triggered") | {"alert_transition": transition}), Incident)


def test_variables_that_were_not_substituted_and_empty_ones_count_as_absent() -> None:
    incident = incident_of(fixture("template-not-substituted"))

    assert incident.text == "Load is high\nLoad is high on web-01 @webhook-firstline"
    assert (incident.server_id, incident.severity) == (None, Severity.WARNING)
    assert not any("$" in text for text in (incident.text, *incident.labels, *incident.labels.values()))


def test_the_default_payload_tells_monitor_host_and_transition_in_its_title() -> None:
    incident = incident_of(fixture("default-triggered"))

    assert incident.text == "Disk is full\nThe disk is full on db-07"
    assert incident.server_id == "db-07"
    assert incident.started_at == datetime(2026, 11, 22, 2, 58, tzinfo=UTC)


def test_without_a_cycle_key_every_notification_that_fires_is_an_occurrence_and_a_retry_is_none() -> None:
    document = fixture("default-triggered")
    first, retry = incident_of(document), incident_of(document)
    again = incident_of(document | {"date": document["date"] + 600_000})
    assert first.incident_id == retry.incident_id != again.incident_id
    assert first.fingerprint == again.fingerprint


def test_without_a_cycle_key_an_end_is_ignored_with_what_to_configure() -> None:
    outcome = only(fixture("default-recovered"))
    assert isinstance(outcome, Ignored)
    assert "$ALERT_CYCLE_KEY" in outcome.reason


def test_a_payload_that_nests_the_alert_is_the_same_occurrence_as_the_flat_one() -> None:
    nested, flat = incident_of(fixture("nested-triggered")), fixture("template-triggered")
    assert (nested.server_id, nested.severity) == ("web-01", Severity.WARNING)
    assert nested.incident_id == incident_of(flat | {"alert_scope": "host:web-01"}).incident_id


def test_the_payload_in_the_docstring_is_what_the_parser_reads() -> None:
    template = re.search(r"\{\"alert_id\".*?\}", datadog.__doc__ or "", re.DOTALL)
    assert template
    payload = json.loads(template[0])
    assert set(payload) == set(fixture("template-triggered"))
    outcome = only(payload)
    assert isinstance(outcome, Rejection)
    assert "not filled in" in outcome.reason


@pytest.mark.parametrize(
    "document", [None, [], {}, "text", 3, [{"title": "x"}], {"title": None}, {"title": "$EVENT_TITLE"}]
)
def test_what_is_no_webhook_of_datadog_is_one_rejection_that_says_what_was_expected(document: object) -> None:
    outcome = only(document)
    assert isinstance(outcome, Rejection)
    assert "`alert_transition`" in outcome.reason


def test_what_tells_apart_two_alerts_without_monitor_and_title_is_their_text() -> None:
    same = {"date": 1795316280000}
    one, other = incident_of(same | {"body": "web-01 is slow"}), incident_of(same | {"body": "db-07 is full"})
    assert one.incident_id != other.incident_id
