"""Zabbix' webhook media type, whose parameters the user chooses: give it these, and all is read.

    event_id {EVENT.ID} · event_source {EVENT.SOURCE} · event_value {EVENT.VALUE}
    event_update_status {EVENT.UPDATE.STATUS} · event_recovery_id {EVENT.RECOVERY.ID}
    event_name {EVENT.NAME} · event_nseverity {EVENT.NSEVERITY} · event_opdata {EVENT.OPDATA}
    event_date {EVENT.DATE} · event_time {EVENT.TIME}+00:00 · event_tags {EVENT.TAGSJSON}
    trigger_id {TRIGGER.ID} · host_host {HOST.HOST} · host_name {HOST.NAME} · host_ip {HOST.IP}
    subject {ALERT.SUBJECT} · message {ALERT.MESSAGE}

Its script has to post them as JSON, as in `request.post(params.url, JSON.stringify(params))`. In a recovery
`{EVENT.ID}` is still the problem's, which ties the end to its beginning. Date and time are those of Zabbix' server:
write its offset behind `{EVENT.TIME}`, or they are read as UTC. What Zabbix streams by its connectors (`eventid`,
`p_eventid`, `clock`, `hosts`) is read too, and a `message` that is JSON itself. For a parameter that is missing stands
what the default templates say in `subject` and `message` (`zabbix_messages.py`). Parameters of other names are left
out, for they may hold credentials. Sources: https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook,
https://www.zabbix.com/documentation/current/en/manual/appendix/macros/supported_by_location, and for the stream
https://www.zabbix.com/documentation/current/en/manual/appendix/protocols/real_time_export. Pure, nothing raises. The
webhook calls it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from producers.sources.alert import Arrival, Ignored, Outcome, Rejection, Reported
from producers.sources.reading import flattened, list_in, numbered, outcome_of, tags_in, text_in
from producers.sources.strict_json import Flaw, read_value
from producers.sources.zabbix_messages import told_by

__all__ = ["SOURCE", "parse"]

SOURCE: Final = "zabbix"

_NOT_RESOLVED: Final = re.compile(r"(?:\*UNKNOWN\*|\{[$#A-Z][^{}]{0,256}\}[ T]?)+\Z")
"""A macro that Zabbix does not know, or has no value for, arrives as its own name or as *UNKNOWN*."""

_SEVERITY_OF: Final = {
    "0": "not classified",
    "1": "information",
    "2": "warning",
    "3": "average",
    "4": "high",
    "5": "disaster",
}
_IS_OVER: Final = frozenset({"0", "ok", "resolved"})
_DISCOVERIES: Final = {"1": "a discovered host or service", "2": "an agent that registered itself"}
_NO_PROBLEM: Final = "this recovery names no problem: add the parameter `event_id` with {EVENT.ID} to the media type"
_EXPECTED: Final = "expected its parameters as a JSON object, `event_id`, `event_name` and `event_value` among them"
_NAMES: Final = {
    "problem": ("peventid", "eventid", "problemid"),
    "recovery": ("eventrecoveryid", "recoveryid", "reventid"),
    "value": ("eventvalue", "triggervalue", "eventstatus", "triggerstatus", "status"),
    "recovery_value": ("eventrecoveryvalue", "recoveryvalue", "eventrecoverystatus"),
    "update": ("eventupdatestatus", "updatestatus"),
    "action": ("eventupdateaction",),
    "source": ("eventsource",),
    "name": ("eventname", "triggername", "name"),
    "subject": ("title", "subject", "alertsubject"),
    "message": ("message", "alertmessage"),
    "figures": ("eventopdata", "opdata"),
    "severity": ("eventnseverity", "nseverity", "triggernseverity", "eventseverity", "triggerseverity", "severity"),
    "trigger": ("triggerid",),
    "host": ("hosthost", "host", "hostname"),
    "shown_host": ("hostname", "hostvisiblename"),
    "service": ("service", "servicename"),
    "host_ip": ("hostip", "ip"),
    "moment": ("eventtimestamp", "clock", "timestamp", "startsat"),
    "date": ("eventdate", "eventdatetime", "date"),
    "time": ("eventtime", "time"),
    "recovery_date": ("eventrecoverydate",),
    "recovery_time": ("eventrecoverytime",),
    "url": ("eventurl", "triggerurl", "alerturl"),
}
"""What the parameters are called in Zabbix' own media types and in its stream; the first that is present is taken."""


def parse(document: object, arrival: Arrival) -> Iterator[Outcome]:
    """Yield what became of the event of a webhook, or of each event in an array, in order."""
    events = document if isinstance(document, list) and document else [document]
    for ordinal, event in enumerate(events, start=1):
        yield Rejection(event.reason) if isinstance(event, Flaw) else _outcome(event, numbered(arrival, ordinal))


def _outcome(event: object, arrival: Arrival) -> Outcome:
    sent = _sent(event)
    fields = _fields(sent)
    if not any(fields[field] for field in ("problem", "name", "message")):
        return Rejection(f"this is no webhook of Zabbix, or its macros were not resolved: {_EXPECTED}")
    if fields["update"] == "1" or fields["action"]:
        return Ignored("Zabbix tells of an update of a problem, which begins nothing and ends nothing")
    if fields["source"] in _DISCOVERIES:
        return Ignored(f"Zabbix tells of {_DISCOVERIES[fields['source']]}, which is no problem")
    if "itemid" in sent and not fields["problem"].strip("0"):
        return Ignored("Zabbix tells of an item's value, which is no problem")
    started_at = _moment(fields["moment"], fields["date"], fields["time"])
    is_resolved = _is_over(fields, text_in(sent, "value") if "clock" in sent else "")
    if is_resolved and not fields["problem"] and (fields["moment"] or not started_at):
        return Rejection(_NO_PROBLEM)
    return outcome_of(_reported(fields, sent, started_at, is_resolved=is_resolved), arrival)


def _sent(event: object) -> dict[str, object]:
    """Return the parameters by their letters; a `message` that is JSON is what others would have sent as parameters."""
    sent = flattened(event)
    message = text_in(sent, "message")
    told = flattened(read_value(message)) if message.startswith("{") else {}
    if told:
        del sent["message"]
    return told | sent


def _fields(sent: Mapping[str, object]) -> dict[str, str]:
    """Return each field as its parameter has it, else as subject and message tell it; empty where nothing does."""
    fields = {field: _first(sent, names) for field, names in _NAMES.items()}
    told = {"name": fields["subject"], **told_by(fields["subject"], fields["message"])}
    return {field: text or told.get(field, "") for field, text in fields.items()}


def _reported(fields: Mapping[str, str], sent: Mapping[str, object], started_at: str, *, is_resolved: bool) -> Reported:
    ended_at = _moment("", fields["recovery_date"], fields["recovery_time"])
    return Reported(
        text=_text(fields),
        labels=_labels(fields, sent),
        severity=_SEVERITY_OF.get(fields["severity"], fields["severity"]) or None,
        started_at=started_at or None,
        condition=_condition(fields),
        occurrence=fields["problem"] or None,
        is_resolved=is_resolved,
        resolved_at=ended_at or fields["moment"] or None,
    )


def _is_over(fields: Mapping[str, str], streamed_value: str) -> bool:
    """Say whether the problem is over. A bare `value` counts in the stream alone: elsewhere it may be an item's."""
    values = (fields["recovery_value"], fields["value"] or streamed_value)
    return bool(fields["recovery"].strip("0")) or any(value.casefold() in _IS_OVER for value in values)


def _condition(fields: Mapping[str, str]) -> str | None:
    """Return the trigger, which has one host; in the stream, which names no trigger in either event, the problem."""
    if fields["trigger"]:
        return f"trigger {fields['trigger']}"
    if fields["problem"]:
        return f"problem {fields['problem']}"
    return f"{fields['host']}\n{fields['name']}" if fields["name"] else None


def _text(fields: Mapping[str, str]) -> str:
    name = fields["name"] or f"Zabbix' problem {fields['problem']}"
    return "\n".join(part for part in dict.fromkeys((name, fields["figures"], fields["message"])) if part)


def _labels(fields: Mapping[str, str], sent: Mapping[str, object]) -> dict[str, str]:
    hosts = list_in(sent, "hosts")
    streamed = hosts[0] if hosts else None
    known = {
        "host": fields["host"] or text_in(streamed, "host") or text_in(streamed),
        "hostname": fields["shown_host"] or text_in(streamed, "name"),
        "host_ip": fields["host_ip"],
        "service": fields["service"],
        "trigger_id": fields["trigger"],
        "problem_id": fields["problem"],
        "url": fields["url"],
    }
    return {name: value for name, value in known.items() if value} | _tags(sent)


def _tags(sent: Mapping[str, object]) -> dict[str, str]:
    tags = next((sent[name] for name in ("eventtags", "eventtagsjson", "triggertags", "tags") if name in sent), None)
    if isinstance(tags, str) and _NOT_RESOLVED.match(tags.strip()):
        return {}
    return tags_in(tags)


def _moment(moment: str, date: str, time: str) -> str:
    """Return seconds since 1970 as they came, or Zabbix' `2026.11.22` and `03:00:00` as ISO 8601."""
    return moment or (f"{date.replace('.', '-')} {time}".strip() if date else "")


def _first(sent: Mapping[str, object], names: tuple[str, ...]) -> str:
    texts = (text_in(sent, name) for name in names)
    return next((text for text in texts if text and not _NOT_RESOLVED.match(text)), "")
