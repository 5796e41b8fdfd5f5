"""Numbers in a text: each with its unit and with what it is a number of, and whether one bears out another.

Pure. A number is read as people write them: 97.6 and 97,6; 1,200 and 1.200; full-width, Arabic and Indic digits.
Called by the claims of a citation, on the sentence and on its evidence alike.
"""
# ruff: noqa: RUF001 - other marks and alphabets are what this is about

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

__all__ = ["Number", "bears_out", "in_plain_digits", "numbers_in"]

_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*", re.ASCII)
_UNITS: Final = tuple(
    (unit, re.compile(rf"\s?(?:{pattern})(?![A-Za-z])", re.IGNORECASE))
    for unit, pattern in (
        ("%", r"%|per ?cent|pct|prozent|pour cent|por ciento|por cento|per cento|procent\w*|процент\w*|パーセント"),
        ("/s", r"/\s?s(?:ec(?:ond)?)?|per second|a second"),
        ("ms", r"ms|milliseconds?|millisekunden?|мс|毫秒|ミリ秒"),
        ("s", r"s|secs?|seconds?|sekunden?|secondes?|segundos?|secondi|сек\w*|秒|초"),
        ("min", r"min|mins|minutes?|minuten?|minutos?|minuti|мин\w*|分钟|分|분"),
        ("h", r"h|hrs?|hours?|stunden?|heures?|horas?|ore|час\w*|小时|時間|시간"),
        ("d", r"d|days?|tagen?|jours?|días?|dias?|giorni|дн\w*|天|日|일"),
        ("KB", r"kb|kilobytes?"),
        ("MB", r"mb|megabytes?"),
        ("GB", r"gb|gigabytes?|гб"),
        ("TB", r"tb|terabytes?"),
        ("KiB", r"kib"),
        ("MiB", r"mib"),
        ("GiB", r"gib"),
        ("B", r"b|bytes?"),
    )
)
_UNIT_IN_NAME: Final = re.compile(r"_(seconds|milliseconds|ms|percent|bytes)\s?[:=]?\s?$")
_NAMED_UNITS: Final = {"seconds": "s", "milliseconds": "ms", "ms": "ms", "percent": "%", "bytes": "B"}

_REACH: Final = 40
_SUBJECTS: Final = (
    ("cpu", re.compile(r"cpu|processor|prozessor|processeur|procesador|процессор\w*|处理器", re.IGNORECASE)),
    (
        "memory",
        re.compile(
            r"mem[oóò]ri\w*|memory|mémoire|\bram\b|\bmem\b|speicher|geheugen|minne|pamięć|pamięci|памят\w*|bellek"
            r"|内存|記憶體|メモリ|메모리|ذاكرة|मेमोरी",
            re.IGNORECASE,
        ),
    ),
    (
        "people",
        re.compile(
            r"\b(?:users?|customers?|clients?|requests?|orders|transactions|kunden|nutzern?|utilisateurs|usuarios"
            r"|clientes|utenti|пользовател\w*)\b|用户|用戶|ユーザー|사용자",
            re.IGNORECASE,
        ),
    ),
    ("disk", re.compile(r"\bdis[kc]s?\b|filesystem|festplatte|disque|disco|диск\w*|磁盘|ディスク", re.IGNORECASE)),
)
_SAYING_LITTLE: Final = frozenset(
    [
        "the",
        "was",
        "are",
        "were",
        "has",
        "had",
        "have",
        "been",
        "with",
        "for",
        "from",
        "and",
        "that",
        "this",
        "only",
        "show",
        "shows",
    ]
)
_TELLING: Final = r"(?:with|shows?|showed|ha[sdv]e?|names?|lists?|contains?|contained|reports?|reported|indicates?)"
_FAILING: Final = r"(?:dependenc(?!ies)|fail|fault|error|exception|other error|local fault)"
_COUNTED: Final = (
    (
        "failing lines",
        re.compile(rf"\s*(?:log )?lines?\s+{_TELLING}\s+(?:a )?{_FAILING}"),
    ),
    (
        "failing lines",
        re.compile(
            rf"\s*(?:of them )?(?:{_TELLING} )?{_FAILING}|\s*of (?:the )?\d[\d.,]* (?:\w+ ){{0,3}}(?:line|{_FAILING})"
        ),
    ),
    ("lines", re.compile(r"\s*(?:log )?lines?\b")),
)
"""What a log's own figures count."""

_EARLIER_BEHIND: Final = re.compile(r"\s?(?:count\s)?half an hour before\b", re.IGNORECASE)
_EARLIER_BEFORE: Final = re.compile(r"\bhalf an hour before\b[^\d;.]*$", re.IGNORECASE)
_OF_ITS_OWN_KIND: Final = ("people", "lines", "failing lines")

_CLAUSE_END: Final = re.compile(
    r"[,;:.!?()、，；。]|\b(?:and|but|while|und|et|y|e|i|и|en|och|ve)\b|和|与|と", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Number:
    """One number as it is written, in all ways that it may be read; a unit or a subject that is not known is None."""

    as_written: str
    readings: tuple[Decimal, ...]
    unit: str | None
    subject: str | None
    beside: frozenset[str]
    is_earlier: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether nothing beside it tells what it is a number of."""
        return self.subject is None and not self.beside

    def is_of_the_same(self, other: "Number") -> bool:
        """Say whether both are known to be numbers of one thing: by their subject, or by a word beside both."""
        return (self.subject is not None and self.subject == other.subject) or not self.beside.isdisjoint(other.beside)


def in_plain_digits(text: str) -> str:
    """Return `text` in its compatible form (NFKC), with the decimal digits of every script as 0 to 9."""
    plain = unicodedata.normalize("NFKC", text)
    if plain.isascii():
        return plain
    digits = (str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in plain)
    return "".join(digits).translate({0x66A: "%", 0x66B: ".", 0x66C: ","})


def numbers_in(text: str) -> Iterator[Number]:
    """Yield the numbers of a text that is in plain digits."""
    for found in _NUMBER.finditer(text):
        behind, before = text[found.end() : found.end() + _REACH], text[max(0, found.start() - _REACH) : found.start()]
        unit, written = _unit(before, behind)
        rest = behind[len(written) :]
        clause = _CLAUSE_END.split(before)[-1], _CLAUSE_END.split(rest, maxsplit=1)[0]
        subject = (unit is None and _counted(before, behind)) or _subject(*clause)
        is_earlier = _EARLIER_BEHIND.match(rest) is not None or _EARLIER_BEFORE.search(before) is not None
        yield Number(f"{found[0]}{written}", _readings(found[0]), unit, subject, _beside(*clause), is_earlier)


def bears_out(seen: Number, claimed: Number) -> bool:
    """Say whether the number that was seen is the one that is claimed, rounded at most, of the same unit and subject.

    What is told of people has to be seen of people: no impact is made of other figures. So it is with a log's lines.
    """
    if seen.is_earlier is not claimed.is_earlier or (claimed.unit is not None and seen.unit != claimed.unit):
        return False
    is_known = None not in (seen.subject, claimed.subject) or claimed.subject in _OF_ITS_OWN_KIND
    if is_known and seen.subject != claimed.subject:
        return False
    return any(_is_close(one, other) for one in seen.readings for other in claimed.readings)


def _is_close(one: Decimal, other: Decimal) -> bool:
    decimals = min(_decimals(one), _decimals(other))
    if _decimals(one) == _decimals(other):
        return one == other
    return abs(one - other) <= Decimal(5).scaleb(-decimals - 1)


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _readings(written: str) -> tuple[Decimal, ...]:
    """Read it with its last separator before decimals, and, where that may be, with all of them between thousands."""
    digits = re.split("[.,]", written)
    separators = re.findall("[.,]", written)
    as_thousands = Decimal("".join(digits))
    are_thousands = all(len(group) == 3 for group in digits[1:])  # noqa: PLR2004 - as thousands are grouped
    if not separators:
        return (as_thousands,)
    if len(separators) > 1 and len(set(separators)) == 1:
        return (as_thousands,)
    as_decimals = Decimal(f"{''.join(digits[:-1])}.{digits[-1]}")
    return (as_decimals, as_thousands) if are_thousands and len(set(separators)) == 1 else (as_decimals,)


def _unit(before: str, behind: str) -> tuple[str | None, str]:
    """Return a number's unit, and how it is written behind the number."""
    for unit, pattern in _UNITS:
        if found := pattern.match(behind):
            return unit, found[0]
    named = _UNIT_IN_NAME.search(before)
    return (_NAMED_UNITS[named[1]] if named else None), ""


def _counted(before: str, behind: str) -> str | None:
    """Return what of a log's lines the number counts, by the words that follow it."""
    behind = _CLAUSE_END.split(behind)[0].casefold()
    if re.search(r"\b(?:of|in|within|among|across) (?:the |these )?$", before) and not re.match(r"\s*of\b", behind):
        return "lines" if "line" in behind else None
    return next((counted for counted, pattern in _COUNTED if pattern.match(behind)), None)


def _beside(before: str, behind: str) -> frozenset[str]:
    """Return the telling words of the number's own clause."""
    return frozenset(re.findall(r"[^\W\d_]{3,}", f"{before} {behind}".casefold())) - _SAYING_LITTLE


def _subject(before: str, behind: str) -> str | None:
    """Return what is named nearest to the number in its own clause; before it, where both are as near."""
    distances = []
    for subject, pattern in _SUBJECTS:
        distances += [(len(before) - found.end(), 0, subject) for found in pattern.finditer(before)]
        distances += [(found.start(), 1, subject) for found in pattern.finditer(behind)]
    return min(distances)[2] if distances else None
