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
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final
from urllib.parse import unquote

import re2

from worker.contract.text import visible
from worker.triage.folding import LOG_HEAD, folded, like_latin

__all__ = ["Reading", "as_one_line", "decoded", "plain", "spelled_together", "undisguised"]

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
_HUMPS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"(?!(?<=\w)'\w|[.!?;:]\s)[\W_]+")
"""The end of a sentence still parts two: what is said in one and in the next is not said together."""

_INSIDE_WORDS: Final = re.compile(r"(?<=[a-z0-9@$!])[-._*|~+\\/]{1,2}(?=[a-z0-9@$!])")

_TURNS: Final = (lambda line: codecs.encode(line, "rot13"), lambda line: line[::-1])
_TURNED: Final = re2.compile("|".join(turn(stem) for turn in _TURNS for stem in _STEMS))


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a line, by its number: as it is written, and folded. `place` says which part shows other letters.

    `place` is one in the line itself where the part was encoded, and in the folded line everywhere else.
    """

    line: int
    written: str
    text: str
    place: int | None = None
    was_encoded: bool = False


def plain(lines: Iterable[str]) -> list[Reading]:
    """Return lines as they are."""
    return [Reading(number, line, folded(line)) for number, line in enumerate(map(visible, lines))]


def decoded(lines: Sequence[str]) -> list[Reading]:
    """Return what the encoded parts of lines say: percent signs, entities, base64, hexadecimal; twice if need be."""
    once = list(_decoded_once(lines))
    inner = _decoded_once([text for _, _, text in once])
    twice = [(*once[number][:2], text) for number, _, text in inner if text != once[number][2]]
    return [
        Reading(number, text, like_latin(folded(visible(text))), place, was_encoded=True)
        for number, place, text in once + twice
    ]


def undisguised(readings: Sequence[Reading]) -> Iterator[Reading]:
    """Yield other forms: without what stands between words or splits them, with letters for figures, turned about."""
    for reading, place in _those_with(_DISGUISED, readings):
        spaced = _SEPARATORS.sub(" ", like_latin(folded(_HUMPS.sub(" ", reading.written)))).strip()
        joined = _INSIDE_WORDS.sub("", reading.text)
        for text in {spaced, joined, reading.text.translate(_LEET), joined.translate(_LEET)} - {reading.text}:
            yield _in_other_letters(reading, text, place)
    for reading, place in _those_with(_TURNED, readings):
        for turn in _TURNS:
            yield _in_other_letters(reading, turn(reading.text), place)


def spelled_together(readings: Sequence[Reading]) -> Iterator[tuple[Reading, str]]:
    """Yield the parts of readings whose letters stand apart: as words, and as one word without a gap."""
    for reading, _ in _those_with(_APART, readings):
        for run in _APART.finditer(reading.text):
            words = " ".join(_BETWEEN_LETTERS.sub("", word) for word in _WORD_BREAK.sub(_broken, run[0]).split("\n"))
            squeezed = _BETWEEN_LETTERS.sub("", run[0])
            yield _in_other_letters(reading, words.translate(_LEET), run.start()), squeezed.translate(_LEET)


def as_one_line(lines: Iterable[str]) -> tuple[str, list[int]]:
    """Return folded lines as one, without time and level, and where each begins: a sentence may run over several."""
    bare = [" ".join(LOG_HEAD.sub("", line, count=1).split()) for line in lines]
    return " ".join(bare), list(accumulate((len(line) + 1 for line in bare[:-1]), initial=0))


def _in_other_letters(reading: Reading, text: str, place: int) -> Reading:
    return replace(reading, text=text, place=place if reading.place is None else reading.place)


def _those_with(shape: Any, readings: Sequence[Reading]) -> Iterator[tuple[Reading, int]]:  # noqa: ANN401 - google-re2 has no types
    """Yield the readings that have a shape, and where; mostly none has, which one search tells."""
    if shape.search("\n".join(reading.text for reading in readings)):
        for reading in readings:
            if match := shape.search(reading.text):
                yield reading, match.start()


def _broken(gap: re.Match[str]) -> str:
    return f"{gap[0][0]}\n" if gap[0] != " " else "\n"


def _decoded_once(lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield what stands encoded in lines: the number of the line, the place in it, and a line of what it says."""
    whole = "\n".join(lines)
    for shape, decode_line in _CODES_OF_LINES:
        for number, line in enumerate(lines if shape.search(whole) else ()):
            if match := shape.search(line):
                yield from ((number, match.start(), part) for part in decode_line(line).split("\n"))
    for shape, decode_word in _CODES_OF_WORDS:
        for number, line in enumerate(lines if shape.search(whole) else ()):
            for word in shape.finditer(line):
                yield from ((number, word.start(), part) for text in decode_word(word[0]) for part in text.split("\n"))


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


def _from_hex(word: str) -> Iterator[str]:
    digits = word.replace(" ", "").replace(":", "")
    return _readable(bytes.fromhex(digits[: len(digits) // 2 * 2]))


def _readable(encoded: bytes) -> Iterator[str]:
    """Yield what bytes say, where that is text: most runs of letters are names, not text in another form."""
    try:
        text = encoded.decode("utf-16-le" if encoded[1:2] == b"\0" else "utf-8")
    except UnicodeDecodeError:
        text = " ".join(run[0].decode() for run in _PLAIN_RUN.finditer(encoded))
    if (" " in text or _LONG_WORD.search(text)) and visible(text) == text:
        yield text


_CODES_OF_LINES: Final = (
    (_ENTITY, html.unescape),
    (_PERCENT, lambda line: unquote(line.replace("+", " "), errors="replace")),
)
_CODES_OF_WORDS: Final = ((_LONG_WORD, _from_base64), (_HEX_WORD, _from_hex))
