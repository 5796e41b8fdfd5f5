"""Small readers over decoded JSON of unknown shape: what is not there, or is of another kind, is absent.

Pure, and nothing here raises: a monitoring system's payload is read by what it has, never by what it should have. What
is read as text is made visible, so that no lone surrogate or control character gets any further. The sources call it.
"""

from collections.abc import Mapping
from dataclasses import replace

from producers.sources.alert import AlertError, Arrival, Outcome, Rejection, Reported, alert_of
from producers.sources.strict_json import read_value
from worker.contract.text import visible

__all__ = ["flattened", "list_in", "mapping_in", "numbered", "outcome_of", "tags_in", "text_in", "value_in"]


def value_in(document: object, *path: str) -> object:
    """Return what stands at `path`, one key a level; None where a level is missing or is no object."""
    for key in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(key)
    return document


def mapping_in(document: object, *path: str) -> Mapping[str, object]:
    """Return the object at `path`, or an empty one."""
    value = value_in(document, *path)
    return value if isinstance(value, Mapping) else {}


def list_in(document: object, *path: str) -> list[object]:
    """Return the array at `path`, or an empty one."""
    value = value_in(document, *path)
    return value if isinstance(value, list) else []


def text_in(document: object, *path: str) -> str:
    """Return the text at `path`, visible and without space around it; a number as its digits; else an empty one."""
    value = value_in(document, *path)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return visible(str(value)).strip()


def flattened(document: object) -> dict[str, object]:
    """Return the fields of a payload whose names its user chose: `event_id`, `EVENT.ID`, `eventId` and `event: {id}`.

    All four are `eventid` here. What stands at the top wins over what is nested; deeper than one level is left alone.
    """
    fields: dict[str, object] = {}
    nested: dict[str, object] = {}
    for name, value in mapping_in(document).items():
        outer = _letters(name)
        fields.setdefault(outer, value)
        for inner_name, inner_value in mapping_in(value).items():
            inner = _letters(inner_name)
            nested.setdefault(inner if inner.startswith(outer) else outer + inner, inner_value)
    return nested | fields


def tags_in(value: object) -> dict[str, str]:
    """Return tags as labels, of a name that comes twice the first; a tag without a value has an empty one.

    Takes text such as `env:prod, canary`, the same as an array, an object, an array of Zabbix' `{"tag", "value"}`
    objects, and the JSON text of each of them.
    """
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        value = read_value(value)
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, Mapping):
        return {name: text_in(value, name) for name in value}
    tags: dict[str, str] = {}
    for tag in value if isinstance(value, list) else ():
        name, _, text = text_in(tag).partition(":")
        if isinstance(tag, Mapping):
            name, text = text_in(tag, "tag"), text_in(tag, "value")
        if name.strip():
            tags.setdefault(name.strip(), text.strip())
    return tags


def numbered(arrival: Arrival, ordinal: int) -> Arrival:
    """Return the arrival of one of several alerts that came in together; `ordinal` counts them."""
    return replace(arrival, unique=f"{arrival.unique}:{ordinal}")


def outcome_of(reported: Reported, arrival: Arrival) -> Outcome:
    """Return what intake is offered for one alert, or the rejection of one that says nothing."""
    try:
        return alert_of(reported, arrival)
    except AlertError as error:
        return Rejection(str(error))


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())
