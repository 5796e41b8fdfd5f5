"""PagerDuty's webhooks: version 3, one event a request, and version 2, whose `messages` older extensions still send.

A PagerDuty incident is one occurrence from `triggered` to `resolved`. `reopened` fires again, each time as an
occurrence of its own, which the next `resolved` ends; acknowledging, escalating, noting and the like ask for nothing. A
version 3 payload names no server but in its title: the inventory finds it there. The formats' source is
`docs/webhooks/01-Overview.md` and `09-V2-Overview.md` in https://github.com/PagerDuty/developer-docs; that PagerDuty
keeps the order for one incident and may send an event twice stands in `02-Behavior.md` there. Pure, nothing raises. The
webhook calls it.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from producers.sources.alert import Arrival, Ignored, Outcome, Rejection, Reported
from producers.sources.bounds import quoted
from producers.sources.reading import list_in, mapping_in, numbered, outcome_of, text_in, value_in
from producers.sources.strict_json import Flaw

__all__ = ["SOURCE", "parse"]

SOURCE: Final = "pagerduty"

_FIRES: Final = frozenset({"incident.triggered", "incident.trigger"})
_FIRES_AGAIN: Final = "incident.reopened"
_IS_OVER: Final = frozenset({"incident.resolved", "incident.resolve"})
_EXPECTED: Final = "expected a JSON object with `event` (version 3) or `messages` (version 2)"


def parse(document: object, arrival: Arrival) -> Iterator[Outcome]:
    """Yield what became of the event of a version 3 webhook, or of each message of a version 2 one, in order."""
    messages = value_in(document, "messages")
    if isinstance(messages, list) and messages:
        for ordinal, message in enumerate(messages, start=1):
            if isinstance(message, Flaw):
                yield Rejection(message.reason)
                continue
            incident, at = mapping_in(message, "incident"), text_in(message, "created_on")
            yield _outcome(text_in(message, "event"), text_in(message, "id"), at, incident, numbered(arrival, ordinal))
    elif mapping_in(document, "event"):
        event = mapping_in(document, "event")
        incident, at = mapping_in(event, "data"), text_in(event, "occurred_at")
        yield _outcome(text_in(event, "event_type"), text_in(event, "id"), at, incident, numbered(arrival, 1))
    else:
        yield Rejection(f"this is no webhook of PagerDuty: {_EXPECTED}")


def _outcome(event: str, event_id: str, at: str, incident: Mapping[str, object], arrival: Arrival) -> Outcome:
    """Return what became of one event of an incident; `at` is when it happened, as it was sent."""
    if not event:
        return Rejection("PagerDuty's event says of no type: expected `event_type` (version 3) or `event` (version 2)")
    is_resolved = event in _IS_OVER
    if not is_resolved and event not in _FIRES and event != _FIRES_AGAIN:
        return Ignored(f"PagerDuty's {quoted(event)} begins nothing and ends nothing")
    incident_id = text_in(incident, "id")
    if is_resolved and not incident_id:
        return Rejection("PagerDuty's event names no incident that is over: expected its `id`")
    occurrence, started_at = incident_id or None, text_in(incident, "created_at") or at
    if event == _FIRES_AGAIN:
        occurrence, started_at = f"{incident_id} reopened {event_id or at}" if event_id or at else None, at
    reported = Reported(
        text=_text(incident),
        labels=_labels(incident),
        severity=_priority(incident) or text_in(incident, "urgency"),
        started_at=started_at or None,
        condition=incident_id or None,
        occurrence=occurrence,
        fires_again=incident_id if event == _FIRES_AGAIN and incident_id else None,
        is_resolved=is_resolved,
        resolved_at=at or None,
    )
    return outcome_of(reported, arrival)


def _text(incident: Mapping[str, object]) -> str:
    title = text_in(incident, "title") or text_in(incident, "description") or text_in(incident, "summary")
    details = text_in(incident, "first_trigger_log_entry", "channel", "details")
    return f"{title}\n{details}" if title and details and details != title else title or details


def _labels(incident: Mapping[str, object]) -> dict[str, object]:
    """Return what is known beside the title; what a monitoring system told PagerDuty (version 2) comes last."""
    channel = mapping_in(incident, "first_trigger_log_entry", "channel")
    told = {
        "service": text_in(incident, "service", "summary") or text_in(incident, "service", "name"),
        "host": text_in(channel, "cef_details", "source_origin"),
        "priority": _priority(incident),
        "urgency": text_in(incident, "urgency"),
        "team": next((name for team in list_in(incident, "teams") if (name := text_in(team, "summary"))), ""),
        "incident_key": text_in(incident, "incident_key"),
        "pagerduty_incident": text_in(incident, "id"),
        "url": text_in(incident, "html_url"),
    }
    return {name: value for name, value in told.items() if value} | {
        name: value for name, value in mapping_in(channel, "details").items() if not told.get(name)
    }


def _priority(incident: Mapping[str, object]) -> str:
    """Return the priority, where somebody has set one; the urgency is high unless a service says other."""
    return text_in(incident, "priority", "summary") or text_in(incident, "priority", "name")
