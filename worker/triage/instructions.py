"""Finds text from outside that tries to give instructions: to a model, or to whoever reads it.

Pure, and bounded: a text is folded once and read in a few forms (as it is, decoded, without its disguise), each in
linear time. What is found lowers an incident's autonomy and decides nothing else: missing a text must never be enough
to restart anything, for the restart policy judges typed observations alone. The toolbox, the opening and the news ask.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from worker.contract.result import Suspicion
from worker.contract.text import cut_to_bytes, visible
from worker.triage.disguises import as_one_line, decoded, spelled_together, undisguised
from worker.triage.folding import folded_lines, like_latin
from worker.triage.signs import ALL_SIGNS, SQUEEZED, UNMISTAKABLE_SIGNS, Lookout

__all__ = ["SUSPICIONS_LIMIT", "strings_in", "suspicions_in"]

SUSPICIONS_LIMIT: Final = 3
"""A few show what kind of text it is; the transcript has all of it."""

EXCERPT_BYTES: Final = 200
TEXT_CHARACTERS: Final = 200_000
"""More than any tool brings; what stands behind is not read by a model either."""

_PIECE_CHARACTERS: Final = 1_200
_OVERLAP_CHARACTERS: Final = 400
"""Longer than any sign, so that none is missed where a long line is cut."""


def suspicions_in(text: str, *, where: str) -> tuple[Suspicion, ...]:
    """Return signs that `text` tries to give instructions, at most three, each with its words, visible and cut."""
    found: dict[str, Suspicion] = {}
    for sign, excerpt in _signs_in(text[:TEXT_CHARACTERS]):
        words = cut_to_bytes(" ".join(visible(excerpt).split()), EXCERPT_BYTES)
        found.setdefault(sign, Suspicion(where=where, sign=sign, excerpt=words))
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


def _signs_in(text: str) -> Iterator[tuple[str, str]]:
    lines = folded_lines(text)
    latin = [like_latin(line) for line in lines]
    yield from _found(ALL_SIGNS, lines)
    yield from _found(ALL_SIGNS, (like for line, like in zip(lines, latin, strict=True) if like is not line))
    for part in decoded(text):
        yield from _found(ALL_SIGNS, folded_lines(part))
    yield from _found(UNMISTAKABLE_SIGNS, undisguised(latin))
    for words, squeezed in spelled_together(latin):
        yield from _found(ALL_SIGNS, [words])
        if any(phrase in squeezed for phrase in SQUEEZED):
            yield "letters_apart", squeezed
    if len(latin) > 1 and UNMISTAKABLE_SIGNS.could_stand_in("\n".join(latin)):
        yield from _found(UNMISTAKABLE_SIGNS, [as_one_line(latin)])


def _found(lookout: Lookout, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        for piece in _pieces(line):
            for sign, match in lookout.signs_in(piece):
                yield sign.name, piece[max(0, match.start() - 40) : match.end() + 60]


def _pieces(line: str) -> Iterator[str]:
    if len(line) <= _PIECE_CHARACTERS:
        yield line
        return
    for start in range(0, len(line) - _OVERLAP_CHARACTERS, _PIECE_CHARACTERS - _OVERLAP_CHARACTERS):
        yield line[start : start + _PIECE_CHARACTERS]
