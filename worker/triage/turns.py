"""Turns: in which order kinds of lines, and crashes, are given room.

Pure. `condensing.py` asks.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from worker.triage.line_groups import Group

__all__ = ["apart", "each_kind_first", "from_both_ends"]

Part = TypeVar("Part")


def from_both_ends(parts: Sequence[Part]) -> list[Part]:
    """Return the first, the last, the second, the last but one, and so on."""
    in_turn = (number for pair in zip(range(len(parts)), range(len(parts) - 1, -1, -1), strict=True) for number in pair)
    return [parts[number] for number in dict.fromkeys(in_turn)]


def each_kind_first(errors: Sequence[Group]) -> list[Group]:
    """Return groups so that those that differ much come before those that differ in one word, such as a name.

    First one of each number of words, then one of each beginning, then the others.
    """
    lengths: Counter[int] = Counter()
    families: Counter[tuple[object, ...]] = Counter()
    ranked = []
    for place, group in enumerate(errors):
        length = len(group.template.split())
        ranked.append((lengths[length] > 0, families[group.family], place))
        lengths[length] += 1
        families[group.family] += 1
    return [errors[place] for *_, place in sorted(ranked)]


def apart(crashes: Sequence[int], *, by: int) -> list[int]:
    """Return the places of crashes, newest first, without those that stand in the `by` lines before another one."""
    found: list[int] = []
    for place in crashes:
        if not found or found[-1] - place > by:
            found.append(place)
    return found
