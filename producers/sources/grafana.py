"""Grafana's webhook: Grafana Alerting, whose notifications look like Alertmanager's, and the legacy alerting before it.

Grafana Alerting gives each alert a fingerprint and a start. Legacy alerting gives neither, only a rule and a state:
what its identity is made of stands at `LEGACY_OCCURRENCE`. A test from a contact point is no incident. Pure, and
nothing raises. The webhook calls it. Sources: Grafana's documentation of the webhook notifier, of no data and error
states, and `pkg/services/alerting/notifiers/webhook.go` of Grafana 8.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from typing import Final

from producers.sources.alert import Arrival, Ignored, Outcome, Rejection, Reported
from producers.sources.alertmanager import outcomes_of, reported_of, text_of
from producers.sources.bounds import quoted
from producers.sources.reading import list_in, mapping_in, numbered, outcome_of, text_in, value_in

__all__ = ["SOURCE", "parse"]

SOURCE: Final = "grafana"

LEGACY_OCCURRENCE: Final = "%Y-%m-%dT%H"
"""Firings of one legacy rule within an hour (UTC) are one occurrence.

So that a reminder and a retry are duplicates, and an `ok` finds what it ends. A longer span would hide firings for as
long, wherever Grafana is told to send no `ok` ("Disable Resolve Message").
"""

VALUES_LIMIT: Final = 20
"""So many values, series or tags are told."""

_RULE_FAILURES: Final = {
    "DatasourceNoData": "the rule's query returned no data",
    "DatasourceError": "the rule's query failed",
}
"""The `alertname` of an alert that Grafana raises about a rule, and what it says; the label `rulename` has the rule."""

_LEGACY_TEST: Final = ("Test notification", "someone is testing the alert notification")
"""The name of the rule that the legacy "Send Test" button makes up, and how its message begins."""

_NO_INCIDENT: Final = {
    "paused": "the rule is paused",
    "pending": "the rule's condition has not held for long enough to fire",
    "unknown": "the rule has not been evaluated yet",
}
_TEST: Final = Ignored("a test notification of Grafana arrived: the way here works, and nothing was opened for it")
_EXPECTED: Final = "expected a JSON object with `alerts` (Grafana Alerting), or with `ruleId` and `state` (legacy)"


def parse(document: object, arrival: Arrival) -> Iterator[Outcome]:
    """Yield what became of each alert of a notification, in order; a legacy notification is one alert. Never raises."""
    if isinstance(value_in(document, "alerts"), list):
        yield from outcomes_of(document, arrival, sender="Grafana", read=_reported)
    elif isinstance(document, Mapping) and ("ruleId" in document or "ruleName" in document):
        yield _legacy_outcome(document, numbered(arrival, 1))
    else:
        yield Rejection(f"this is no notification of Grafana: {_EXPECTED}")


def _reported(alert: Mapping[str, object], *, is_over: bool) -> Reported | Ignored:
    labels = mapping_in(alert, "labels")
    if _is_test(labels):
        return _TEST
    annotations = {
        "values": _values(alert),
        **mapping_in(alert, "annotations"),
        "generatorURL": value_in(alert, "generatorURL"),
        "panelURL": value_in(alert, "panelURL"),
    }
    named = {key: text for key in labels if (text := text_in(labels, key))}
    text = text_of(named, annotations, name=_name(labels))
    return replace(reported_of(alert, is_over=is_over), text=text)


def _is_test(labels: Mapping[str, object]) -> bool:
    """Say whether the "Test" button made the alert up: it reserves this name and this instance for itself."""
    return text_in(labels, "alertname") == "TestAlert" and text_in(labels, "instance") in {"Grafana", ""}


def _name(labels: Mapping[str, object]) -> str:
    alertname = text_in(labels, "alertname")
    failure = _RULE_FAILURES.get(alertname)
    return f"{text_in(labels, 'rulename') or 'a rule'} ({alertname}: {failure})" if failure else alertname


def _values(alert: Mapping[str, object]) -> str:
    """Return the values that made the rule fire: `values` by query, or in older releases one string of them."""
    values = mapping_in(alert, "values")
    named = [f"{key}={text}" for key in list(values)[:VALUES_LIMIT] if (text := text_in(values, key))]
    return ", ".join(named) or text_in(alert, "valueString")


def _legacy_outcome(notification: Mapping[str, object], arrival: Arrival) -> Outcome:
    state = text_in(notification, "state").casefold()
    name, message = _LEGACY_TEST
    if text_in(notification, "ruleName") == name and text_in(notification, "message").casefold().startswith(message):
        return _TEST
    if state in _NO_INCIDENT:
        return Ignored(f"there is nothing to do, Grafana says {quoted(state)}: {_NO_INCIDENT[state]}")
    if state not in {"alerting", "no_data", "ok"}:
        return Rejection(f"`state` must be alerting, no_data, ok, paused or pending; this is {quoted(state)}")
    hour = arrival.received_at.astimezone(UTC).strftime(LEGACY_OCCURRENCE)
    return outcome_of(_legacy_reported(notification, state, hour), arrival)


def _legacy_reported(notification: Mapping[str, object], state: str, occurrence: str) -> Reported:
    """Return a rule's state; two Grafanas count their rules alike, so the rule's name is part of what it is."""
    matches = list_in(notification, "evalMatches")
    named = text_in(notification, "ruleName") or text_in(notification, "title")
    name = named or f"rule {text_in(notification, 'ruleId')}"
    labels = {"alertname": name, **_common_tags(matches), **mapping_in(notification, "tags")}
    rule = ("orgId", "ruleId", "ruleName")
    told = {
        "message": value_in(notification, "message"),
        "no_data": _RULE_FAILURES["DatasourceNoData"] if state == "no_data" else "",
        "values": ", ".join(filter(None, map(_match, matches[:VALUES_LIMIT]))),
        "ruleUrl": value_in(notification, "ruleUrl"),
    }
    return Reported(
        text=text_of({}, told, name=name),
        labels=labels,
        severity=text_in(labels, "severity"),
        condition="\n".join((*(text_in(notification, key) for key in rule), "no_data" if state == "no_data" else "")),
        occurrence=occurrence,
        is_resolved=state == "ok",
    )


def _common_tags(matches: list[object]) -> dict[str, str]:
    """Return the tags that all series which matched have: what tells them apart names no server."""
    tags = [mapping_in(match, "tags") for match in matches]
    first = {key: text for key in (tags[0] if tags else ()) if (text := text_in(tags[0], key))}
    return {key: text for key, text in first.items() if all(text_in(others, key) == text for others in tags)}


def _match(match: object) -> str:
    tags = mapping_in(match, "tags")
    named = ", ".join(f"{key}={text}" for key in list(tags)[:VALUES_LIMIT] if (text := text_in(tags, key)))
    value = "=".join(filter(None, (text_in(match, "metric"), text_in(match, "value"))))
    return f"{value} ({named})" if value and named else value
