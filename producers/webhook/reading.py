"""A body as the alerts in it: which source's, in which form, and what each of them is understood as.

It calls the source's parser and takes nothing in. What is no alert at all is an `HttpError` that says where; one bad
alert among others is a `Rejection` in its place. It reads no clock; called by `desk.py`, on a thread.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from io import BytesIO
from itertools import islice
from typing import Final

from producers.sources.alert import AlertError, Arrival, Outcome, Rejection
from producers.sources.cloudevents import from_binary
from producers.sources.parsers import Parser
from producers.sources.plain import parse_stream
from producers.sources.plain_alert import alert_of_fields
from producers.sources.strict_json import Flaw
from producers.webhook.documents import check_values, decoded, document_of, flaw_of_line
from producers.webhook.limits import Limits
from producers.webhook.refusals import HttpError

__all__ = ["CLOUDEVENTS", "PLAIN", "Sent", "check_media_type", "outcomes_of", "source_of"]

PLAIN: Final = "plain"
CLOUDEVENTS: Final = "cloudevents"
LINES_TYPES: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "text/plain"})

_JSON_TYPE: Final = re.compile(r"(application|text)/json|application/[a-z0-9.+-]+\+json")
_CLOUDEVENTS_TYPE: Final = re.compile(r"application/cloudevents(-batch)?\+json")
_JSON_START: Final = re.compile(rb"(\xef\xbb\xbf)?\s*[\[{]")
_BINARY_HEADER: Final = "ce-specversion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request's body with what its headers say of it; `headers` finds names in any case."""

    source: str
    media_type: str
    headers: Mapping[str, str]
    body: bytes


def source_of(path_source: str, media_type: str, headers: Mapping[str, str]) -> str:
    """Return the source: the path's; without one a CloudEvent is told by its headers, and anything else is plain."""
    if path_source:
        return path_source
    is_cloudevent = _BINARY_HEADER in headers or _CLOUDEVENTS_TYPE.fullmatch(media_type)
    return CLOUDEVENTS if is_cloudevent else PLAIN


def check_media_type(source: str, media_type: str, headers: Mapping[str, str]) -> None:
    """Refuse what no reader of this source understands; none at all counts as the usual one. Raises `HttpError`."""
    if not media_type or _JSON_TYPE.fullmatch(media_type):
        return
    if source == PLAIN and media_type in LINES_TYPES:
        return
    if source == CLOUDEVENTS and _BINARY_HEADER in headers and media_type.startswith("text/"):
        return
    forms = "application/json, application/x-ndjson or text/plain" if source == PLAIN else "application/json"
    raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {forms}, and say so", "header Content-Type")


def outcomes_of(sent: Sent, parsers: Mapping[str, Parser], arrival: Arrival, limits: Limits) -> list[Outcome]:
    """Return what each alert is understood as, in order. Raises `HttpError` 400 or 413 when nothing can be read."""
    outcomes = list(islice(_outcomes(sent, parsers, arrival, limits), limits.alerts + 1))
    if len(outcomes) > limits.alerts:
        raise HttpError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"more than {limits.alerts} alerts in one request, none was taken in: send fewer at once",
            "body",
        )
    return outcomes


def _outcomes(sent: Sent, parsers: Mapping[str, Parser], arrival: Arrival, limits: Limits) -> Iterator[Outcome]:
    if sent.source == PLAIN and not _JSON_TYPE.fullmatch(sent.media_type):
        return _lines(sent.body, arrival, limits)
    if sent.source == PLAIN:
        return _plain(document_of(sent.body, limits), arrival)
    if sent.source == CLOUDEVENTS and _BINARY_HEADER in sent.headers:
        is_text = sent.media_type.startswith("text/") and not _JSON_TYPE.fullmatch(sent.media_type)
        data = decoded(sent.body) if is_text else document_of(sent.body, limits)
        return parsers[CLOUDEVENTS](from_binary(sent.headers, data), arrival)
    return parsers[sent.source](document_of(sent.body, limits), arrival)


def _lines(body: bytes, arrival: Arrival, limits: Limits) -> Iterator[Outcome]:
    if _JSON_START.match(body):
        check_values(body, limits)  # it may be one document of many lines
    parsed = parse_stream(
        BytesIO(body),
        now=lambda: arrival.received_at,
        unique=arrival.unique,
        source=arrival.source,
        fields=arrival.fields,
    )
    lines, number, flaw = BytesIO(body), 0, None
    for line_number, outcome in parsed:
        while number < line_number:
            number, flaw = number + 1, flaw_of_line(lines.readline(), limits)
        yield Rejection(flaw.reason) if flaw else outcome


def _plain(document: object, arrival: Arrival) -> Iterator[Outcome]:
    alerts = document if isinstance(document, list) else [document]
    for ordinal, alert in enumerate(alerts, start=1):
        try:
            if isinstance(alert, Flaw):
                yield Rejection(alert.reason)
            else:
                yield alert_of_fields(alert, replace(arrival, unique=f"{arrival.unique}:{ordinal}"))
        except AlertError as error:
            yield Rejection(str(error))
