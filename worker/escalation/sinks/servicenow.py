"""ServiceNow by its Table API: a record for an incident, found again by its `correlation_id` before one is made.

The same result again makes no second record. From two processes at once a second one can come about: the field is not
unique unless the instance makes it so. Journal fields render HTML between `[code]` marks, so those are broken up.
Source: https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
"""

import base64
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import httpx2

from worker.contract import Severity, TriageResult
from worker.contract.handling import Action, Handled
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.card import card_of
from worker.escalation.card_text import as_text
from worker.escalation.sinks.posting import MISSING_TRIES, Poster
from worker.escalation.sinks.saying import follow_up, shortened, title_of

__all__ = ["ServiceNowSink"]

CARD_WIDTH: Final = 88
TITLE_LIMIT: Final = 160
TEXT_LIMIT: Final = 4_000
"""What the fields `description` and `work_notes` of a plain instance hold."""

_TABLE: Final = re.compile(r"[a-z][a-z0-9_]{0,79}", re.ASCII)
_RECORD: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CODE_MARK: Final = re.compile(r"\[(?=/?code)", re.IGNORECASE)
_URGENCY: Final[Mapping[Severity, str]] = {Severity.CRITICAL: "1", Severity.WARNING: "2", Severity.INFO: "3"}


class ServiceNowSink:
    """One table. `resolved_fields` are set when an engineer resolves (such as `state` 6 with its `close_code`)."""

    def __init__(
        self,
        *,
        url: str,
        user: str,
        password: str,
        client: httpx2.Client,
        table: str = "incident",
        resolved_fields: Mapping[str, str] | None = None,
    ) -> None:
        if not _TABLE.fullmatch(table):
            raise ConfigurationError("The table of ServiceNow is no table's name (such as incident): correct it.")
        if not password:
            raise ConfigurationError("The password of ServiceNow is empty: set it.")
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        self._poster = Poster("ServiceNow", url, client=client, credentials="user and password", headers=headers)
        self._path = f"/api/now/table/{table}"
        self._resolved_fields = dict(resolved_fields or {})

    def deliver(self, result: TriageResult) -> None:
        """Make the incident's record, unless there is one. Raises `NotDelivered`."""
        if self._record_of(result) is not None:
            return
        record = {
            "short_description": shortened(_unmarked(title_of(result)), TITLE_LIMIT),
            "description": shortened(_unmarked(as_text(card_of(result), CARD_WIDTH)), TEXT_LIMIT),
            "urgency": _URGENCY[result.occurrences.severity or result.incident.severity],
            "correlation_id": result.incident.incident_id,
            "correlation_display": "Firstline",
        }
        self._poster.send(record, path=self._path, accepted={HTTPStatus.CREATED})

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Add a work note to the incident's record, and close it where that is asked for. Raises `NotDelivered`."""
        line = follow_up(result, handled)
        if line is None:
            return False
        record_id = self._record_of(result)
        if record_id is None:
            raise NotDelivered(
                f"ServiceNow shows no record of {result.incident.incident_id} yet: try again later.",
                final_at_try=MISSING_TRIES,
            )
        further = self._resolved_fields if handled.action is Action.RESOLVE else {}
        note = {"work_notes": shortened(_unmarked(line), TEXT_LIMIT)}
        self._poster.send(
            {**note, **further}, method="PATCH", path=f"{self._path}/{record_id}", accepted={HTTPStatus.OK}
        )
        return True

    def _record_of(self, result: TriageResult) -> str | None:
        parameters = {
            "sysparm_query": f"correlation_id={result.incident.incident_id}^ORDERBYsys_created_on",
            "sysparm_fields": "sys_id",
            "sysparm_limit": "1",
        }
        answer = self._poster.send(method="GET", path=self._path, parameters=parameters).as_mapping()
        records = answer.get("result")
        if records == []:
            return None
        record = records[0] if isinstance(records, list) else None
        record_id = record.get("sys_id") if isinstance(record, dict) else None
        if not isinstance(record_id, str) or not _RECORD.fullmatch(record_id):
            raise NotDelivered("ServiceNow answered with something that is no answer of its API: check its address.")
        return record_id


def _unmarked(text: str) -> str:
    return _CODE_MARK.sub("[\N{WORD JOINER}", text)
