"""Alertmanager's webhook, and the alerts that its API lists: the same alert has the same identity, whoever brings it.

Both peers of a pair, a retry, two receivers and the API agree on an alert's labels and on its start, to the
millisecond. Version 4 of the webhook says of each alert whether it fires; version 3 says it of all of them at once.
Pure, and nothing raises. The webhook and the poller call it; Grafana's alerts are read with its readers.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from producers.sources.alert import Arrival, Ignored, Outcome, Rejection, Reported
from producers.sources.reading import list_in, mapping_in, numbered, outcome_of, text_in, value_in
from producers.sources.strict_json import Flaw
from worker.contract.text import cut_to_bytes

__all__ = ["SOURCE", "alert_of_api", "fingerprint_of", "outcomes_of", "parse", "reported_of", "text_of"]

SOURCE: Final = "alertmanager"

SUMMARY_LIMIT_BYTES: Final = 2_048
DESCRIPTION_LIMIT_BYTES: Final = 8_192
ANNOTATION_LIMIT_BYTES: Final = 512
ANNOTATIONS_LIMIT: Final = 10
"""So many annotations beside summary, description and message are told; most rules have one, the runbook's address."""

_TOLD_FIRST: Final = ("summary", "description", "message")
_SEVERITY_LABELS: Final = ("severity", "priority", "level")

_FNV_OFFSET: Final = 14_695_981_039_346_656_037
_FNV_PRIME: Final = 1_099_511_628_211
_FNV_MASK: Final = (1 << 64) - 1
_SEPARATOR: Final = b"\xff"


class Reader(Protocol):
    """Reads one alert of a notification; `is_over` is what the alert, or the notification, says of it."""

    def __call__(self, alert: Mapping[str, object], *, is_over: bool) -> Reported | Ignored: ...


def parse(document: object, arrival: Arrival) -> Iterator[Outcome]:
    """Yield what became of each alert of a notification, in order, and a word on those that Alertmanager left out.

    `arrival.source` is part of each identity: the poller has to give the same one. The format is that of Alertmanager's
    `notify/webhook/webhook.go` and `template/template.go`. Never raises.
    """
    yield from outcomes_of(document, arrival, sender="Alertmanager", read=reported_of)


def alert_of_api(alert: object, arrival: Arrival) -> Outcome:
    """Return what became of one alert as `/api/v2/alerts` (or its older `/api/v1/alerts`) lists it; all of them fire.

    One that is silenced or inhibited is ignored. `arrival.unique` must be new for each alert. Never raises.
    """
    if not isinstance(alert, Mapping):
        return _no_alert(alert)
    if text_in(alert, "status", "state") == "suppressed":
        why = " and ".join(word for word in ("silenced", "inhibited") if list_in(alert, "status", f"{word}By"))
        return Ignored(f"Alertmanager tells nobody of this alert: it is {why or 'suppressed'} there")
    return outcome_of(reported_of(alert, is_over=False), arrival)


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return the fingerprint that Prometheus and Alertmanager give these labels: 16 hexadecimal digits.

    FNV-1a over the sorted names and values, each followed by 0xff (`prometheus/common`, `model/signature.go`); a label
    without a value counts as none. Receivers of Alertmanager 0.18 and older are sent no fingerprint.
    """
    digest = _FNV_OFFSET
    for name, value in sorted(labels.items()):
        if value:
            for byte in _SEPARATOR.join((_bytes(name), _bytes(value), b"")):
                digest = ((digest ^ byte) * _FNV_PRIME) & _FNV_MASK
    return f"{digest:016x}"


def outcomes_of(document: object, arrival: Arrival, *, sender: str, read: Reader) -> Iterator[Outcome]:
    """Yield what became of each alert in the `alerts` of `sender`'s notification, as `read` understands it."""
    alerts = value_in(document, "alerts")
    if not isinstance(alerts, list):
        yield Rejection(f"this is no notification of {sender}: expected a JSON object whose `alerts` is an array")
        return
    are_over = text_in(document, "status").casefold() == "resolved"
    for ordinal, alert in enumerate(alerts, start=1):
        if not isinstance(alert, Mapping):
            yield _no_alert(alert)
            continue
        read_alert = read(alert, is_over=_is_over(alert, arrival, are_over=are_over))
        yield outcome_of(read_alert, numbered(arrival, ordinal)) if isinstance(read_alert, Reported) else read_alert
    left_out = value_in(document, "truncatedAlerts")
    if isinstance(left_out, int) and not isinstance(left_out, bool) and left_out > 0:
        yield Ignored(f"{sender} left {left_out} alerts out of this notification: set `max_alerts: 0` at its receiver")


def reported_of(alert: Mapping[str, object], *, is_over: bool) -> Reported:
    """Return one alert as Alertmanager means it; without a fingerprint its labels give it."""
    labels = mapping_in(alert, "labels")
    named = {name: str(value) for name, value in labels.items() if isinstance(value, str | int | float)}
    return Reported(
        text=text_of(named, {**mapping_in(alert, "annotations"), "generatorURL": value_in(alert, "generatorURL")}),
        labels=labels,
        severity=next((word for name in _SEVERITY_LABELS if (word := text_in(labels, name))), None),
        started_at=text_in(alert, "startsAt"),
        condition=text_in(alert, "fingerprint") or (fingerprint_of(named) if named else None),
        occurrence=_to_the_millisecond(text_in(alert, "startsAt")),
        is_resolved=is_over,
        resolved_at=text_in(alert, "endsAt"),
    )


def text_of(labels: Mapping[str, str], annotations: Mapping[str, object], *, name: str = "") -> str:
    """Return what an alert says, for a person and for a model: its name and summary, the description, the rest.

    `name` stands for the label `alertname`. An alert without name and summary is told by its labels.
    """
    told = {key: text for key in annotations if not key.startswith("__") and (text := text_in(annotations, key))}
    first = list(dict.fromkeys(told[key] for key in _TOLD_FIRST if key in told))
    rest = [f"{key}: {text}" for key, text in told.items() if key not in _TOLD_FIRST]
    title = ": ".join(filter(None, (name or text_in(labels, "alertname"), *first[:1]))) or _listed(labels)
    lines = [
        cut_to_bytes(title, SUMMARY_LIMIT_BYTES if len(first) > 1 else DESCRIPTION_LIMIT_BYTES),
        *(cut_to_bytes(text, DESCRIPTION_LIMIT_BYTES) for text in first[1:]),
        *(cut_to_bytes(text, ANNOTATION_LIMIT_BYTES) for text in rest[:ANNOTATIONS_LIMIT]),
    ]
    if len(rest) > ANNOTATIONS_LIMIT:
        lines.append(f"[… {len(rest) - ANNOTATIONS_LIMIT} annotations left out]")
    return "\n".join(filter(None, lines))


def _listed(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items())


def _is_over(alert: Mapping[str, object], arrival: Arrival, *, are_over: bool) -> bool:
    status = text_in(alert, "status").casefold()
    if status in {"firing", "resolved"}:
        return status == "resolved"
    ends_at = _time(text_in(alert, "endsAt"))
    return are_over or (ends_at is not None and ends_at <= arrival.received_at)


def _to_the_millisecond(starts_at: str) -> str | None:
    """Return the start that all agree on: Alertmanager's API tells milliseconds where its webhook tells nanoseconds."""
    time = _time(starts_at)
    return time.isoformat(timespec="milliseconds") if time else None


def _time(text: str) -> datetime | None:
    """Read RFC 3339; None for what is none, and for Go's zero time, the year 1, which means "not yet"."""
    if text[4:5] != "-":
        return None  # Python would take thirteen digits for a date of the 18th century
    try:
        time = datetime.fromisoformat(text)
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year > 1 else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _no_alert(sent: object) -> Rejection:
    if isinstance(sent, Flaw):
        return Rejection(sent.reason)
    return Rejection("an alert must be a JSON object with `labels`, `annotations` and `startsAt`")
