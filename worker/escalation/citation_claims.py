"""What a text says that can be checked: quotations, addresses, times, names, numbers and telling words.

Pure. Every digit of a text is part of one of them, so no figure escapes. Sentences and evidence are read alike; called
by the citations.
"""
# ruff: noqa: RUF001 - other marks and alphabets are what this is about

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from worker.escalation.citation_numbers import Number, in_plain_digits, numbers_in
from worker.escalation.citation_words import Word, words_in

__all__ = ["ENDPOINT", "NUMBER_WORDS", "Said", "folded", "said_in", "stands_in", "without_quotations"]

ENDPOINT: Final = re.compile(
    r"(?<![\w.-])((?:[a-z][a-z0-9.-]{0,252}|(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:]{2,39}\]):\d{2,5})(?!\w|:\d|\.\d)",
    re.IGNORECASE,
)
"""A ``host:port``, in lines of a log and in sentences."""

_QUOTATION: Final = re.compile(
    r"“([^“”]*)”|„([^„“”]*)[“”]|\"([^\"]*)\"|«([^«»]*)»|「([^「」]*)」|『([^『』]*)』|`([^`]*)`"
    r"|(?<!\w)['‘]([^'‘’]{3,})['’](?!\w)"
)
_CUT: Final = re.compile(r"\[?(?:…|\.\.\.)(?: \d+ bytes cut\])?")
_FIXED: Final = re.compile(r"(?<![\w.])\d+(?:[.:/-]\d+){2,}(?:Z\b)?|(?<![\w.])\d{1,2}:\d{2}(?![\w:])", re.ASCII)
"""Times, dates, addresses and versions: they stand there as they are, or not at all."""

_NAME: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:\d+\.(?=[A-Za-z]{2}))?[A-Za-z][A-Za-z0-9]*(?:[-_.][A-Za-z0-9]+)*|\d+[A-Za-z][A-Za-z0-9_-]*"
)
_TELLING_NAME: Final = re.compile(
    r"[A-Za-z]{2}[\w-]*[_.]\w{2}|.*-(?:api|broker|cache|cluster|db|gateway|host|node|proxy|queue|server|service|worker)$",
    re.IGNORECASE,
)
_CJK_NUMERALS: Final = re.compile("[〇零一二三四五六七八九十百千万亿兩両億]{2,}")
_NUMBER_WORDS: Final = {
    word: number
    for number, word in enumerate(
        (
            *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
            *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
        ),
        start=2,
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_NUMBER_WORD: Final = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE)
NUMBER_WORDS: Final = frozenset(_NUMBER_WORDS)
_LITTLE: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Said:
    """All that a text says and that can be checked; `fixed` are times, addresses and names, as they are written."""

    quotations: tuple[str, ...]
    endpoints: tuple[str, ...]
    fixed: tuple[str, ...]
    numbers: tuple[Number, ...]
    words: tuple[Word, ...]

    @property
    def is_anything(self) -> bool:
        """Whether there is anything to check."""
        return bool(self.quotations or self.endpoints or self.fixed or self.numbers or self.words)


def said_in(text: str, *, has_quotations: bool) -> Said:
    """Read a text without its citations; `has_quotations` is for sentences, where a quoted word is not their own."""
    found: dict[str, list[str]] = {"quotations": [], "endpoints": [], "fixed": []}
    rest = _CUT.sub(" ", text) if not has_quotations else _taken(text, _QUOTATION, found["quotations"])
    rest = in_plain_digits(rest)
    words = tuple(words_in(rest))
    rest = _taken(rest, ENDPOINT, found["endpoints"])
    rest = _taken(rest, _FIXED, found["fixed"])
    rest = _taken(rest, _CJK_NUMERALS, found["fixed"])
    rest = _NUMBER_WORD.sub(lambda word: str(_NUMBER_WORDS[word[0].casefold()]), rest)
    rest = _taken(rest, _NAME, found["fixed"], only=_is_telling if has_quotations else _holds_a_figure)
    return Said(
        quotations=tuple(filter(folded, found["quotations"])),
        endpoints=tuple(endpoint.casefold() for endpoint in found["endpoints"]),
        fixed=tuple(found["fixed"]),
        numbers=tuple(numbers_in(rest)),
        words=words,
    )


def without_quotations(text: str, instead: str | Callable[[re.Match[str]], str]) -> str:
    """Return the text with something else where it quotes."""
    return _QUOTATION.sub(instead, text)


def folded(text: str) -> str:
    """Return `text` without case, white space and punctuation that differ: words with one space between."""
    return _LITTLE.sub(" ", in_plain_digits(text).casefold()).strip()


def stands_in(quotation: str, haystack: str) -> bool:
    """Say whether each part of a quotation, which may be cut, stands in a folded text, and not within a word of it."""
    parts = [part for part in map(folded, _CUT.split(quotation)) if part]
    whole = re.compile(r".*(?:…|\.\.\.)", re.DOTALL).match(quotation) is None
    return bool(parts) and all(_has(part, haystack, to_its_end=whole) for part in parts)


def _has(part: str, haystack: str, *, to_its_end: bool) -> bool:
    end = "(?![a-z0-9])" if to_its_end else ""
    return re.search(f"(?<![a-z0-9]){re.escape(part)}{end}", haystack) is not None


def _taken(text: str, pattern: re.Pattern[str], into: list[str], only: Callable[[str], bool] | None = None) -> str:
    """Return the text without what the pattern finds, and put that aside."""

    def take(found: re.Match[str]) -> str:
        if only is not None and not only(found[0]):
            return found[0]
        into.append(next(filter(None, found.groups()), found[0]) if found.re.groups else found[0])
        return " ; "

    return pattern.sub(take, text)


def _is_telling(name: str) -> bool:
    """Say whether a name has to stand in the evidence; a number with its unit is none."""
    return _holds_a_figure(name) or (not name[0].isdecimal() and _TELLING_NAME.match(name) is not None)


def _holds_a_figure(name: str) -> bool:
    if name[0].isdecimal():
        return next(iter(numbers_in(name))).as_written != name
    return any(letter.isdecimal() for letter in name)
