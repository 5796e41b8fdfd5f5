"""What every alert's fields are held to: times, severities, labels and quotations, made visible and bounded. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from worker.contract import Severity
from worker.contract.text import cut_to_bytes, visible
from worker.redaction import STATELESS_MASKER

__all__ = [
    "CLOCK_TOLERANCE",
    "EARLIEST_START",
    "AlertError",
    "cut_label",
    "kept_labels",
    "kind_of",
    "labels_of",
    "plausible_time",
    "quoted",
    "read_time",
    "severity_of",
    "whole_labels",
]

LABELS_LIMIT: Final = 32
LABEL_NAME_LIMIT_BYTES: Final = 64
LABEL_VALUE_LIMIT_BYTES: Final = 256
_LOOKED_AT_CHARACTERS: Final = 4096
"""Of a label that is cut, no more is looked through for secrets."""

LABELS_LEFT_OUT: Final = "labels_left_out"
"""This label says how many labels past the limit were left out."""

EARLIEST_START: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier times are a source's "unset" (0, 0001-01-01), never an alert's start."""

CLOCK_TOLERANCE: Final = timedelta(days=1)
"""How far ahead of ours a source's clock may be."""

QUOTE_LIMIT_CHARACTERS: Final = 80
_QUOTED_FROM_CHARACTERS: Final = 400
"""No more of a text is looked at for a quotation."""
_MILLISECONDS_FROM: Final = 1e11
"""A number as large as this is no count of seconds: that would be the year 5138."""

_SEVERITY_OF: Final = {
    **dict.fromkeys(("critical", "crit", "page", "fatal", "disaster", "alert"), Severity.CRITICAL),
    **dict.fromkeys(("emergency", "emerg", "urgent", "blocker"), Severity.CRITICAL),
    **dict.fromkeys(("error", "warning", "warn", "high", "average", "major", "minor"), Severity.WARNING),
    **dict.fromkeys(("info", "information", "informational", "notice", "low"), Severity.INFO),
    **dict.fromkeys(("none", "ok", "not classified", "debug"), Severity.INFO),
}
_NUMBERED: Final = re.compile(r"(?:sev|severity|s|priority|p)[ _-]?([0-5])\b")
"""How organisations number their severities; a word of their own may follow, as in "P1 - Everybody"."""

_SEVERITY_OF_NUMBER: Final = {"0": Severity.CRITICAL, "1": Severity.CRITICAL, "2": Severity.WARNING}


class AlertError(ValueError):
    """The alert was not understood, or is past a limit: the message says what, where, and the remedy."""


def severity_of(value: object) -> Severity:
    """Map the source's word; an unknown one is a warning, as is none: urgency is never a reason to reject.

    Of numbered ones (`P1`, `SEV-1`, `S1`, `Priority 1`) 0 and 1 are critical, 2 is a warning, and 3 to 5 are less.
    """
    word = "" if value is None else str(value).strip().casefold()
    numbered = _NUMBERED.match(word)
    if numbered:
        return _SEVERITY_OF_NUMBER.get(numbered[1], Severity.INFO)
    return _SEVERITY_OF.get(word, Severity.WARNING)


def plausible_time(value: object, received_at: datetime) -> datetime | None:
    """Read a time leniently: milliseconds since 1970 too, and None for what is no time or lies out of all bounds."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    try:
        if number is not None and number > _MILLISECONDS_FROM:
            number /= 1000
        time = read_time(value if number is None else number)
    except (ValueError, OverflowError, OSError):
        return None
    return time if EARLIEST_START <= time <= received_at + CLOCK_TOLERANCE else None


def read_time(value: object) -> datetime:
    """Read ISO 8601 (without an offset it is UTC) or seconds since 1970.

    Raises `ValueError`, `OverflowError` or `OSError` for what is none.
    """
    if isinstance(value, str):
        time = datetime.fromisoformat(value.strip())
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    raise ValueError(type(value).__name__)


def labels_of(labels: object, further_fields: Mapping[str, object]) -> dict[str, str]:
    """Return the scalars of both as labels, each bounded in length and on one line; `kept_labels` bounds their number.

    Raises `AlertError` when `labels` is no object.
    """
    if labels is None:
        labels = {}
    if not isinstance(labels, dict):
        raise AlertError(f"`labels` must be a JSON object of names and values; this is {kind_of(labels)}")
    return {**_scalars(further_fields), **_scalars(labels)}


def kept_labels(labels: Mapping[str, str], *, is_needed: Callable[[str], bool]) -> dict[str, str]:
    """Return at most 32 labels in their order, rather those that are needed, and one that counts what was left out.

    Only for what an incident keeps: whatever is looked for in the labels is looked for in all of them.
    """
    if len(labels) <= LABELS_LIMIT:
        return dict(labels)
    kept = set(sorted(labels, key=lambda name: not is_needed(name))[:LABELS_LIMIT])
    left_out = {LABELS_LEFT_OUT: str(len(labels) - LABELS_LIMIT)}
    return {name: value for name, value in labels.items() if name in kept} | left_out


def whole_labels(labels: Mapping[str, str], *sent: object) -> dict[str, str]:
    """Return those of `labels` whose values were cut, as they were `sent`: half a secret would look like none."""
    were_cut = {name for name, value in labels.items() if len(value.encode()) > LABEL_VALUE_LIMIT_BYTES}
    if not were_cut:
        return {}
    return {
        label: one_line(value[:_LOOKED_AT_CHARACTERS])
        for fields in sent
        if isinstance(fields, Mapping)
        for name, value in fields.items()
        if isinstance(value, str) and (label := _label_name(name)) in were_cut
    }


def cut_label(value: str) -> str:
    """Return a label's value, cut where it is too long."""
    return cut_to_bytes(value, LABEL_VALUE_LIMIT_BYTES)


def _scalars(fields: Mapping[str, object]) -> dict[str, str]:
    return {
        _label_name(name): cut_label(_scalar(value))
        for name, value in fields.items()
        if isinstance(value, str | int | float)
    }


def _label_name(name: str) -> str:
    return cut_to_bytes(one_line(name), LABEL_NAME_LIMIT_BYTES)


def _scalar(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(str(value))


def kind_of(value: object) -> str:
    """Return what kind of JSON value this is, in words."""
    match value:
        case dict():
            return "an object"
        case list():
            return "an array"
        case str():
            return "a string"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case _:
            return "null"


def quoted(text: str) -> str:
    """Return at most 80 characters of `text` on one line, in quotation marks, masked: logs and terminals have it."""
    line = STATELESS_MASKER.masked(one_line(text[:_QUOTED_FROM_CHARACTERS]))
    return f"“{line}”" if len(line) <= QUOTE_LIMIT_CHARACTERS else f"“{line[: QUOTE_LIMIT_CHARACTERS - 1]}…”"


def one_line(text: str) -> str:
    return " ".join(visible(text).split())
