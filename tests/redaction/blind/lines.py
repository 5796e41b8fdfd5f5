"""Reads the testers' templates, and fills their holes. The same seed, the same lines.

A hole is `{name}` or `{name:variant}`: a canary (`CANARIES`), the name of a secret (`NAMES`) or what must stay
(`FILLERS`). Ways of writing may follow: `{login|base64}`, `{password:wide|url}`; and last what brings the lines of a
key together (`{key|join= }`), or stands before each (`{key|prefix=app-1 | }`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from tests.redaction.blind.values import CANARIES, NAMES
from tests.redaction.blind.ways import WAYS
from tests.redaction.corpus import Planted
from tests.redaction.corpus.fillers import FILLERS, tokens_of

__all__ = ["BlindLine", "blind_lines", "clean_blind_lines"]

_HOLE: Final = re.compile(
    r"\{(?P<name>[a-z0-9_]+)(?::(?P<variant>[a-z0-9_]+))?"
    r"(?P<ways>(?:\|[a-z0-9]+)*)(?:\|(?P<layout>join|prefix)=(?P<mark>[^}]*))?\}"
)
_VISIBLE: Final = str.maketrans({"⏎": "\n", "⇥": "\t", "␛": "\x1b"})


@dataclass(frozen=True, slots=True)
class BlindLine:
    """A filled template: none of `canaries` may be seen in it once it is masked; `frame` is what stood beside them."""

    template: str
    text: str
    canaries: tuple[str, ...]
    frame: str


@cache
def _templates(name: str) -> tuple[str, ...]:
    lines = Path(__file__).with_name(name).read_text("utf-8").split("\n")
    return tuple(line for line in lines if line and not line.startswith("## "))


def _value(chance: Random, hole: re.Match[str]) -> str:
    """Return a canary in the ways that its hole asks for. Raises KeyError for a name that nobody makes."""
    made = CANARIES[hole["name"]](chance, hole["variant"] or "")
    for way in hole["ways"].split("|")[1:]:
        made = WAYS[way](made)
    return made


def _laid_out(value: str, hole: re.Match[str]) -> str:
    mark = (hole["mark"] or "").translate(_VISIBLE)
    match hole["layout"]:
        case "join":
            return mark.join(value.split("\n"))
        case "prefix":
            return "\n".join(mark + line for line in value.split("\n"))
        case _:
            return value


def _filled(chance: Random, template: str) -> BlindLine:
    canaries: list[str] = []

    def filled(hole: re.Match[str]) -> str:
        if hole["name"] in NAMES:
            return NAMES[hole["name"]](chance)
        if hole["name"] in FILLERS:
            return FILLERS[hole["name"]](chance)
        value = _value(chance, hole)
        canaries.extend(value.split("\n"))
        return _laid_out(value, hole)

    shown = template.translate(_VISIBLE)
    return BlindLine(template, _HOLE.sub(filled, shown), tuple(canaries), _HOLE.sub("\0", shown))


def blind_lines(seed: int) -> Iterator[BlindLine]:
    """Yield every template of both testers once, filled."""
    chance = Random(seed)
    for name in ("first.txt", "second.txt"):
        yield from (_filled(chance, template) for template in _templates(name))


def clean_blind_lines(seed: int) -> Iterator[Planted]:
    """Yield every line with nothing to take out once, filled; all of its tokens must stay."""
    chance = Random(seed)
    for template in _templates("clean.txt"):
        text = _filled(chance, template).text
        yield Planted("clean", text, (), tuple(tokens_of(text)))
