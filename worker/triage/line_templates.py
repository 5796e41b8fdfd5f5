"""The template of a log line, which lines of one kind share, and the time that stands in a line.

Pure and in linear time, whatever a line holds: only its beginning is read, and no pattern goes back over more than one
word. Placeholders of the redaction keep their kind and lose their number. `condensing.py` asks.
"""

import re
from datetime import datetime
from typing import Final, NamedTuple

__all__ = ["LineTime", "template_of", "time_in"]

_READ_CHARACTERS: Final = 600
_TIME_CHARACTERS: Final = 120
_QUOTATIONS: Final = 20
_PLACEHOLDER: Final = re.compile(r"\[([A-Z]{2,20}(?:_[A-Z]{2,20})?)_[1-9]\d{0,8}\]", re.ASCII)
_QUOTED: Final = re.compile(
    r"""(?P<mark>["'])(?<![:,={\[\w].)(?<![:,=]\ .)(?:(?<=")[^"]{1,400}"|(?<=')[^']{1,400}'(?!\w))"""
)
"""A value that is quoted in prose, not a field of JSON or logfmt: there the quotation is what the line says."""

_FIGURE: Final = re.compile(r"\d")
_STATUS: Final = re.compile(r"[1-5]\d\d", re.ASCII)
_VARIABLE: Final = re.compile(
    r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"
    r"|\b[^\W\d]*+\d\w*+(?:[-:.,+/@]{1,2}[^\W\d]*+\d\w*+)*+"
)
"""Ids, and words with a figure in them, also in rows, as in addresses and times."""

_ANYTHING: Final = "<*>"
_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_ISO: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_TIME: Final = re.compile(
    rf"(?P<iso>{_ISO})|\b(?P<syslog>{_MONTH} [ \d]\d \d\d:\d\d:\d\d)\b"
    rf"|(?P<access>\d\d/{_MONTH}/\d{{4}}:\d\d:\d\d:\d\d [+-]\d{{4}})",
    re.ASCII,
)


class LineTime(NamedTuple):
    """A time as it stands in a line, and what it means; without a zone where the line names none."""

    text: str
    moment: datetime


def template_of(line: str) -> str:
    """Return a line's beginning with `<*>` for each number, id, address, time and quoted value.

    A three-digit number behind a quotation stays: there an access log has its status.
    """
    head = line[:_READ_CHARACTERS]
    if "[" in head:
        head = _PLACEHOLDER.sub(r"[\1]", head)
    head = _QUOTED.sub(rf"\g<mark>{_ANYTHING}\g<mark>", head, count=_QUOTATIONS)
    words = head.split(" ")
    for place, word in enumerate(words):
        if word.isalpha() or not _FIGURE.search(word):
            continue
        if not (place and words[place - 1].endswith('"') and _STATUS.fullmatch(word)):
            words[place] = _VARIABLE.sub(_ANYTHING, word)
    return " ".join(words)


def time_in(line: str, *, year: int) -> LineTime | None:
    """Return the first time near a line's beginning, None where none can be read; `year` is for lines without one."""
    found = _TIME.search(line, 0, _TIME_CHARACTERS)
    if found is None:
        return None
    try:
        return LineTime(found[0], _moment(found, year))
    except ValueError:
        return None


def _moment(found: re.Match[str], year: int) -> datetime:
    if found["iso"]:
        return datetime.fromisoformat(found[0].replace(",", "."))
    if found["access"]:
        return datetime.strptime(found[0], "%d/%b/%Y:%H:%M:%S %z")
    return datetime.strptime(f"{year} {found[0]}", "%Y %b %d %H:%M:%S")  # noqa: DTZ007 - the line names no zone
