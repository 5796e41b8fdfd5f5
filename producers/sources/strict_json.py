"""JSON from strangers: what a careless reader would guess at, or fall over, comes back as a flaw, with its place.

Python's own decoder takes NaN and Infinity, turns 1e999 into infinity, keeps the last of two equal keys (so that two
readers of one alert may see two different servers) and raises `RecursionError` on deep nesting. A flawed object does
not hide the ones behind it; only a syntax error ends a document. Nothing here raises. The sources call it.
"""

import json
import math
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Flaw", "read_value", "read_values"]

NUMBER_LIMIT_CHARACTERS: Final = 64
"""No timestamp or figure needs more; integers of thousands of digits cost quadratic time."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What stands where no value could be read: why, in words that quote nothing of the text."""

    reason: str


def read_value(text: str) -> object:
    """Return the one value that `text` holds, or a `Flaw`, also when something follows the value."""
    try:
        value, end = _decoded(text, _after_space(text, 0))
    except _UnreadableError as error:
        return Flaw(f"{error.reason} at character {error.index + 1}")
    if end < len(text) and text[end:].strip():
        return Flaw(f"something follows the JSON value at character {end + 1}")
    return value


def read_values(document: str) -> Iterator[tuple[int, object]]:
    """Yield the line (the first is 1) and value of each element of an array, or of values one after the other.

    Flaws come in place of values; one that stems from the syntax is the last, because its end cannot be found.
    """
    line_number, counted = 1, 0
    try:
        for index, value in _placed_values(document):
            line_number += document.count("\n", counted, index)
            counted = index
            yield line_number, value
    except _UnreadableError as error:
        column = error.index - document.rfind("\n", 0, error.index)
        reason = f"{error.reason} at character {column} of the line; the rest of the document was not read"
        yield 1 + document.count("\n", 0, error.index), Flaw(reason)


class _UnreadableError(ValueError):
    def __init__(self, reason: str, index: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.index = index


def _placed_values(document: str) -> Iterator[tuple[int, object]]:
    index = _after_space(document, 0)
    while index < len(document):
        if document[index] == "[":
            index = yield from _placed_elements(document, index + 1)
        else:
            value, end = _decoded(document, index)
            yield index, value
            index = end
        index = _after_space(document, index)


def _placed_elements(document: str, index: int) -> Generator[tuple[int, object], None, int]:
    index = _after_space(document, index)
    if document.startswith("]", index):
        return index + 1
    while True:
        value, end = _decoded(document, index)
        yield index, value
        index = _after_space(document, end)
        if document.startswith("]", index):
            return index + 1
        if not document.startswith(",", index):
            raise _UnreadableError("this is not valid JSON: expected a comma or the array's end", index)
        index = _after_space(document, index + 1)


def _decoded(text: str, start: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _UnreadableError(f"this is not valid JSON: {error.msg.removesuffix(' at')}", error.pos) from None
    except RecursionError:
        raise _UnreadableError("the JSON is nested too deeply", start) from None


def _after_space(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | Flaw:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        return Flaw("a JSON object names one key twice, so its meaning is open")
    return next((value for value in fields.values() if isinstance(value, Flaw)), fields)


def _integer(digits: str) -> int | Flaw:
    return _too_long(digits) or int(digits)


def _number(digits: str) -> float | Flaw:
    flaw = _too_long(digits)
    if flaw:
        return flaw
    number = float(digits)
    return number if math.isfinite(number) else Flaw("a number is too large")


def _constant(name: str) -> Flaw:
    return Flaw(f"{name} is not a JSON number")


def _too_long(digits: str) -> Flaw | None:
    if len(digits) <= NUMBER_LIMIT_CHARACTERS:
        return None
    return Flaw(f"a number has {len(digits)} characters; the limit is {NUMBER_LIMIT_CHARACTERS}")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_integer, parse_constant=_constant
)
