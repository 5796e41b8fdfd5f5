"""PagerDuty by its Events API v2: a page for an incident, which is acknowledged and resolved with it.

The incident's id is the `dedup_key`: while PagerDuty has the alert open, the same result again changes it and pages
nobody. Once it is resolved there, the same result again would open it anew: whoever delivers must not do that.
That API knows to trigger, acknowledge and resolve, and nothing else: notes and judgements are not shown there.
Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
"""

from collections.abc import Mapping
from datetime import UTC
from http import HTTPStatus
from typing import Final

import httpx2

from worker.contract import Disposition, TriageResult
from worker.contract.handling import Action, Handled
from worker.contract.quoting import one_line
from worker.escalation.advice import name_of
from worker.escalation.card import card_of
from worker.escalation.card_json import as_json
from worker.escalation.sinks.clients import checked_secret
from worker.escalation.sinks.posting import Poster
from worker.escalation.sinks.saying import follow_up, shortened, title_of

__all__ = ["EUROPE", "UNITED_STATES", "PagerDutySink"]

UNITED_STATES: Final = "https://events.pagerduty.com"
EUROPE: Final = "https://events.eu.pagerduty.com"

SUMMARY_LIMIT: Final = 1_024
NAME_LIMIT_BYTES: Final = 255

_DONE: Final = frozenset({Disposition.RECOVERED, Disposition.NO_ACTION})
_EVENT_OF: Final[Mapping[Action, str]] = {Action.ACKNOWLEDGE: "acknowledge", Action.RESOLVE: "resolve"}


class PagerDutySink:
    """One service of PagerDuty's, by its integration's routing key."""

    def __init__(self, *, routing_key: str, client: httpx2.Client, url: str = UNITED_STATES) -> None:
        self._routing_key = checked_secret("The routing key of PagerDuty", routing_key)
        self._poster = Poster("PagerDuty", url, client=client, credentials="routing key")

    def deliver(self, result: TriageResult) -> None:
        """Trigger the incident's alert. Raises `NotDelivered`."""
        self._send("trigger", result, {"client": "Firstline", "payload": _payload(result, title_of(result))})

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Acknowledge, resolve or trigger again. Raises `NotDelivered`."""
        if handled.action is Action.REOPEN:
            summary = f"{follow_up(result, handled)} · {title_of(result)}"
            self._send("trigger", result, {"client": "Firstline", "payload": _payload(result, summary)})
            return True
        event = _EVENT_OF.get(handled.action)
        if event is not None:
            self._send(event, result, {})
        return event is not None

    def _send(self, event: str, result: TriageResult, further: Mapping[str, object]) -> None:
        body = {"routing_key": self._routing_key, "event_action": event, "dedup_key": result.incident.incident_id}
        self._poster.send({**body, **further}, path="/v2/enqueue", accepted={HTTPStatus.ACCEPTED})


def _payload(result: TriageResult, summary: str) -> dict[str, object]:
    component = {"component": one_line(result.service, NAME_LIMIT_BYTES)} if result.service else {}
    return {
        "summary": shortened(summary, SUMMARY_LIMIT),
        "source": one_line(name_of(result), NAME_LIMIT_BYTES),
        "severity": _severity(result),
        "timestamp": result.incident.started_at.astimezone(UTC).isoformat(),
        "class": result.incident.kind.value,
        "custom_details": as_json(card_of(result)),
        **component,
    }


def _severity(result: TriageResult) -> str:
    if result.disposition in _DONE:
        return "info"
    if result.disposition is Disposition.DEAD_LETTERED:
        return "error"
    return (result.occurrences.severity or result.incident.severity).value
