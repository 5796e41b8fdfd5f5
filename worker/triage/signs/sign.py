"""One sign of text that gives instructions, and a look-out that knows at once which signs a line could hold at all.

Cues are for google-re2, which asks for all of them in one pass; shapes are for `re`, which runs on the few lines that
hold all cues of a sign. Gaps in shapes are bounded, so both take linear time. A cue alone decides nothing.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

import re2

__all__ = ["Lookout", "Sign", "pairs", "signs"]

_GAP: Final = ".{0,50}?"
_AUTOMATON_BYTES: Final = 64_000_000
_SENTENCE_CHARACTERS: Final = 200
_LOOK_BEHIND: Final = re.compile(r"\(\?<![^)]*\)")
_SENTENCE_END: Final = re.compile(r"[.!?;:]\s|。")


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign stands where `shape` matches and `unless` is not said in the same sentence; it needs all its `cues`.

    Nor does it stand in a line of a kind, as `unless_line` describes it, in which that shape is ordinary.
    """

    name: str
    cues: tuple[str, ...]
    shape: str
    unless: str = ""
    unless_line: str = ""

    def found_in(self, line: str) -> re.Match[str] | None:
        """Return the first place where the sign stands."""
        matches = _compiled(self.shape).finditer(line)
        found = next((match for match in matches if not self._is_excused(line, match)), None)
        return None if found and self.unless_line and _compiled(self.unless_line).search(line) else found

    def _is_excused(self, line: str, match: re.Match[str]) -> bool:
        if not self.unless:
            return False
        before = _SENTENCE_END.split(line[max(0, match.start() - _SENTENCE_CHARACTERS) : match.start()])[-1]
        after = _SENTENCE_END.split(line[match.end() : match.end() + _SENTENCE_CHARACTERS], maxsplit=1)[0]
        return _compiled(self.unless).search(before + match[0] + after) is not None


def signs(name: str, *rows: tuple[str, str], unless: str = "", unless_line: str = "") -> tuple[Sign, ...]:
    """Return a sign for each row of cues, divided by `` & ``, and shape."""
    return tuple(Sign(name, tuple(cues.split(" & ")), shape, unless, unless_line) for cues, shape in rows)


def pairs(name: str, rows: Iterable[tuple[str, str]], *, unless: str = "") -> tuple[Sign, ...]:
    """Return a sign for each row of two parts that stand near each other, in either order."""
    return tuple(
        Sign(name, (_cue(one), _cue(other)), rf"(?:{one}){_GAP}(?:{other})|(?:{other}){_GAP}(?:{one})", unless)
        for one, other in rows
    )


def _cue(part: str) -> str:
    """Widen a part of a pair: google-re2 looks at nothing behind, and knows word ends and letters of ASCII only."""
    return _LOOK_BEHIND.sub("", part).replace(r"\b", "").replace(r"\w", r"[\pL\pN\pM_]")


@dataclass(frozen=True)
class Lookout:
    """Looks for many signs at once. Threads may share it; its automaton is made when the first line comes."""

    signs: tuple[Sign, ...]

    def signs_in(self, line: str) -> Iterator[tuple[Sign, re.Match[str]]]:
        """Yield each sign that stands in a line, with its place."""
        present = self._automaton.Match(line)
        if present is None:
            return
        for number in self._possible(present):
            if match := self.signs[number].found_in(line):
                yield self.signs[number], match

    def could_stand_in(self, text: str) -> bool:
        """Say whether a text holds all cues of any sign, wherever in it they stand."""
        present = self._automaton.Match(text)
        return present is not None and bool(self._possible(present))

    def _possible(self, present: list[int]) -> list[int]:
        begun = {number for cue in present for number in self._numbers[cue]}
        return [number for number in begun if self._needed[number].issubset(present)]

    @cached_property
    def _cues(self) -> tuple[str, ...]:
        return tuple(sorted({cue for sign in self.signs for cue in sign.cues}))

    @cached_property
    def _needed(self) -> tuple[frozenset[int], ...]:
        return tuple(frozenset(map(self._cues.index, sign.cues)) for sign in self.signs)

    @cached_property
    def _numbers(self) -> tuple[tuple[int, ...], ...]:
        """Return for each cue the signs of which it is the first one."""
        firsts = [self._cues.index(sign.cues[0]) for sign in self.signs]
        return tuple(
            tuple(number for number, first in enumerate(firsts) if first == cue) for cue in range(len(self._cues))
        )

    @cached_property
    def _automaton(self) -> Any:  # noqa: ANN401 - google-re2 has no types
        options = re2.Options()
        options.max_mem = _AUTOMATON_BYTES
        automaton = re2.Set.SearchSet(options)
        for cue in self._cues:
            automaton.Add(cue)
        automaton.Compile()
        return automaton


@cache
def _compiled(shape: str) -> re.Pattern[str]:
    return re.compile(shape)
