r"""Text folded for comparison: without case, accents, invisible characters and escapes, look-alikes as Latin letters.

For `instructions.py` alone; what is folded is matched, never shown as what was said. Each step takes linear time.
"""

import re
import sys
import unicodedata
from bisect import bisect_right
from typing import Final

from worker.contract.text import visible

__all__ = ["LOG_HEAD", "folded", "like_latin", "place_in"]

_ESCAPES: Final = re.compile(
    r"\\{1,8}(?:x1b\[[0-9;]{0,20}[A-Za-z]|u\{?([0-9A-Fa-f]{4})\}?|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|[nrt\"'/])"
)
"""Nobody escapes more than three times; without a bound, a row of backslashes would take the square of its length."""

_TAGS: Final = re.compile(r"(?:\\U000e00[2-7][0-9a-f])+")
"""Characters that nobody sees, one for each of ASCII's: a text written in them is meant for a model only."""

_COMBINING: Final = re.compile("[\u0300-\u036f]")
LOG_HEAD: Final = re.compile(
    r"^(?:[\[(<]?\d[\d\-/.:t,z+ ]{5,40}[\])>]?\s*|[a-z]{3} +\d+ \d\d:\d\d:\d\d \S+ \S+ |"
    r"[\[(<]?(?:trace|debug|info|notice|warn|warning|error|err|crit|critical|fatal)[\])>]?\b[:|]?\s*|[#*/>\-]+\s*)*"
)
_ACCENTED: Final = {
    code: base
    for code in range(0xC0, 0x1F00)
    if (base := unicodedata.normalize("NFD", chr(code))[0]).isascii() and base.isalpha()
} | {ord("\u0131"): "i", ord("ø"): "o", ord("ł"): "l", ord("đ"): "d"}
_LOOK_ALIKES: Final = str.maketrans(
    "абвгеіїјкмнорстухѕԁԛԝһӏьпиαβγεηικνορτυχωϲϳѵ" + "\u0261\u0251\u2018\u2019\u02bc",
    "abbreiijkmhopctyxsdqwhlbnuabyenikvoptuxwcjv" + "ga'''",
)
_FOREIGN: Final = re.compile("[\u0250-\u02af\u0370-\u052f\u2018\u2019\u02bc]")


def folded(line: str) -> str:
    """Return a visible line as it is compared: what only dresses letters up is gone."""
    if line.isascii() and "\\" not in line:
        return line.lower()
    shown = _ESCAPES.sub(_unescaped, _TAGS.sub(_untagged, line))
    plain = unicodedata.normalize("NFKC", shown).casefold().translate(_ACCENTED)
    return _COMBINING.sub("", plain)


def like_latin(plain: str) -> str:
    """Return a folded text with Cyrillic and Greek letters as the Latin ones that they look like."""
    return plain.translate(_LOOK_ALIKES) if _FOREIGN.search(plain) else plain


def place_in(line: str, place: int) -> int:
    """Return where in a visible line that stands which stands at `place` once the line is folded."""
    if line.isascii() and "\\" not in line:
        return place
    return max(0, bisect_right(range(len(line)), place, key=lambda length: len(folded(line[:length]))) - 1)


def _untagged(run: re.Match[str]) -> str:
    return f" {''.join(chr(int(digits, 16)) for digits in re.findall(r'000e00(..)', run[0]))} "


def _unescaped(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2] or escape[3]
    if digits is None:
        return "" if "[" in escape[0] else " "
    code = int(digits, 16)
    character = chr(code) if code <= sys.maxunicode else ""
    return character if visible(character) == character else ""
