"""Jira Cloud: a ticket for an incident, found again by its label before one is made.

The same result again makes no second ticket, once Jira's search knows the first: that takes seconds, and within them,
or from two processes at once, a second one can come about. Texts are plain text nodes of Atlassian's document format,
in which no markup, mention, link or image has an effect. Jira Data Center speaks another API and is not for this.
Sources: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/#api-rest-api-3-search-jql-post,
https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

import base64
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import httpx2

from worker.contract import TriageResult
from worker.contract.handling import Action, Handled
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.card import card_of
from worker.escalation.card_text import as_text
from worker.escalation.sinks.clients import checked_secret
from worker.escalation.sinks.posting import MISSING_TRIES, Poster
from worker.escalation.sinks.saying import follow_up, shortened, title_of

__all__ = ["JiraSink"]

CARD_WIDTH: Final = 88
SUMMARY_LIMIT: Final = 255
TEXT_LIMIT: Final = 30_000
"""Jira takes 32,767 characters in a field."""

LABEL: Final = "firstline"

_PROJECT: Final = re.compile(r"[A-Z][A-Z0-9_]{1,30}", re.ASCII)
_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]{1,30}-[0-9]{1,10}", re.ASCII)


class JiraSink:
    """One project. `resolve_transition` is the name of what closes a ticket; without one, a comment says it alone."""

    def __init__(
        self,
        *,
        url: str,
        user: str,
        api_token: str,
        project: str,
        client: httpx2.Client,
        issue_type: str = "Task",
        resolve_transition: str | None = None,
    ) -> None:
        if not _PROJECT.fullmatch(project):
            raise ConfigurationError("The project of Jira is no project's key (such as OPS): correct it.")
        login = base64.b64encode(f"{user}:{checked_secret('The API token of Jira', api_token)}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        self._poster = Poster("Jira", url, client=client, credentials="user and API token", headers=headers)
        self._project = project
        self._issue_type = issue_type
        self._resolve_transition = resolve_transition

    def deliver(self, result: TriageResult) -> None:
        """Make the incident's ticket, unless there is one. Raises `NotDelivered`."""
        if self._ticket_of(result) is not None:
            return
        fields = {
            "project": {"key": self._project},
            "issuetype": {"name": self._issue_type},
            "summary": shortened(title_of(result), SUMMARY_LIMIT),
            "description": _document(as_text(card_of(result), CARD_WIDTH)),
            "labels": [LABEL, result.incident.incident_id],
        }
        self._poster.send({"fields": fields}, path="/rest/api/3/issue", accepted={HTTPStatus.CREATED})

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Comment on the incident's ticket, and close it where that is asked for. Raises `NotDelivered`."""
        line = follow_up(result, handled)
        if line is None:
            return False
        ticket = self._ticket_of(result)
        if ticket is None:
            raise NotDelivered(
                f"Jira shows no ticket of {result.incident.incident_id} yet: try again later.",
                final_at_try=MISSING_TRIES,
            )
        key, is_done = ticket
        if handled.action is Action.RESOLVE and self._resolve_transition is not None and not is_done:
            self._close(key, self._resolve_transition)
        body = {"body": _document(line)}
        self._poster.send(body, path=f"/rest/api/3/issue/{key}/comment", accepted={HTTPStatus.CREATED})
        return True

    def _ticket_of(self, result: TriageResult) -> tuple[str, bool] | None:
        """Return the key of the incident's oldest ticket, and whether it is done."""
        jql = f'project = "{self._project}" AND labels = "{result.incident.incident_id}" ORDER BY created ASC'
        body = {"jql": jql, "fields": ["status"], "maxResults": 1}
        found = self._listed(self._poster.send(body, path="/rest/api/3/search/jql").as_mapping(), "issues")
        if not found:
            return None
        key = found[0].get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise NotDelivered("Jira answered with something that is no answer of its API: check its address.")
        status = _mapping(_mapping(found[0].get("fields")).get("status"))
        return key, _mapping(status.get("statusCategory")).get("key") == "done"

    def _close(self, key: str, name: str) -> None:
        path = f"/rest/api/3/issue/{key}/transitions"
        offered = self._listed(self._poster.send(method="GET", path=path).as_mapping(), "transitions")
        chosen = next((each.get("id") for each in offered if each.get("name") == name), None)
        if chosen is None:
            raise NotDelivered(
                f"Jira offers no transition of the configured name for {key}: correct its resolve_transition.",
                is_final=True,
            )
        self._poster.send({"transition": {"id": chosen}}, path=path, accepted={HTTPStatus.NO_CONTENT})

    def _listed(self, answer: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
        """Return what an answer lists. Without a list it is no answer, and a ticket must not be made on its word."""
        entries = answer.get(name)
        if not isinstance(entries, list):
            raise NotDelivered("Jira answered with something that is no answer of its API: check its address.")
        return [_mapping(entry) for entry in entries]


def _document(text: str) -> dict[str, object]:
    """Return text as a code block, which keeps the card's lines."""
    node = {"type": "text", "text": shortened(text.rstrip(), TEXT_LIMIT)}
    return {"type": "doc", "version": 1, "content": [{"type": "codeBlock", "content": [node]}]}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
