"""Zabbix' default message templates, sent as a subject and a message without any other parameter.

The texts are those that Zabbix' frontend fills in (the address stands in the parser), with values of our own.
"""

from datetime import UTC, datetime

import pytest

from producers.sources.alert import Arrival, Ignored, Outcome, Rejection
from producers.sources.zabbix import SOURCE, parse
from worker.contract import Incident, Resolution, Severity

NOW = datetime(2026, 11, 26, 10, 10, tzinfo=UTC)
STARTED = (
    "Problem started at 10:00:00 on 2026.11.26\r\nProblem name: High CPU\r\nHost: zbx-1\r\nSeverity: Disaster\r\n"
    "Operational data: 99 %\r\nOriginal problem ID: 12345\r\nhttps://example.com/trigger\r\n"
)
ENDED = (
    "Problem has been resolved at 10:05:00 on 2026.11.26\nProblem name: High CPU\nProblem duration: 5m 0s\n"
    "Host: zbx-1\nSeverity: Disaster\nOriginal problem ID: 12345\n"
)
UPDATED = (
    "Ada acknowledged problem at 2026.11.26 10:03:00.\nI look at it. Original problem ID: 12345\n\n"
    "Current problem status is PROBLEM, age is 3m, acknowledged: Yes.\n"
)
OLD = "Trigger: High CPU\nTrigger status: {0}\nTrigger severity: High\nTrigger URL: \n\nOriginal event ID: 77\n"


def only(subject: str, message: str, **others: object) -> Outcome:
    document = {"to": "ops", "subject": subject, "message": message, **others}
    (outcome,) = parse(document, Arrival(received_at=NOW, unique="u1", source=SOURCE))
    return outcome


def test_a_problem_is_told_with_what_its_message_names() -> None:
    incident = only("Problem: High CPU", STARTED)
    assert isinstance(incident, Incident)
    assert (incident.server_id, incident.severity) == ("zbx-1", Severity.CRITICAL)
    assert incident.started_at == datetime(2026, 11, 26, 10, tzinfo=UTC)
    assert incident.text.startswith("High CPU\nProblem started at")
    assert incident.labels == {"host": "zbx-1", "problem_id": "12345"}


@pytest.mark.parametrize("subject", ["Resolved in 5m 0s: High CPU", "Resolved: High CPU", "RESOLVED: High CPU", "Done"])
def test_a_recovery_ends_the_problem_that_its_message_names(subject: str) -> None:
    problem, recovery = only("Problem: High CPU", STARTED), only(subject, ENDED)
    assert isinstance(problem, Incident)
    assert isinstance(recovery, Resolution)
    assert (recovery.incident_id, recovery.server_id) == (problem.incident_id, "zbx-1")
    assert recovery.resolved_at == datetime(2026, 11, 26, 10, 5, tzinfo=UTC)


def test_the_templates_of_old_releases_are_read_too() -> None:
    problem, recovery = only("PROBLEM: High CPU", OLD.format("PROBLEM")), only("OK: High CPU", OLD.format("OK"))
    assert isinstance(problem, Incident)
    assert isinstance(recovery, Resolution)
    assert problem.text.startswith("High CPU\n")
    assert problem.incident_id == recovery.incident_id


def test_a_service_is_told_as_a_problem_is() -> None:
    started = "Service problem started at 10:00:00 on 2026.11.26\nService problem name: High CPU\nService: Shop\n"
    ended = 'Service "Shop" has been resolved at 10:05:00 on 2026.11.26\nProblem name: High CPU\n'
    identity = "Severity: High\nOriginal problem ID: 9\nService description: "
    problem = only('Service "Shop" problem: High CPU', started + identity)
    recovery = only('Service "Shop" resolved in 5m 0s: High CPU', ended + identity)
    assert isinstance(problem, Incident)
    assert isinstance(recovery, Resolution)
    assert problem.incident_id == recovery.incident_id
    assert (problem.service, problem.text.splitlines()[0]) == ("Shop", "High CPU")


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("Updated problem in 3m: High CPU", UPDATED),
        ("Updated problem: High CPU", "Ada acknowledged problem at ..."),
        ('Changed "Shop" service status to High in 3m', "Service changed"),
        ("High CPU", UPDATED),
        ("", 'Changed "Shop" service status to High at 2026.11.26 10:03:00.\nCurrent problem age is 3m.'),
    ],
)
def test_an_update_is_ignored(subject: str, message: str) -> None:
    assert isinstance(only(subject, message), Ignored)


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("Resolved in 5m 0s: High CPU", ENDED.replace("12345", "{EVENT.ID}")),
        ("Resolved in 5m 0s: High CPU", "Problem has been resolved at ..."),
        ("Resolved: High CPU", ""),
        ("OK: High CPU", "Trigger: High CPU\nTrigger status: OK\nTrigger severity: High"),
        ("High CPU", "Problem has been resolved at 10:05:00 on 2026.11.26"),
    ],
)
def test_an_end_that_names_no_problem_opens_nothing_and_is_rejected_with_the_remedy(subject: str, message: str) -> None:
    outcome = only(subject, message)
    assert isinstance(outcome, Rejection)
    assert "{EVENT.ID}" in outcome.reason


@pytest.mark.parametrize(
    "subject", ["Problem in the database: slow", "Okay: slow", "Unresolved: slow", "Problem: Resolved: slow", "ok"]
)
def test_a_subject_that_only_looks_like_an_end_fires(subject: str) -> None:
    assert isinstance(only(subject, "db-1 is slow"), Incident)


def test_parameters_win_over_what_the_texts_say() -> None:
    parameters = {
        "event_id": "1",
        "event_name": "Disk",
        "event_value": "1",
        "host_host": "db-1",
        "event_nseverity": "2",
    }
    incident = only("Resolved: High CPU", ENDED, **parameters)
    assert isinstance(incident, Incident)
    assert (incident.server_id, incident.severity) == ("db-1", Severity.WARNING)
    assert (incident.text.splitlines()[0], incident.labels["problem_id"]) == ("Disk", "1")
