"""Systems as their documentation has them, on loopback: each takes only what fits its schema, and keeps it."""

import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx2
import jsonschema  # type: ignore[import-untyped]
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.escalation.builders import NOW
from tests.fakes import FakeClock
from worker.contract import TriageResult
from worker.contract.handling import Action, Handled
from worker.escalation.sinks.apprise_child import is_taken
from worker.escalation.sinks.apprise_sink import AppriseSink
from worker.escalation.sinks.jira import JiraSink
from worker.escalation.sinks.mattermost import MattermostSink
from worker.escalation.sinks.pagerduty import PagerDutySink
from worker.escalation.sinks.servicenow import ServiceNowSink
from worker.escalation.sinks.slack import SlackBotSink, SlackWebhookSink
from worker.escalation.sinks.teams import TeamsSink
from worker.escalation.sinks.webhook import WebhookSink

SECRET = "0123456789abcdefghijklmnopSECRET"
"""32 characters, as PagerDuty has them."""

SCHEMAS = Path(__file__).parent / "schemas"
RECORD_ID = "0123456789abcdef0123456789abcdef"


class Sink(Protocol):
    """What every sink here is: `Notifier` and `Follower`."""

    def deliver(self, result: TriageResult) -> None: ...

    def follow(self, result: TriageResult, handled: Handled) -> bool: ...


def handled(action: Action = Action.ACKNOWLEDGE, words: str = "", *, minutes: int = 5, person: str = "ann") -> Handled:
    return Handled(at=NOW + timedelta(minutes=minutes), person=person, action=action, words=words)


def fits(schema: str, body: object) -> None:
    """Raise `jsonschema.ValidationError` where `body` is none that the system's documentation knows."""
    document = json.loads((SCHEMAS / f"{schema}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(document).validate(body)


@dataclass
class Systems:
    """All of them behind one address. What was posted is kept as (path, body), and pages are counted as people see."""

    posted: list[tuple[str, Any]] = field(default_factory=list)
    alerts: dict[str, str] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    plain: list[Any] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    @property
    def pages(self) -> int:
        """How many pages, messages or tickets a person finds."""
        threads = [each for each in self.messages if "thread_ts" not in each]
        return sum(map(len, (self.alerts, threads, self.issues, self.records, self.plain, self.keys)))

    def answer(self, request: Request) -> Response:
        body = request.get_json(silent=True) if request.method != "GET" else None
        if body is not None:
            self.posted.append((request.path, body))
        for pattern, answer in _ANSWERS:
            if re.fullmatch(pattern, request.path):
                try:
                    return answer(self, request, body)
                except jsonschema.ValidationError as error:
                    return said({"error": str(error)}, 400)
        return Response("no such path", 404)


def said(content: object, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")


def _pagerduty(systems: Systems, request: Request, body: Any) -> Response:
    fits("pagerduty_event", body)
    if body["event_action"] == "trigger":
        systems.alerts[body["dedup_key"]] = "triggered"
    elif body["dedup_key"] in systems.alerts:
        systems.alerts[body["dedup_key"]] = f"{body['event_action']}d"
    return said({"status": "success", "message": "Event processed", "dedup_key": body["dedup_key"]}, 202)


def _slack_webhook(systems: Systems, request: Request, body: Any) -> Response:
    fits("slack_webhook", body)
    systems.messages.append(body)
    return Response("ok")


def _slack_post(systems: Systems, request: Request, body: Any) -> Response:
    if request.headers.get("Authorization") != f"Bearer {SECRET}":
        return said({"ok": False, "error": "invalid_auth"})
    fits("slack_message", body)
    systems.messages.append({**body, "ts": f"1{len(systems.messages)}.000100"})
    return said({"ok": True, "channel": body["channel"], "ts": systems.messages[-1]["ts"]})


def _slack_history(systems: Systems, request: Request, body: Any) -> Response:
    start = int(request.args.get("cursor", "0"))
    page = systems.messages[start : start + int(request.args["limit"])]
    end = start + len(page)
    cursor = str(end) if end < len(systems.messages) else ""
    return said({"ok": True, "messages": page, "response_metadata": {"next_cursor": cursor}})


def _teams(systems: Systems, request: Request, body: Any) -> Response:
    fits("teams_message", body)
    systems.plain.append(body)
    return Response("", 202)


def _mattermost(systems: Systems, request: Request, body: Any) -> Response:
    fits("mattermost_message", body)
    systems.plain.append(body)
    return Response("ok")


def _webhook(systems: Systems, request: Request, body: Any) -> Response:
    systems.keys.add(request.headers["Idempotency-Key"])
    return Response("", 204)


def _jira_search(systems: Systems, request: Request, body: Any) -> Response:
    fits("jira_search", body)
    found = [
        {"id": "1", "key": issue["key"], "fields": {"status": {"statusCategory": {"key": issue["status"]}}}}
        for issue in systems.issues
        if f'labels = "{issue["fields"]["labels"][-1]}"' in body["jql"]
    ]
    return said({"issues": found[: body["maxResults"]], "isLast": True})


def _jira_create(systems: Systems, request: Request, body: Any) -> Response:
    fits("jira_issue", body)
    key = f"OPS-{len(systems.issues) + 1}"
    systems.issues.append({**body, "key": key, "status": "new", "comments": []})
    return said({"id": "1", "key": key, "self": "https://jira.example/rest/api/3/issue/1"}, 201)


def _jira_comment(systems: Systems, request: Request, body: Any) -> Response:
    fits("jira_comment", body)
    systems.issues[0]["comments"].append(body)
    return said({"id": "1"}, 201)


def _jira_transitions(systems: Systems, request: Request, body: Any) -> Response:
    if body is None:
        return said({"transitions": [{"id": "11", "name": "Start"}, {"id": "31", "name": "Done"}]})
    fits("jira_transition", body)
    systems.issues[0]["status"] = "done"
    return Response("", 204)


def _servicenow(systems: Systems, request: Request, body: Any) -> Response:
    if body is None:
        query = request.args["sysparm_query"]
        found = [each for each in systems.records if f"correlation_id={each['correlation_id']}^" in query]
        return said({"result": [{"sys_id": RECORD_ID} for _ in found]})
    fits("servicenow_record", body)
    if request.method == "PATCH":
        systems.records[0].update(body)
        return said({"result": {}})
    systems.records.append(body)
    return said({"result": {"sys_id": RECORD_ID}}, 201)


def _apprise(systems: Systems, request: Request, body: Any) -> Response:
    systems.plain.append(body)
    return Response("")


_ANSWERS: list[tuple[str, Callable[[Systems, Request, Any], Response]]] = [
    ("/v2/enqueue", _pagerduty),
    (f"/services/T0/B0/{SECRET}", _slack_webhook),
    ("/api/chat.postMessage", _slack_post),
    ("/api/conversations.history", _slack_history),
    (f"/workflows/{SECRET}", _teams),
    (f"/hooks/{SECRET}", _mattermost),
    ("/firstline", _webhook),
    ("/rest/api/3/search/jql", _jira_search),
    ("/rest/api/3/issue", _jira_create),
    ("/rest/api/3/issue/OPS-1/comment", _jira_comment),
    ("/rest/api/3/issue/OPS-1/transitions", _jira_transitions),
    (f"/api/now/table/incident(/{RECORD_ID})?", _servicenow),
    (f"/apprise/{SECRET}", _apprise),
]


MADE: Mapping[str, Callable[[str, httpx2.Client], Sink]] = {
    "pagerduty": lambda url, client: PagerDutySink(routing_key=SECRET, url=url, client=client),
    "slack_webhook": lambda url, client: SlackWebhookSink(webhook_url=f"{url}/services/T0/B0/{SECRET}", client=client),
    "slack_bot": lambda url, client: SlackBotSink(bot_token=SECRET, channel="C1", url=f"{url}/api", client=client),
    "teams": lambda url, client: TeamsSink(webhook_url=f"{url}/workflows/{SECRET}?sig={SECRET}", client=client),
    "mattermost": lambda url, client: MattermostSink(webhook_url=f"{url}/hooks/{SECRET}", client=client),
    "webhook": lambda url, client: WebhookSink(
        url=f"{url}/firstline", secrets=[SECRET], client=client, clock=FakeClock()
    ),
    "jira": lambda url, client: JiraSink(
        url=url, user="bot@example.com", api_token=SECRET, project="OPS", client=client, resolve_transition="Done"
    ),
    "servicenow": lambda url, client: ServiceNowSink(
        url=url, user="bot", password=SECRET, client=client, resolved_fields={"state": "6", "close_code": "Solved"}
    ),
}
"""Every sink that speaks HTTP by itself, at a server of one address."""


def apprise_sink(url: str, **options: Any) -> AppriseSink:
    """Return a sink at an address of Apprise's, which loads modules that Python is about to drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return AppriseSink(url=url, **options)


EVERY: Mapping[str, Callable[[str, httpx2.Client], Sink]] = {
    **MADE,
    "apprise": lambda url, _: apprise_sink(f"{url.replace('http://', 'json://')}/apprise/{SECRET}", send=is_taken),
}
"""Apprise in this process: what starting one for each message takes is for its own tests."""


def systems_at(httpserver: HTTPServer) -> Systems:
    systems = Systems()
    httpserver.expect_request(re.compile(".*")).respond_with_handler(systems.answer)
    return systems


def texts_in(content: object) -> Iterator[str]:
    """Yield every string in a JSON value, keys apart."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for value in content.values() if isinstance(content, dict) else content:
            yield from texts_in(value)
