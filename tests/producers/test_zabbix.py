"""Zabbix: the parameters that the parser's docstring gives, names as others chose them, and what its connectors stream.

The fixtures follow Zabbix' documentation of macros, media types and the export protocol (the addresses stand in the
parser); `stream` is the export's documented example with other times.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fakeredis
import pytest

from producers.intake import Answer, take_in
from producers.sources.alert import Arrival, Ignored, Outcome, Rejection
from producers.sources.zabbix import SOURCE, parse
from worker.contract import Incident, Resolution, Severity

FIXTURES = Path(__file__).parent / "fixtures" / "zabbix"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ARRIVAL = Arrival(received_at=NOW, unique="u1", source=SOURCE)


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def only(document: object) -> Outcome:
    (outcome,) = parse(document, ARRIVAL)
    return outcome


def incident_of(document: object) -> Incident:
    outcome = only(document)
    assert isinstance(outcome, Incident)
    return outcome


def resolution_of(document: object) -> Resolution:
    outcome = only(document)
    assert isinstance(outcome, Resolution)
    return outcome


def test_a_problem_is_told_with_its_host_its_tags_and_its_severity() -> None:
    incident = incident_of(fixture("parameters-problem"))

    assert incident.text.startswith(
        "High memory utilization (>90% for 5m)\nCurrent utilization: 97.3 %\nProblem started"
    )
    assert (incident.server_id, incident.service) == ("payment-server-01", "payment")
    assert incident.severity is Severity.CRITICAL
    assert incident.started_at == datetime(2026, 11, 22, 2, 58, tzinfo=UTC)
    assert incident.labels == {
        "host": "payment-server-01",
        "hostname": "Payment server 01",
        "host_ip": "192.0.2.7",
        "trigger_id": "23151",
        "problem_id": "4711",
        "service": "payment",
        "scope": "capacity",
        "canary": "",
    }


def test_a_recovery_ends_its_problem_and_the_next_problem_of_the_trigger_is_another_occurrence() -> None:
    problem, recovery = incident_of(fixture("parameters-problem")), resolution_of(fixture("parameters-recovery"))
    following = incident_of(fixture("parameters-problem") | {"event_id": "4799"})

    assert recovery.incident_id == problem.incident_id != following.incident_id
    assert problem.fingerprint == following.fingerprint
    assert recovery.resolved_at == datetime(2026, 11, 22, 2, 59, 30, tzinfo=UTC)
    verdicts = take_in(fakeredis.FakeRedis(decode_responses=True), [problem, problem, recovery])
    assert [verdict.answer for verdict in verdicts] == [Answer.ACCEPTED, Answer.DUPLICATE, Answer.RESOLVED]


def test_an_update_of_a_problem_is_ignored() -> None:
    assert isinstance(only(fixture("parameters-update")), Ignored)
    assert isinstance(only(fixture("parameters-recovery") | {"event_update_status": "1"}), Ignored)


@pytest.mark.parametrize("source", ["1", "2"])
def test_discovered_hosts_and_agents_that_register_are_ignored(source: str) -> None:
    assert isinstance(only(fixture("parameters-problem") | {"event_source": source}), Ignored)


def test_macros_that_were_not_resolved_count_as_absent() -> None:
    incident = incident_of(fixture("macro-names-problem"))

    assert (incident.text, incident.server_id, incident.severity) == ("Disk space is low", "db-07", Severity.WARNING)
    assert (incident.service, incident.labels["canary"]) == ("db", "")
    assert "host_ip" not in incident.labels


def test_a_recovery_value_counts_although_the_event_s_own_is_the_problem_s() -> None:
    problem, recovery = incident_of(fixture("macro-names-problem")), resolution_of(fixture("macro-names-recovery"))
    assert problem.incident_id == recovery.incident_id


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("0", "info"),
        ("1", "info"),
        ("2", "warning"),
        ("3", "warning"),
        ("4", "warning"),
        ("5", "critical"),
        (5, "critical"),
    ],
)
def test_the_numbers_of_zabbix_severities_are_known(level: str | int, severity: str) -> None:
    assert incident_of(fixture("parameters-problem") | {"event_nseverity": level}).severity == severity


def test_no_parameter_of_another_name_is_kept_for_it_may_hold_a_credential() -> None:
    incident = incident_of(fixture("parameters-problem"))
    assert "a-secret-of-the-script" not in incident.model_dump_json()


def test_a_message_that_is_json_itself_is_read() -> None:
    incident = incident_of(fixture("message-is-json-problem"))
    assert (incident.text, incident.server_id, incident.severity) == ("Disk space is low", "db-08", Severity.WARNING)
    assert incident.labels["problem_id"] == "4721"


def test_what_connectors_stream_is_read_and_an_items_value_is_ignored() -> None:
    problem, recovery, item = parse(fixture("stream"), ARRIVAL)

    assert isinstance(problem, Incident)
    assert (problem.server_id, problem.labels["data center"]) == ("host-b", "Riga")
    assert isinstance(recovery, Resolution)
    assert recovery.incident_id == problem.incident_id
    assert isinstance(item, Ignored)


def test_a_bare_value_outside_the_stream_may_be_an_items_and_ends_nothing() -> None:
    assert isinstance(only({"event_id": "1", "name": "Ping failed", "value": "0"}), Incident)


def test_without_an_event_id_the_start_ties_an_end_to_its_beginning() -> None:
    problem, recovery = fixture("parameters-problem"), fixture("parameters-recovery")
    del problem["event_id"], recovery["event_id"]
    assert incident_of(problem).incident_id == resolution_of(recovery).incident_id


def test_a_recovery_that_names_no_problem_is_rejected_with_what_to_configure() -> None:
    recovery = fixture("parameters-recovery")
    del recovery["event_id"], recovery["event_date"]
    outcome = only(recovery)
    assert isinstance(outcome, Rejection)
    assert "{EVENT.ID}" in outcome.reason


@pytest.mark.parametrize("document", [None, [], {}, "text", 3, {"foo": 1}, {"event_name": "{EVENT.NAME}"}, [[]]])
def test_what_is_no_webhook_of_zabbix_is_one_rejection_that_says_what_was_expected(document: object) -> None:
    outcome = only(document)
    assert isinstance(outcome, Rejection)
    assert "`event_name`" in outcome.reason
