"""Finds text from outside that tries to give instructions: to a model, or to whoever reads it.

Pure, and bounded: a text is folded once and read in a few forms (as it is, decoded, without its disguise), each in
linear time. What is found lowers an incident's autonomy and decides nothing else: missing a text must never be enough
to restart anything, for the restart policy judges typed observations alone. The toolbox, the opening and the news ask.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from worker.contract.result import Suspicion
from worker.contract.text import cut_to_bytes, visible
from worker.triage.disguises import Reading, as_one_line, decoded, plain, spelled_together, undisguised
from worker.triage.folding import like_latin, place_in
from worker.triage.signs import ALL_SIGNS, SQUEEZED, UNMISTAKABLE_SIGNS, Lookout

__all__ = ["SUSPICIONS_LIMIT", "strings_in", "suspicions_in"]

SUSPICIONS_LIMIT: Final = 3
"""A few show what kind of text it is; the transcript has all of it."""

EXCERPT_BYTES: Final = 200
_BEFORE_CHARACTERS: Final = 40
_AFTER_CHARACTERS: Final = 60
TEXT_CHARACTERS: Final = 200_000
"""More than any tool brings; what stands behind is not read by a model either."""

_PIECE_CHARACTERS: Final = 1_200
_OVERLAP_CHARACTERS: Final = 400
"""Longer than any sign, so that none is missed where a long line is cut."""


def suspicions_in(text: str, *, where: str) -> tuple[Suspicion, ...]:
    """Return signs that `text` tries to give instructions, at most three, each with its line, visible and cut."""
    lines = text[:TEXT_CHARACTERS].replace("\r\n", "\n").split("\n")
    found: dict[str, Suspicion] = {}
    for sign, reading, place in _signs_in(lines):
        if sign not in found:
            excerpt = _excerpt(lines[reading.line], place, was_encoded=reading.was_encoded)
            found[sign] = Suspicion(where=where, sign=sign, excerpt=excerpt)
        if len(found) >= SUSPICIONS_LIMIT:
            break
    return tuple(found.values())


def strings_in(content: str) -> str:
    """Return the texts inside a JSON value, one a line, names of fields too; what is no JSON is a text itself."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return content
    return "\n".join(_strings_of(value))


def _strings_of(value: object) -> Iterator[str]:
    """Walk a value with a stack of its own: nesting is up to whoever wrote it."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting += [item for pair in reversed(part.items()) for item in reversed(pair)]
        elif isinstance(part, list):
            waiting += reversed(part)


def _signs_in(lines: Sequence[str]) -> Iterator[tuple[str, Reading, int]]:
    """Yield each sign, the reading in which it stands, and its place in the line of which that was made."""
    bare = plain(lines)
    latin = [_as_latin(reading) for reading in bare]
    encoded = decoded(lines)
    yield from _found(ALL_SIGNS, bare)
    yield from _found(ALL_SIGNS, (like for one, like in zip(bare, latin, strict=True) if like is not one))
    yield from _found(ALL_SIGNS, encoded)
    yield from _found(UNMISTAKABLE_SIGNS, undisguised([*latin, *encoded]))
    for reading, squeezed in spelled_together(latin):
        yield from _found(ALL_SIGNS, [reading])
        if any(phrase in squeezed for phrase in SQUEEZED):
            yield "letters_apart", reading, reading.place or 0
    if len(latin) > 1:
        yield from _found_over_lines(latin)


def _as_latin(reading: Reading) -> Reading:
    text = like_latin(reading.text)
    return reading if text is reading.text else replace(reading, text=text)


def _found_over_lines(readings: Sequence[Reading]) -> Iterator[tuple[str, Reading, int]]:
    """Look for a sentence that is spread over lines; it counts as found in the one where it begins."""
    texts = [reading.text for reading in readings]
    if UNMISTAKABLE_SIGNS.could_stand_in("\n".join(texts)):
        whole, starts = as_one_line(texts)
        for sign, _, place in _found(UNMISTAKABLE_SIGNS, [Reading(0, whole, whole)]):
            number = bisect_right(starts, place) - 1
            yield sign, readings[number], place - starts[number]


def _found(lookout: Lookout, readings: Iterable[Reading]) -> Iterator[tuple[str, Reading, int]]:
    for reading in readings:
        for start, piece in _pieces(reading.text):
            for sign, match in lookout.signs_in(piece):
                yield sign.name, reading, start + match.start() if reading.place is None else reading.place


def _excerpt(line: str, place: int, *, was_encoded: bool) -> str:
    """Return a line as it stands in the log, so that it can be looked up: its beginning, or what is around a place."""
    shown = visible(line)
    start = len(visible(line[:place])) if was_encoded else place_in(shown, place)
    if len(shown[: start + _AFTER_CHARACTERS].encode()) > EXCERPT_BYTES:
        shown = shown[max(0, start - _BEFORE_CHARACTERS) :]
    printable = "".join(character if character.isprintable() else " " for character in shown)
    return cut_to_bytes(printable.strip(), EXCERPT_BYTES)


def _pieces(line: str) -> Iterator[tuple[int, str]]:
    if len(line) <= _PIECE_CHARACTERS:
        yield 0, line
        return
    for start in range(0, len(line) - _OVERLAP_CHARACTERS, _PIECE_CHARACTERS - _OVERLAP_CHARACTERS):
        yield start, line[start : start + _PIECE_CHARACTERS]
