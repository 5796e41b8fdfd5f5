"""Finds text from outside that tries to give instructions: to a model, or to whoever reads it.

Pure, and bounded: a text is folded once and read in a few forms (as it is, decoded, without its disguise), each in
linear time. What is found lowers an incident's autonomy and decides nothing else: missing a text must never be enough
to restart anything, for the restart policy judges typed observations alone. The toolbox, the opening and the news ask.
"""

import base64
import binascii
import codecs
import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import unquote

from worker.contract.result import Suspicion
from worker.contract.text import cut_to_bytes, visible
from worker.triage.folding import folded, like_latin, without_log_heads
from worker.triage.foreign_signs import FOREIGN_SIGNS
from worker.triage.instruction_signs import SIGNS, SQUEEZED, Sign

__all__ = ["SUSPICIONS_LIMIT", "strings_in", "suspicions_in"]

SUSPICIONS_LIMIT: Final = 3
"""A few show what kind of text it is; the transcript has all of it."""

EXCERPT_BYTES: Final = 200
TEXT_CHARACTERS: Final = 200_000
"""More than any tool brings; what stands behind is not read by a model either."""

_RUNS_LIMIT: Final = 40
_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]{20,4000}={0,2}")
_HEX_RUN: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?){12,2000}")
_APART: Final = re.compile(r"(?:\b\w[ ._*|~-]{1,3}){7,2000}\w\b")
_BETWEEN_LETTERS: Final = re.compile(r"[\W_]+")
_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_MIXED: Final = re.compile(r"[a-z][013457@$!][a-z]|\b[013457@$!][a-z]{2}")
_STEMS: Final = ("ignore", "restart", "instruction", "disregard", "forget", "reboot", "escalate", "previous")
_ALL: Final = (*SIGNS, *FOREIGN_SIGNS)
_UNMISTAKABLE: Final = tuple(
    sign
    for sign in SIGNS
    if sign.name in {"ignore_instructions", "order_to_restart", "order_not_to_escalate", "tool_call"}
)
"""What is not found by chance where lines are read as one, or figures as letters."""

_ROT13_STEMS: Final = tuple(codecs.encode(stem, "rot13") for stem in _STEMS)
_REVERSED_STEMS: Final = tuple(stem[::-1] for stem in _STEMS)


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
    plain = folded(text)
    latin = like_latin(plain)
    yield from _matches([plain, *([latin] if latin != plain else []), *map(folded, _decoded(text))], _ALL)
    yield from _matches(_without_disguise(plain, latin), _UNMISTAKABLE)
    yield from (("letters_apart", letters) for letters in _letters_apart(latin))


def _matches(forms: Iterable[str], signs: Sequence[Sign]) -> Iterator[tuple[str, str]]:
    for form in forms:
        for sign in signs:
            if any(word in form for word in sign.words) and (match := sign.pattern.search(form)):
                yield sign.name, _around(form, match)


def _around(form: str, match: re.Match[str]) -> str:
    start = form.rfind("\n", 0, match.start()) + 1
    return form[max(start, match.start() - 40) : match.end() + 60]


def _without_disguise(plain: str, latin: str) -> Iterator[str]:
    """Yield other forms in which a text could be meant; in most texts there is one at most."""
    if "\n" in plain:
        yield without_log_heads(latin)
    if _MIXED.search(latin):
        yield latin.translate(_LEET)
    if any(stem in latin for stem in _ROT13_STEMS):
        yield codecs.encode(latin, "rot13")
    if any(stem in latin for stem in _REVERSED_STEMS):
        yield latin[::-1]


def _letters_apart(latin: str) -> Iterator[str]:
    for run in _APART.finditer(latin):
        squeezed = _BETWEEN_LETTERS.sub("", run[0])
        for letters in (squeezed, squeezed.translate(_LEET)):
            if any(phrase in letters for phrase in SQUEEZED):
                yield letters


def _decoded(text: str) -> Iterator[str]:
    if "&#" in text or "&lt;" in text or "&quot;" in text:
        yield html.unescape(text)
    if re.search(r"%[0-9A-Fa-f]{2}", text):
        once = unquote(text.replace("+", " "), errors="replace")
        yield once
        if re.search(r"%[0-9A-Fa-f]{2}", once):
            yield unquote(once, errors="replace")
    for number, run in enumerate(_RUN.finditer(text)):
        if number == _RUNS_LIMIT:
            break
        yield from _readable(_from_base64(run[0]))
    for number, run in enumerate(_HEX_RUN.finditer(text)):
        if number == _RUNS_LIMIT:
            break
        yield from _readable(bytes.fromhex(re.sub(r"[ :]", "", run[0])))


def _from_base64(run: str) -> bytes:
    letters = run.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(letters[: len(letters) // 4 * 4 + len(letters) % 4] + "=" * (-len(letters) % 4))
    except binascii.Error:
        return b""


def _readable(encoded: bytes) -> Iterator[str]:
    """Yield what bytes say, where that is text: most runs of letters are names, not text in another form."""
    try:
        text = encoded.decode("utf-16-le" if encoded[1:2] == b"\0" else "utf-8")
    except UnicodeDecodeError:
        return
    if " " in text and visible(text) == text:
        yield text
