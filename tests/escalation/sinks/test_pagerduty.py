"""PagerDuty: one alert an incident, and its life with it."""

from typing import Any

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.escalation.builders import SERVER, incident, restart, result
from tests.escalation.sinks.stand_ins import SECRET, Systems, handled
from worker.contract import Disposition, Severity
from worker.contract.handling import Action
from worker.contract.result import Occurrences, RestartOutcome
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.sinks.pagerduty import PagerDutySink

INCIDENT_ID = result().incident.incident_id


@pytest.fixture
def sink(httpserver: HTTPServer, client: httpx2.Client) -> PagerDutySink:
    return PagerDutySink(routing_key=SECRET, url=httpserver.url_for(""), client=client)


def test_a_page_names_the_server_and_has_the_card(sink: PagerDutySink, systems: Systems) -> None:
    sink.deliver(result())
    [(path, event)] = systems.posted
    assert path == "/v2/enqueue"
    assert event["dedup_key"] == INCIDENT_ID
    assert event["payload"]["source"] == SERVER
    assert event["payload"]["component"] == "payments"
    assert event["payload"]["custom_details"]["incident_id"] == INCIDENT_ID


def test_an_alert_lives_with_its_incident(sink: PagerDutySink, systems: Systems) -> None:
    sink.deliver(result())
    states = []
    for action in (Action.NOTE, Action.ACKNOWLEDGE, Action.RESOLVE, Action.REOPEN):
        sink.follow(result(), handled(action))
        states.append(systems.alerts[INCIDENT_ID])
    assert states == ["triggered", "acknowledged", "resolved", "triggered"]
    assert "Reopened by ann" in systems.posted[-1][1]["payload"]["summary"]


def test_control_what_is_resolved_there_opens_anew_when_it_is_delivered_again(
    sink: PagerDutySink, systems: Systems
) -> None:
    sink.deliver(result())
    sink.follow(result(), handled(Action.RESOLVE))
    sink.deliver(result())
    assert systems.alerts == {INCIDENT_ID: "triggered"}


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"incident": incident(severity=Severity.CRITICAL)}, "critical"),
        ({"incident": incident(severity=Severity.WARNING)}, "warning"),
        ({"incident": incident(severity=Severity.INFO)}, "info"),
        (
            {"incident": incident(severity=Severity.INFO), "occurrences": Occurrences(severity=Severity.CRITICAL)},
            "critical",
        ),
        ({"disposition": Disposition.DEAD_LETTERED}, "error"),
        ({"disposition": Disposition.NO_ACTION}, "info"),
        ({"disposition": Disposition.RECOVERED, "restart": restart(RestartOutcome.RESTORED)}, "info"),
    ],
)
def test_urgency_is_that_of_the_most_urgent_alert_and_low_where_nobody_is_needed(
    changes: dict[str, Any], severity: str, sink: PagerDutySink, systems: Systems
) -> None:
    sink.deliver(result(**changes))
    assert systems.posted[0][1]["payload"]["severity"] == severity


def test_a_wrong_routing_key_is_final_and_named(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    short = PagerDutySink(routing_key="short", url=httpserver.url_for(""), client=client)
    with pytest.raises(NotDelivered, match=r"PagerDuty answered 400: .*check its settings and its routing key\.") as no:
        short.deliver(result())
    assert no.value.is_final


def test_an_empty_routing_key_is_refused_at_once(client: httpx2.Client) -> None:
    with pytest.raises(ConfigurationError, match="The routing key of PagerDuty is empty"):
        PagerDutySink(routing_key="", client=client)
