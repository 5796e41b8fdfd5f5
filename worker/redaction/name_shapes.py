"""What of a text looks like a person's name, whatever a model says. Pure; the detector of people calls it.

Names have no shape that tells them from "Redis Sentinel". But what has not even this one is no name that is believed.
"""

from collections.abc import Iterator
from typing import Any, Final

import re2

from worker.redaction.words import NO_PEOPLE

__all__ = ["may_hold_name", "names_within"]

_MEMORY_BYTES: Final = 64 * 1024 * 1024


def _compiled(shape: str) -> Any:  # noqa: ANN401
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    options.never_capture = True
    return re2.compile(shape, options)


_ELISION: Final = r"(?:[ODL]['\x{2019}])?"
_PART: Final = rf"{_ELISION}(?:Mc|Mac|De|Di|Du|La|Le|Van|Von)?\p{{Lu}}[\p{{Ll}}\p{{M}}]+"
_WORD: Final = rf"{_PART}(?:-{_PART})*"
_PARTICLE: Final = r"(?:\p{Lu}\.?|van|von|der|den|de|del|da|di|dos|du|la|le|bin|ibn|al|el|ter|zu)"
_CASELESS: Final = r"\p{Lo}[\p{Lo}\p{M}]+"
_NAME: Final = _compiled(rf"(?:{_WORD}|(?:\p{{Lu}}\.)+)(?: +(?:{_WORD}|{_PARTICLE}))* +{_WORD}|{_CASELESS}")
"""Two words or more in title case; in a script that has no case, one."""

_FIRST: Final = r"(?:\p{Lu}[\p{L}\p{M}'\x{2019}-]*[\p{Ll}\p{M}]|\p{Lu}\.)"
_ROUGHLY: Final = _compiled(rf"{_FIRST} +(?:{_PARTICLE} +)*{_ELISION}\p{{Lu}}\p{{Ll}}|{_CASELESS}")
"""What every name holds; it is quicker to look for."""

_NOT_BEFORE: Final = frozenset("_-/\\.@$#")
_NOT_BEHIND: Final = frozenset("_-/\\@(")


def may_hold_name(text: str) -> bool:
    """Say whether something in a text has the shape of a name. It must hold no surrogates."""
    return _ROUGHLY.search(text) is not None


def names_within(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where names stand in a part of a text: first and last name, with no words of programs at their ends.

    What goes on as a path, an identifier or an address is none. The part must hold no surrogates.
    """
    for match in _NAME.finditer(text[start:end]):
        first, last = _without_programs(text, start + match.start(), start + match.end())
        if _is_name(text[first:last], text[max(0, first - 1) : first], text[last : last + 2]):
            yield first, last


def _without_programs(text: str, start: int, end: int) -> tuple[int, int]:
    words = text[start:end].split(" ")
    while words and (words[0].casefold() in NO_PEOPLE or not words[0]):
        start += len(words.pop(0)) + 1
    while words and (words[-1].casefold() in NO_PEOPLE or not words[-1]):
        end -= len(words.pop()) + 1
    return start, max(start, end)


def _is_name(value: str, before: str, behind: str) -> bool:
    if value and value[0].lower() == value[0].upper():
        return True  # a script without case, which need not have spaces either
    if " " not in value or before.isalnum() or before in _NOT_BEFORE:
        return False
    ends = not behind[:1].isalnum() and behind[:1] not in _NOT_BEHIND
    return ends and not (behind[:1] == "." and behind[1:].isalnum())
