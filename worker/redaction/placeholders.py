"""The placeholders of one incident: which name stands for which value, the same in health, logs and alert."""

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from worker.redaction.kinds import Kind

__all__ = ["Placeholders", "defused", "has_numbered", "is_placeholder", "stands_in_placeholder"]

_REVERSIBLE: Final = re.compile(
    rf"\[((?:{'|'.join(kind for kind in Kind if kind.is_reversible)})_[1-9][0-9]{{0,8}})\]", re.ASCII
)
_ANY: Final = re.compile(rf"\[((?:{'|'.join(Kind)})(?:_[1-9][0-9]{{0,8}})?|WITHHELD[^\]\n]*)\]", re.ASCII)


class Placeholders:
    """Values by placeholder, in the order in which they were told; grows, never changes. For one thread.

    The same value of the same kind has one placeholder; upper and lower case are the same value. Secrets have no number
    and are not kept. Of a log of ten thousand lines hardly any is told to anybody: only what is told is among `values`.
    """

    def __init__(self, values: Mapping[str, str] | None = None, *, told: Iterable[str] = (), skipped: int = 0) -> None:
        """Go on from what an earlier claim has kept: values by placeholder.

        No number that stands in the texts `told` is given again, even where its value is kept nowhere, nor the next
        `skipped` after it.
        """
        self._values = dict(values or {})
        self._told = dict(self._values)
        self._placeholders = {
            (_kind_of(placeholder), value.casefold()): placeholder for placeholder, value in self._values.items()
        }
        self._numbers = dict.fromkeys(Kind, 0)
        for placeholder in chain(self._values, *(_REVERSIBLE.findall(text) for text in told)):
            kind, _, number = placeholder.strip("[]").rpartition("_")
            self._numbers[Kind(kind)] = max(self._numbers[Kind(kind)], int(number))
        for kind in self._numbers:
            self._numbers[kind] += skipped

    @property
    def values(self) -> Mapping[str, str]:
        """The reversible values that were told, by placeholder, oldest first."""
        return self._told

    @property
    def highest_number(self) -> int:
        """The highest number that was given, told or not."""
        return max(self._numbers.values())

    def of(self, kind: Kind, value: str) -> str:
        """Return the placeholder of a value, a new one where it has none. It counts as told once `tell` has seen it."""
        if not kind.is_reversible:
            return f"[{kind}]"
        key = (kind, value.casefold())
        if key not in self._placeholders:
            self._numbers[kind] += 1
            self._placeholders[key] = f"[{kind}_{self._numbers[kind]}]"
            self._values[self._placeholders[key]] = value
        return self._placeholders[key]

    def tell(self, text: str) -> str:
        """Return `text`, which leaves, after each placeholder in it counts as told."""
        for found in _REVERSIBLE.finditer(text) if "[" in text else ():
            if found[0] in self._values:
                self._told.setdefault(found[0], self._values[found[0]])
        return text

    def revealed(self, text: str) -> str:
        """Return `text` with each placeholder that has a value replaced by it; the others stay as they are."""
        return _REVERSIBLE.sub(lambda found: self._values.get(found[0], found[0]), text)


def defused(text: str) -> str:
    """Return text from outside with what imitates a placeholder in parentheses, so that it stands for nothing.

    A mask without a number stands for nothing anyway, and intake has put it there already.
    """
    return _REVERSIBLE.sub(r"(\1)", text) if "[" in text else text


def has_numbered(text: str) -> bool:
    """Say whether a placeholder stands in a text that could be shown again."""
    return _REVERSIBLE.search(text) is not None


def is_placeholder(text: str) -> bool:
    """Say whether a whole text is a placeholder."""
    return _ANY.fullmatch(text) is not None


def stands_in_placeholder(text: str, start: int, end: int) -> bool:
    """Say whether what stands between two places of a text is a placeholder, or within one."""
    found = (_ANY.match(text, place) for place in (start, start - 1) if place >= 0)
    return any(match is not None and match.end() >= end for match in found)


def _kind_of(placeholder: str) -> Kind:
    return Kind(placeholder[1:-1].rpartition("_")[0])
