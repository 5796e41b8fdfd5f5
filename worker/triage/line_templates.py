"""The template of a log line, which lines of one kind share.

Pure and in linear time, whatever a line holds: only its beginning is read, and no pattern goes back over more than one
word. Placeholders of the redaction keep their kind and lose their number. `condensing.py` asks.
"""

import re
from typing import Final

__all__ = ["template_of"]

_READ_CHARACTERS: Final = 600
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
