"""Which incidents a person names at the command line: whole ids, their beginnings, or what a pipe gives.

A whole id is taken as it is, known or not. A beginning is looked up among what waits and what was handled last; one
that fits several names none of them.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from worker.bootstrap import connect
from worker.cli.words import one_line
from worker.contract.result import Refusal
from worker.contract.text import cut_to_bytes
from worker.errors import FirstlineError
from worker.registry.handling_view import HandlingView
from worker.settings import RedisSettings

__all__ = ["id_named", "is_name", "names_of", "no_name_among", "whole_id"]

_STANDARD_INPUT: Final = "-"
_WHOLE: Final = re.compile(r"inc-[0-9a-f]{20}", re.ASCII)
_BEGINNING: Final = re.compile(r"inc-[0-9a-f]{8,19}", re.ASCII)
_SHOWN_BYTES: Final = 80
_NAMED_AT_MOST: Final = 5
_HOW: Final = "`firstline queue` lists the ids; the first 8 digits behind `inc-` are enough."


def is_name(text: str) -> bool:
    """Say whether a text looks like an incident's id, or the beginning of one."""
    return (_WHOLE.fullmatch(text) or _BEGINNING.fullmatch(text)) is not None


def no_name_among(arguments: Iterable[str]) -> str | None:
    """Return the first argument that can name no incident, or None; what a pipe gives is not looked at."""
    return next((each for each in arguments if each != _STANDARD_INPUT and not is_name(each.strip())), None)


def id_named(handlings: HandlingView, name: str) -> str | Refusal:
    """Return the one incident's id that a name stands for, or the reason why there is none. Raises `RedisError`."""
    name = name.strip()
    if _WHOLE.fullmatch(name):
        return name
    if not name:
        return Refusal(reason="no_id", detail=f"An incident's id is missing: {_HOW}")
    if not _BEGINNING.fullmatch(name):
        shown = cut_to_bytes(one_line(name), _SHOWN_BYTES)
        return Refusal(reason="no_id", detail=f"'{shown}' is no incident's id: {_HOW}")
    found = sorted(filter(_WHOLE.fullmatch, handlings.ids_that_begin_with(name)))
    return found[0] if len(found) == 1 else _none_of(name, found)


def whole_id(settings: RedisSettings, name: str) -> str:
    """Return the id that a beginning stands for, and anything else as it is: what is no id, its reader refuses.

    Raises `FirstlineError` when it stands for none, or for several, and `RedisError`.
    """
    if not _BEGINNING.fullmatch(name):
        return name
    found = id_named(HandlingView(connect(settings)), name)
    if isinstance(found, Refusal):
        raise FirstlineError(found.detail)
    return found


def _none_of(name: str, found: list[str]) -> Refusal:
    if not found:
        detail = f"Nothing that waits, or was handled of late, begins with {name}: give the whole id, or look again."
        return Refusal(reason="unknown", detail=detail)
    more = f", and {len(found) - _NAMED_AT_MOST} more" if len(found) > _NAMED_AT_MOST else ""
    named = ", ".join(found[:_NAMED_AT_MOST])
    return Refusal(reason="ambiguous", detail=f"{name} may be {named}{more}: give more of the id.")


def names_of(arguments: Iterable[str], lines: Iterable[bytes]) -> Iterator[str]:
    """Yield what is named; `-` stands for `lines`, which are read only then.

    Of a line of JSON it is the `incident_id`, of any other the first word; empty lines name nothing.
    """
    for argument in arguments:
        if argument == _STANDARD_INPUT:
            yield from (_name_in(line.decode("utf-8", "backslashreplace")) for line in lines if line.strip())
        else:
            yield argument


def _name_in(line: str) -> str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, dict):
        return str(record.get("incident_id", ""))
    return (line.split() or [""])[0]
