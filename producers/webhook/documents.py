"""A body as one JSON document, within the bounds that keep the process alive, or the reason why not.

What is one document among many alerts is bounded by its alerts: one that is nested too deeply is a flaw in its place,
and hides none beside it. Pure; called by `reading.py`, on a thread.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from producers.sources.strict_json import Flaw, read_value
from producers.webhook.limits import Limits
from producers.webhook.refusals import HttpError

__all__ = ["check_values", "decoded", "document_of", "flaw_of_line"]

_ALERTS: Final = "alerts"
"""Where Alertmanager and Grafana have the alerts of a notification."""

_BYTE_ORDER_MARK: Final = "\ufeff"


def check_values(body: bytes, limits: Limits) -> None:
    """Refuse a body of JSON by what may separate its values, commas in texts included. Raises `HttpError` 413.

    Python's decoder holds up all else of the process while it makes millions of them, and each takes 50 bytes and more.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > limits.values:
        raise HttpError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"more than {limits.values} commas and brackets, none was taken in: send fewer alerts at once",
            "body",
        )


def document_of(body: bytes, limits: Limits) -> object:
    """Return the document, with a `Flaw` for each of its alerts that is nested too deeply.

    Depth is counted from the alert: an element of the array, or of the object's `alerts`, or else the document. Raises
    `HttpError` 400 for no JSON and for too deep a frame around the alerts, 413 for more values than memory bears.
    """
    check_values(body, limits)
    document = read_value(decoded(body).strip())
    if isinstance(document, Flaw):
        raise HttpError(HTTPStatus.BAD_REQUEST, f"{document.reason}: send one JSON document", "body")
    if isinstance(document, list):
        return _each_bounded(document, limits)
    if not isinstance(document, dict):
        return document
    alerts = document.get(_ALERTS)
    frame = {name: value for name, value in document.items() if name != _ALERTS or not isinstance(value, list)}
    if _is_deeper(frame, limits.json_depth):
        raise HttpError(HTTPStatus.BAD_REQUEST, _too_deep(limits), "body")
    return {**document, _ALERTS: _each_bounded(alerts, limits)} if isinstance(alerts, list) else document


def flaw_of_line(line: bytes, limits: Limits) -> Flaw | None:
    """Return what is wrong with a line that is one JSON object, and nested too deeply; None for all other lines."""
    if line.count(b"{") + line.count(b"[") <= limits.json_depth:
        return None  # at a glance: most lines are not read twice
    value = read_value(line.decode(errors="replace").strip())
    is_too_deep = isinstance(value, dict) and _is_deeper(value, limits.json_depth)
    return Flaw(_too_deep(limits)) if is_too_deep else None


def decoded(body: bytes) -> str:
    """Return the text of a body. Raises `HttpError` 400 for what is not UTF-8."""
    try:
        return body.decode().removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise HttpError(
            HTTPStatus.BAD_REQUEST, "this is not UTF-8: send UTF-8", f"the body's byte at offset {error.start}"
        ) from None


def _each_bounded(alerts: list[object], limits: Limits) -> list[object]:
    return [Flaw(_too_deep(limits)) if _is_deeper(alert, limits.json_depth) else alert for alert in alerts]


def _too_deep(limits: Limits) -> str:
    return f"the JSON is nested more than {limits.json_depth} deep: flatten it"


def _is_deeper(document: object, limit: int) -> bool:
    level = [document]
    for _ in range(limit):
        level = [child for value in level for child in _children(value) if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
