"""Jira and ServiceNow: one ticket an incident, what engineers do on it, and its end."""

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.escalation.builders import result
from tests.escalation.sinks.stand_ins import MADE, SECRET, Systems, handled
from worker.contract.handling import Action
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.sinks.jira import JiraSink
from worker.escalation.sinks.servicenow import ServiceNowSink

INCIDENT_ID = result().incident.incident_id


def jira(httpserver: HTTPServer, client: httpx2.Client, *, resolve_transition: str | None = None) -> JiraSink:
    return JiraSink(
        url=httpserver.url_for(""),
        user="bot@example.com",
        api_token=SECRET,
        project="OPS",
        client=client,
        resolve_transition=resolve_transition,
    )


@pytest.fixture
def servicenow(httpserver: HTTPServer, client: httpx2.Client) -> ServiceNowSink:
    return ServiceNowSink(
        url=httpserver.url_for(""), user="bot", password=SECRET, client=client, resolved_fields={"state": "6"}
    )


def test_a_jira_ticket_is_found_by_its_label_and_commented(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = jira(httpserver, client)
    sink.deliver(result())
    sink.follow(result(), handled(Action.NOTE, "looking"))
    [issue] = systems.issues
    assert INCIDENT_ID in issue["fields"]["labels"]
    assert "“looking”" in str(issue["comments"])


def test_a_jira_ticket_is_closed_by_the_configured_transition_once(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = jira(httpserver, client, resolve_transition="Done")
    sink.deliver(result())
    sink.follow(result(), handled(Action.RESOLVE, "fixed"))
    sink.follow(result(), handled(Action.RESOLVE, "fixed"))
    assert systems.issues[0]["status"] == "done"
    assert [path for path, _ in systems.posted].count("/rest/api/3/issue/OPS-1/transitions") == 1


def test_without_a_configured_transition_a_comment_says_it_alone(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = jira(httpserver, client)
    sink.deliver(result())
    sink.follow(result(), handled(Action.RESOLVE))
    assert systems.issues[0]["status"] == "new"
    assert "Resolved by ann" in str(systems.issues[0]["comments"])


def test_a_transition_that_jira_does_not_offer_is_named_and_final(
    httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = jira(httpserver, client, resolve_transition="Finished")
    sink.deliver(result())
    with pytest.raises(NotDelivered, match=r"OPS-1: correct its resolve_transition\.") as no:
        sink.follow(result(), handled(Action.RESOLVE))
    assert no.value.is_final


@pytest.mark.parametrize("name", ["jira", "servicenow"])
def test_an_action_on_a_ticket_that_is_not_seen_yet_comes_again_later(
    name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = MADE[name](httpserver.url_for(""), client)
    with pytest.raises(NotDelivered, match=rf"of {INCIDENT_ID} yet: try again later") as no:
        sink.follow(result(), handled(Action.CLAIM))
    assert not no.value.is_final


def test_the_fields_that_jira_asks_for_are_named_and_its_words_are_not(
    httpserver: HTTPServer, client: httpx2.Client
) -> None:
    wanted = {"customfield_10020": f"{SECRET} is required", "components": "is required", f"x {SECRET}": ""}
    httpserver.expect_request("/rest/api/3/search/jql").respond_with_json({"issues": []})
    httpserver.expect_request("/rest/api/3/issue").respond_with_json({"errors": wanted}, status=400)
    with pytest.raises(NotDelivered, match=r"\(it names customfield_10020, components\)\.$") as no:
        jira(httpserver, client).deliver(result())
    assert no.value.is_final
    assert SECRET not in str(no.value)


@pytest.mark.parametrize("project", ["", "ops", 'OPS" OR project = "HR', "OPS-1"])
def test_a_project_that_is_no_key_is_refused(project: str, client: httpx2.Client) -> None:
    with pytest.raises(ConfigurationError, match="no project's key"):
        JiraSink(url="https://jira.example", user="a", api_token=SECRET, project=project, client=client)


def test_a_key_of_jiras_that_is_none_is_put_into_no_path(httpserver: HTTPServer, client: httpx2.Client) -> None:
    found = {"issues": [{"key": "../../admin", "fields": {}}]}
    httpserver.expect_request("/rest/api/3/search/jql").respond_with_json(found)
    with pytest.raises(NotDelivered, match="no answer of its API"):
        jira(httpserver, client).follow(result(), handled())
    assert len(httpserver.log) == 1


def test_a_servicenow_record_takes_notes_and_the_configured_end(servicenow: ServiceNowSink, systems: Systems) -> None:
    servicenow.deliver(result())
    servicenow.follow(result(), handled(Action.NOTE, "looking"))
    assert "state" not in systems.records[0]
    servicenow.follow(result(), handled(Action.RESOLVE, "fixed"))
    assert systems.records[0]["state"] == "6"
    assert systems.records[0]["correlation_id"] == INCIDENT_ID
    assert "Resolved by ann" in systems.records[0]["work_notes"]


def test_a_table_that_is_none_is_put_into_no_path(client: httpx2.Client) -> None:
    with pytest.raises(ConfigurationError, match="no table's name"):
        ServiceNowSink(url="https://x.example", user="a", password=SECRET, client=client, table="../sys_user")
