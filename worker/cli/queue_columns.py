"""Which columns of the queue fit a terminal, and how wide they are: what is wrong has room before all else.

Pure. Where whole ids leave no room for every column, ids are cut behind 12 characters, or where the last of those on
the page differ: every command takes that. Called by `queue_page.py`.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final

from rich.text import Text

__all__ = ["COLUMNS", "GAP", "fitted"]

COLUMNS: Final = ("urgency", "incident", "waits", "with", "server", "what")
GAP: Final = 2

_WIDEST: Final[Mapping[str, int]] = {"incident": 24, "with": 20, "server": 28}
_NARROWEST: Final[Mapping[str, int]] = {"with": 8, "server": 12, "what": 20}
_SHORT_ID: Final = 12
_FIRST_TO_GO: Final = ("with", "waits", "urgency", "server", "what")
_FIRST_TO_GROW: Final = ("server", "what", "with")

_Rows = Sequence[Mapping[str, Text]]


def fitted(rows: _Rows, width: int) -> tuple[_Rows, dict[str, int]]:
    """Return the rows, with short ids where it is narrow, and the width of each column for which there is room."""
    if _in_all(_narrowest(rows)) > width:
        rows = _with_short_ids(rows)
    return rows, _widths_within(width, rows)


def _with_short_ids(rows: _Rows) -> _Rows:
    ids = {row["incident"].plain for row in rows}
    enough = next(length for length in count(_SHORT_ID) if len({each[:length] for each in ids}) == len(ids))
    return [{**row, "incident": row["incident"][:enough]} for row in rows]


def _longest(rows: _Rows) -> dict[str, int]:
    longest = {name: max(len(name), *(row[name].cell_len for row in rows), 0) for name in COLUMNS}
    return {name: min(characters, _WIDEST.get(name, characters)) for name, characters in longest.items()}


def _narrowest(rows: _Rows) -> dict[str, int]:
    return {name: min(characters, _NARROWEST.get(name, characters)) for name, characters in _longest(rows).items()}


def _widths_within(width: int, rows: _Rows) -> dict[str, int]:
    """Choose the columns for which there is room, and share out what is left: whoever has it can wait longest."""
    wanted, widths = _longest(rows), _narrowest(rows)
    for name in _FIRST_TO_GO:
        if _in_all(widths) > width:
            del widths[name]
    for name in filter(widths.__contains__, _FIRST_TO_GROW):
        widths[name] += max(0, min(wanted[name] - widths[name], width - _in_all(widths)))
    return widths


def _in_all(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + GAP * (len(widths) - 1)
