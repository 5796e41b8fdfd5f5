"""Grafana: its unified alerting, the legacy alerting before it, its own alerts about rules, and its test buttons.

Grafana is in no package that a test could install: the fixtures follow its documentation (the webhook notifier, no data
and error states) and, for legacy alerting, its notifier's source; no Grafana has sent them.
"""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.sources.alert import Ignored, Outcome, Rejection
from producers.sources.grafana import SOURCE, parse
from tests.producers.notifications import (
    NOW,
    arrival_of,
    assert_bounded,
    fixture_of,
    incidents_in,
    json_values,
    spoilt,
)
from worker.contract import Incident, Resolution, Severity

UNIFIED: Final = ("alerting_firing", "alerting_resolved", "alerting_rule_failures", "alerting_test")
LEGACY: Final = ("legacy_alerting", "legacy_ok", "legacy_no_data", "legacy_test")


def fixture(name: str, **changes: object) -> Any:
    return {**fixture_of(SOURCE, name), **changes}


def parsed(document: object, *, unique: str = "u1", received_at: datetime = NOW) -> list[Outcome]:
    return list(parse(document, arrival_of(SOURCE, unique=unique, received_at=received_at)))


def only(document: object, *, unique: str = "u1", received_at: datetime = NOW) -> Outcome:
    (outcome,) = parsed(document, unique=unique, received_at=received_at)
    return outcome


def id_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Incident | Resolution), outcome
    return outcome.incident_id


def test_each_alert_is_an_incident_with_the_values_that_made_it_fire() -> None:
    first, second = incidents_in(parsed(fixture("alerting_firing")))

    assert (first.source, first.server_id, first.severity) == (SOURCE, "payment-server-01", Severity.CRITICAL)
    assert first.started_at == datetime.fromisoformat("2026-10-12T07:51:03.157076Z")
    assert first.labels["grafana_folder"] == "Payments"
    assert first.text.splitlines() == [
        "High memory usage: Memory of payment-server-01 is nearly full",
        "The heap has been above 90 % for five minutes.",
        "values: B=44.23943737541908, C=1",
        "runbook_url: https://runbooks.example/memory",
        "generatorURL: https://grafana.example/alerting/grafana/1afz29v7z/view",
        "panelURL: https://grafana.example/d/memory?viewPanel=4",
    ]
    assert (second.server_id, second.severity) == ("payment-server-02", Severity.WARNING)
    assert "values: [ metric='' labels={} value=97.25 ]" in second.text


def test_an_alert_that_is_over_ends_the_occurrence_that_fired_whatever_the_offset_of_its_start() -> None:
    resolution = only(fixture("alerting_resolved"))
    assert isinstance(resolution, Resolution)
    assert resolution.incident_id == id_of(parsed(fixture("alerting_firing"))[0])
    assert resolution.resolved_at == datetime.fromisoformat("2026-10-12T08:11:03.157076Z")
    assert "grafana_state_reason: MissingSeries" in resolution.text


def test_a_retry_is_the_same_occurrence_and_another_fingerprint_another_condition() -> None:
    first, second = (id_of(outcome) for outcome in parsed(fixture("alerting_firing")))
    assert first != second
    assert [id_of(outcome) for outcome in parsed(fixture("alerting_firing"), unique="u2")] == [first, second]


def test_a_rule_without_data_or_with_an_error_is_an_incident_that_names_the_rule() -> None:
    no_data, error = incidents_in(parsed(fixture("alerting_rule_failures")))
    assert no_data.text.startswith(
        "High memory usage (DatasourceNoData: the rule's query returned no data): Memory is nearly full\n"
    )
    assert error.text.startswith("High CPU usage (DatasourceError: the rule's query failed)\nError: failed to execute")
    assert (no_data.server_id, no_data.severity) == (None, Severity.WARNING)


@pytest.mark.parametrize("name", ["alerting_test", "legacy_test"])
def test_a_test_notification_is_acknowledged_and_opens_nothing(name: str) -> None:
    outcome = only(fixture(name))
    assert isinstance(outcome, Ignored)
    assert "a test notification of Grafana arrived" in outcome.reason


def test_a_rule_that_somebody_called_so_is_no_test() -> None:
    (alert,) = fixture("alerting_test")["alerts"]
    labels = {"alertname": "TestAlert", "instance": "payment-server-01"}
    assert isinstance(only({"alerts": [{**alert, "labels": labels}]}), Incident)
    assert isinstance(only(fixture("legacy_test", message="The notification queue is full.")), Incident)


def test_alerts_that_grafana_left_out_are_said() -> None:
    *_, word = parsed(fixture("alerting_firing", truncatedAlerts=7))
    assert isinstance(word, Ignored)
    assert "Grafana left 7 alerts out" in word.reason


def test_a_legacy_rule_that_fires_is_an_incident_with_the_series_that_matched() -> None:
    incident = only(fixture("legacy_alerting"))
    assert isinstance(incident, Incident)
    assert (incident.server_id, incident.severity) == ("payment-server-01", Severity.CRITICAL)
    assert incident.started_at == NOW
    assert incident.labels == {
        "alertname": "CPU of the payment servers",
        "host": "payment-server-01",
        "datacentre": "zrh",
        "severity": "critical",
    }
    assert incident.text.splitlines() == [
        "CPU of the payment servers: The CPU has been above 95 % for five minutes.",
        "values: cpu=99.5 (host=payment-server-01, datacentre=zrh)",
        f"ruleUrl: {fixture('legacy_alerting')['ruleUrl']}",
    ]


def test_a_legacy_rule_that_matched_on_two_servers_names_neither_as_the_one_that_is_sick() -> None:
    tags = [{"host": "payment-server-01", "zone": "a"}, {"host": "payment-server-02", "zone": "a"}]
    matches = [{"metric": "cpu", "value": 99, "tags": each} for each in tags]
    incident = only(fixture("legacy_alerting", evalMatches=matches))
    assert isinstance(incident, Incident)
    assert incident.server_id is None
    assert incident.labels["zone"] == "a"
    assert "cpu=99 (host=payment-server-01, zone=a), cpu=99 (host=payment-server-02, zone=a)" in incident.text


def test_a_legacy_rule_is_one_occurrence_for_an_hour_and_its_ok_ends_it() -> None:
    fired = id_of(only(fixture("legacy_alerting")))
    again = only(fixture("legacy_alerting", evalMatches=[]), unique="u2", received_at=NOW + timedelta(minutes=59))
    ended = only(fixture("legacy_ok"), unique="u3", received_at=NOW + timedelta(minutes=5))
    later = only(fixture("legacy_alerting"), received_at=NOW + timedelta(hours=1))
    assert isinstance(ended, Resolution)
    assert id_of(again) == id_of(ended) == fired
    assert id_of(later) != fired


@pytest.mark.parametrize("changes", [{"ruleId": 18}, {"orgId": 2}, {"ruleName": "CPU"}, {"state": "no_data"}])
def test_another_legacy_rule_and_a_rule_without_data_are_other_conditions(changes: dict[str, object]) -> None:
    assert id_of(only(fixture("legacy_alerting", **changes))) != id_of(only(fixture("legacy_alerting")))


def test_a_legacy_rule_without_data_says_so() -> None:
    incident = only(fixture("legacy_no_data"))
    assert isinstance(incident, Incident)
    assert "the rule's query returned no data" in incident.text
    assert isinstance(only({"ruleId": 5, "state": "alerting"}), Incident)


@pytest.mark.parametrize("state", ["paused", "pending", "unknown"])
def test_a_legacy_state_that_is_no_firing_is_ignored(state: str) -> None:
    assert isinstance(only(fixture("legacy_alerting", state=state)), Ignored)


@pytest.mark.parametrize("state", [None, "", "on fire", {}, "x" * 9_999])
def test_a_legacy_state_that_grafana_does_not_have_is_rejected(state: object) -> None:
    outcome = only(fixture("legacy_alerting", state=state))
    assert isinstance(outcome, Rejection)
    assert "`state` must be alerting, no_data, ok" in outcome.reason


@pytest.mark.parametrize("document", [None, 7, "firing", [], [{}], {}, {"state": "alerting"}, {"alerts": None}])
def test_what_is_no_notification_is_rejected_once_with_what_was_expected(document: object) -> None:
    outcome = only(document)
    assert isinstance(outcome, Rejection)
    assert "no notification of Grafana: expected a JSON object with `alerts`" in outcome.reason


@settings(max_examples=50, deadline=None)
@given(json_values)
def test_no_json_whatever_raises(document: object) -> None:
    spare = {"ruleId": document, "state": "alerting", "evalMatches": document, "tags": document}
    for outcome in [*parsed(document), *parsed({"alerts": document}), *parsed(spare)]:
        assert_bounded(outcome)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(UNIFIED + LEGACY).flatmap(lambda name: spoilt(fixture(name))))
def test_a_spoilt_notification_gives_one_outcome_an_alert(document: Any) -> None:
    outcomes = parsed(document)
    for outcome in outcomes:
        assert_bounded(outcome)
    alerts = document.get("alerts")
    if isinstance(alerts, list):
        assert len(alerts) <= len(outcomes) <= len(alerts) + 1
    else:
        assert len(outcomes) == 1
