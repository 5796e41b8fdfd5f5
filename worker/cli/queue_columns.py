"""Which columns of the queue fit a terminal, and how wide they are: what is wrong has room before all else.

Pure. Where whole ids leave what is wrong too little room, ids are cut behind 12 characters, or where the last of those
on the page differ: every command takes that. Servers' names are cut in the middle: their ends tell them apart.
Called by `queue_page.py`.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from sys import maxsize
from typing import Final

from rich.text import Text

__all__ = ["COLUMNS", "GAP", "fitted"]

COLUMNS: Final = ("urgency", "incident", "waits", "with", "server", "what")
GAP: Final = 2

_WIDEST: Final[Mapping[str, int]] = {"incident": 24, "with": 20, "server": 28}
_NARROWEST: Final[Mapping[str, int]] = {"with": 8, "server": 12, "what": 20}
_SHORT_ID: Final = 12
_END_OF_NAME: Final = 5
_FIRST_TO_GO: Final = ("with", "waits", "urgency", "server", "what")
_READABLE: Final = 40
_FIRST_TO_GROW: Final = (("what", _READABLE), ("server", maxsize), ("with", maxsize), ("what", maxsize))
"""Each with how far: what is wrong until it can be read at a glance, then the others, then what is wrong again."""

_Rows = Sequence[Mapping[str, Text]]


def fitted(rows: _Rows, names: Sequence[str], width: int) -> tuple[_Rows, dict[str, int]]:
    """Return the rows, cut where it is narrow, and the width of each named column for which there is room."""
    longest = _longest(rows, names)
    if _in_all({**_narrowest(longest), "what": min(longest["what"], _READABLE)}) > width:
        rows = _with_short_ids(rows)
    widths = _widths_within(width, _longest(rows, names))
    if "server" in widths:
        rows = [{**row, "server": _without_middle(row["server"], widths["server"])} for row in rows]
    return rows, widths


def _with_short_ids(rows: _Rows) -> _Rows:
    ids = {row["incident"].plain for row in rows}
    enough = next(length for length in count(_SHORT_ID) if len({each[:length] for each in ids}) == len(ids))
    return [{**row, "incident": row["incident"][:enough]} for row in rows]


def _without_middle(name: Text, characters: int) -> Text:
    if name.cell_len <= characters:
        return name
    return name[: characters - _END_OF_NAME - 1] + "…" + name[-_END_OF_NAME:]


def _longest(rows: _Rows, names: Sequence[str]) -> dict[str, int]:
    longest = {name: max(len(name), *(row[name].cell_len for row in rows), 0) for name in names}
    return {name: min(characters, _WIDEST.get(name, characters)) for name, characters in longest.items()}


def _narrowest(longest: Mapping[str, int]) -> dict[str, int]:
    return {name: min(characters, _NARROWEST.get(name, characters)) for name, characters in longest.items()}


def _widths_within(width: int, longest: Mapping[str, int]) -> dict[str, int]:
    """Choose the columns for which there is room, and share out what is left: what is wrong has it first and last."""
    widths = _narrowest(longest)
    for name in _FIRST_TO_GO:
        if name in widths and _in_all(widths) > width:
            del widths[name]
    for name, limit in _FIRST_TO_GROW:
        if name in widths:
            room = max(0, width - _in_all(widths))
            widths[name] = max(widths[name], min(longest[name], limit, widths[name] + room))
    return widths


def _in_all(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)
