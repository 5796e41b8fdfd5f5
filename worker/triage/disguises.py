r"""Other forms in which a text could be meant: encoded, with letters apart, with figures for letters, turned about.

For `instructions.py` alone. Each form is made only of what shows a cheap sign of it, by one pass of google-re2, so an
ordinary log costs next to nothing; what is made is never longer than a few times the text, and takes linear time.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote

import re2

from worker.contract.text import visible
from worker.triage.folding import LOG_HEAD

__all__ = ["as_one_line", "decoded", "spelled_together", "undisguised"]

_ENTITY: Final = re2.compile(r"&(?:#|lt;|gt;|quot;|amp;)")
_PERCENT: Final = re2.compile(r"%[0-9A-Fa-f]{2}")
_LONG_WORD: Final = re2.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_MISALIGNED_CHARACTERS: Final = 40
"""From here on a word is read from each of four starts: a path or a name may stand before what is encoded."""

_HEX_WORD: Final = re2.compile(r"(?:[0-9A-Fa-f]{2}[ :]?){12,}")
_PLAIN_RUN: Final = re.compile(rb"[\t\n\r -~]{16,}")
_URL_ALPHABET: Final = str.maketrans("-_", "+/")

_LETTER: Final = r"[0-9A-Za-z\x{c0}-\x{1fff}\x{3040}-\x{10ffff}]"
_GAP: Final = r"[^0-9A-Za-z\n\x{c0}-\x{1fff}\x{3040}-\x{10ffff}]"
"""Roughly: all that re2 knows of letters would make an automaton that is too big."""

_APART: Final = re2.compile(rf"(?m)(?:^|{_GAP})(?:{_LETTER}{_GAP}{{1,4}}){{4,}}{_LETTER}(?:$|{_GAP})")
_WORD_BREAK: Final = re.compile(r"[^\W_](?:[^\w\n]|_){2,4}(?=[^\W_])|(?<=[^\W_]) (?=[^\W_][._*|~\-/])")
_BETWEEN_LETTERS: Final = re.compile(r"[\W_]+")

_LEET: Final = str.maketrans("013457@$!|", "oieastasil")
_LETTER_SHAPES: Final = {"a": "[a4@]", "e": "[e3]", "i": "[i1!|]", "l": "[l1|]", "o": "[o0]", "s": "[s5$]", "t": "[t7]"}
_STEMS: Final = ("ignor", "disregard", "forget", "restart", "reboot", "instruct", "previous", "escalat", "resolved")
_BETWEEN: Final = r"[-._*|~+ \\/]?"
_DISGUISED: Final = re2.compile(
    "|".join(_BETWEEN.join(_LETTER_SHAPES.get(letter, letter) for letter in stem) for stem in _STEMS)
)
_INSIDE_WORDS: Final = re.compile(r"(?<=[a-z0-9@$!])[-._*|~+\\/]{1,2}(?=[a-z0-9@$!])")
_BROKEN_WORD: Final = re.compile(r"(?<=[a-z]) (?=[a-z])")

_TURNS: Final = (lambda line: codecs.encode(line, "rot13"), lambda line: line[::-1])
_TURNED: Final = re2.compile("|".join(turn(stem) for turn in _TURNS for stem in _STEMS))


def decoded(text: str) -> list[str]:
    """Return what the encoded parts of a text say: percent signs, entities, base64, hexadecimal; twice if need be."""
    once = list(_decoded_once(text))
    return once + [inner for part in once if part != text for inner in _decoded_once(part)]


def undisguised(lines: Sequence[str]) -> Iterator[str]:
    """Yield other readings of folded lines: without what splits words, with letters for figures, turned about."""
    for line in _those_with(_DISGUISED, lines):
        joined = _INSIDE_WORDS.sub("", line)
        yield from {joined, line.translate(_LEET), joined.translate(_LEET)} - {line}
    for line in _those_with(_TURNED, lines):
        yield from (turn(line) for turn in _TURNS)


def spelled_together(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the parts of folded lines whose letters stand apart: as words, and as one word without a gap."""
    for run in _APART.finditer("\n".join(lines)):
        words = " ".join(_BETWEEN_LETTERS.sub("", word) for word in _WORD_BREAK.sub(_broken, run[0]).split("\n"))
        squeezed = _BETWEEN_LETTERS.sub("", run[0])
        yield words.translate(_LEET), squeezed.translate(_LEET)


def as_one_line(lines: Iterable[str]) -> str:
    """Return folded lines as one, without time and level: a sentence may be spread over several."""
    return " ".join(" ".join(LOG_HEAD.sub("", line, count=1).split()) for line in lines)


def _those_with(shape: Any, lines: Sequence[str]) -> list[str]:  # noqa: ANN401 - google-re2 has no types
    return [line for line in lines if shape.search(line)] if shape.search("\n".join(lines)) else []


def _broken(gap: re.Match[str]) -> str:
    return f"{gap[0][0]}\n" if gap[0] != " " else "\n"


def _decoded_once(text: str) -> Iterator[str]:
    if _ENTITY.search(text):
        yield html.unescape(text)
    if _PERCENT.search(text):
        yield "\n".join(unquote(line.replace("+", " "), errors="replace") for line in text.split("\n") if "%" in line)
    words = [part for word in _LONG_WORD.finditer(text) for part in _from_base64(word[0])]
    words += [part for word in _HEX_WORD.finditer(text) for part in _readable(_from_hex(word[0]))]
    if words:
        yield "\n".join(words)


def _from_base64(word: str) -> Iterator[str]:
    """Yield the text in a word, and in a long one wherever it begins."""
    if word.islower() or word.isupper():
        return
    letters = word.rstrip("=").translate(_URL_ALPHABET)
    for start in range(4 if len(word) >= _MISALIGNED_CHARACTERS else 1):
        part = letters[start:]
        try:
            found = base64.b64decode(part[: len(part) - (len(part) % 4 == 1)] + "=" * (-len(part) % 4))
        except binascii.Error:
            continue
        if texts := list(_readable(found)):
            yield from texts
            return


def _from_hex(word: str) -> bytes:
    digits = word.replace(" ", "").replace(":", "")
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _readable(encoded: bytes) -> Iterator[str]:
    """Yield what bytes say, where that is text: most runs of letters are names, not text in another form."""
    try:
        text = encoded.decode("utf-16-le" if encoded[1:2] == b"\0" else "utf-8")
    except UnicodeDecodeError:
        text = " ".join(run[0].decode() for run in _PLAIN_RUN.finditer(encoded))
    if " " in text and visible(text) == text:
        yield text
