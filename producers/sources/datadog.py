"""Datadog's webhooks, whose payload the user writes: give the webhook this one, and all is read.

    {"alert_id": "$ALERT_ID", "alert_cycle_key": "$ALERT_CYCLE_KEY", "alert_transition": "$ALERT_TRANSITION",
     "alert_scope": "$ALERT_SCOPE", "alert_priority": "$ALERT_PRIORITY", "alert_type": "$ALERT_TYPE",
     "alert_status": "$ALERT_STATUS", "hostname": "$HOSTNAME", "tags": "$TAGS", "title": "$EVENT_TITLE",
     "body": "$TEXT_ONLY_MSG", "date": "$DATE", "last_updated": "$LAST_UPDATED", "aggreg_key": "$AGGREG_KEY",
     "event_type": "$EVENT_TYPE", "link": "$LINK", "id": "$ID"}

Datadog's own payload (`body`, `last_updated`, `event_type`, `title`, `date`, `org`, `id`) is read too: there title and
prefix, "[Recovered on {host:web-1}] …", tell monitor, scope and transition. Without `$ALERT_CYCLE_KEY` nothing ties an
end to its beginning: each notification that fires is then an occurrence of its own, and an end is ignored. Fields
are found as `alert_id`, `alertId` and `alert: {id}` alike; any others are left out, for they may hold credentials. The
source of variables, transitions and payload is https://docs.datadoghq.com/integrations/webhooks/. Pure, nothing raises.
The webhook calls it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from producers.sources.alert import Arrival, Ignored, Outcome, Rejection, Reported
from producers.sources.reading import flattened, numbered, outcome_of, tags_in, text_in

__all__ = ["SOURCE", "parse"]

SOURCE: Final = "datadog"

_IS_OVER: Final = frozenset({"recovered", "resolved", "ok", "success"})
_NOT_SUBSTITUTED: Final = re.compile(r"\$[A-Z][A-Z0-9_]*\Z")
_PREFIX: Final = re.compile(
    r"(?:\[P(?P<priority>[1-5])\]\s*)?"
    r"\[(?P<transition>(?:Re-)?(?:Triggered|Recovered|Warn|No[ -]?Data)|Renotif\w+|Re-?Notif\w+)"
    r"(?: on (?P<scope>\{[^{}]{0,512}\}))?[^\[\]]{0,512}\]\s*",
    re.IGNORECASE,
)
"""How the title of a monitor's notification begins: "[P2] [Triggered on {host:web-1}] Disk is full"."""

_MARKDOWN_FENCE: Final = "%%%"
_SAYS_SOMETHING: Final = ("title", "text", "status")
_NO_CYCLE: Final = "this end names no beginning: add `alert_cycle_key` with $ALERT_CYCLE_KEY to the webhook's payload"
_EXPECTED: Final = "expected a JSON object with `title`, `body` and `alert_transition`; take the payload of the README"
_NAMES: Final = {
    "monitor": ("alertid", "monitorid"),
    "cycle": ("alertcyclekey", "cyclekey", "alertcycleid", "cycleid"),
    "aggregate": ("aggregkey", "aggregationkey", "alertaggregkey"),
    "transition": ("alerttransition", "transition"),
    "type": ("alerttype",),
    "priority": ("alertpriority", "priority"),
    "scope": ("alertscope", "scope"),
    "status": ("alertstatus", "status"),
    "title": ("title", "eventtitle", "alerttitle", "monitorname"),
    "text": ("textonlymsg", "body", "eventmsg", "message", "msg", "text"),
    "hostname": ("hostname", "host"),
    "date": ("date", "lastupdated", "timestamp"),
    "link": ("link", "url"),
    "metric": ("alertmetric", "metric"),
    "event": ("id", "eventid"),
}
"""What the fields are called in the payloads that Datadog's users publish; the first that is present is taken."""


def parse(document: object, arrival: Arrival) -> Iterator[Outcome]:
    """Yield what became of the one notification of a webhook."""
    sent = flattened(document)
    fields = {field: _first(sent, names) for field, names in _NAMES.items()}
    if not any(fields[field] for field in _SAYS_SOMETHING):
        yield Rejection(f"this is no webhook of Datadog, or its variables were not filled in: {_EXPECTED}")
        return
    tags = {name: value for name, value in tags_in(sent.get("tags")).items() if not _NOT_SUBSTITUTED.match(name)}
    yield _outcome(fields, tags, numbered(arrival, 1))


def _outcome(fields: Mapping[str, str], tags: Mapping[str, str], arrival: Arrival) -> Outcome:
    prefix = _PREFIX.match(fields["title"])
    told = prefix.groupdict("") if prefix else {"transition": "", "scope": "", "priority": ""}
    name = fields["title"][prefix.end() :] if prefix else fields["title"]
    scope = fields["scope"] or told["scope"].strip("{}")
    is_resolved = (fields["transition"] or told["transition"] or fields["type"]).casefold() in _IS_OVER
    if is_resolved and not fields["cycle"]:
        return Ignored(_NO_CYCLE)
    priority = fields["priority"] or (f"P{told['priority']}" if told["priority"] else "")
    reported = Reported(
        text=_text(name, fields),
        labels=_labels(fields, scope, priority, tags),
        severity=priority if priority[1:].isdecimal() else fields["type"] or None,
        started_at=fields["date"] or fields["event"] or None,
        condition=_condition(fields, name, scope),
        occurrence=fields["cycle"] or None,
        is_resolved=is_resolved,
        resolved_at=fields["date"] or None,
    )
    return outcome_of(reported, arrival)


def _condition(fields: Mapping[str, str], name: str, scope: str) -> str | None:
    """Return the monitor with the group that it alerts for (a multi alert is one condition a host, say), or None."""
    monitor = fields["monitor"] or fields["aggregate"] or name
    return f"{monitor}\n{','.join(sorted(part.strip() for part in scope.split(',')))}" if monitor else None


def _text(name: str, fields: Mapping[str, str]) -> str:
    body = fields["text"].replace(_MARKDOWN_FENCE, "").strip()
    parts = (name or fields["title"], fields["status"], body)
    return "\n".join(part for part in dict.fromkeys(parts) if part)


def _labels(fields: Mapping[str, str], scope: str, priority: str, tags: Mapping[str, str]) -> dict[str, str]:
    known = {
        "hostname": fields["hostname"],
        "priority": priority,
        "monitor": fields["monitor"],
        "metric": fields["metric"],
        "url": fields["link"],
    }
    return {name: value for name, value in known.items() if value} | dict(tags) | tags_in(scope)


def _first(sent: Mapping[str, object], names: tuple[str, ...]) -> str:
    """Return the first field that is present: a variable that was not substituted is not, nor is `null`."""
    for name in names:
        text = text_in(sent, name)
        if text and text.casefold() != "null" and not _NOT_SUBSTITUTED.match(text):
            return text
    return ""
