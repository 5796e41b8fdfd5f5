"""A pattern, and a family of patterns that is tried where one of them matches, and nowhere else.

Most lines hold nothing, and to try each of fifty patterns on each of them is what makes redaction slow. So a text is
read once a family, by its patterns in one and without captures; each of them then reads the lines around a match alone.
RE2 reads in linear time whatever a text holds; it has no look-around, so a pattern names what stands beside the value.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import re2

from worker.redaction.kinds import Kind
from worker.redaction.secret_checks import always

__all__ = ["Check", "Family", "Pattern", "family", "pattern"]

_MEMORY_BYTES: Final = 64 * 1024 * 1024
_AT_ONCE_BYTES: Final = 2048
"""What is read on from a match without a look for the next: it takes as long as a call."""

Check = Callable[[str, str, str], bool]
"""Whether a value is believed, given some characters before and after it. Pure, and quick."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One shape: of its groups, the one that took part in a match is the value."""

    kind: Kind
    compiled: Any
    is_believed: Check

    def spans(self, content: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Return where the values stand in a part of a text; what stands behind one may stand before the next."""
        place: int | None = start
        while place is not None:
            matches, place = self.compiled.finditer(content, place, end), None
            for match in matches:
                first, last = match.span(1)
                group = 2
                while first < 0:
                    first, last = match.span(group)
                    group += 1
                yield first, last
                if last < match.end():
                    place = last
                    break


@dataclass(frozen=True, slots=True)
class Family:
    """Patterns that are looked for together, in the order in which they are believed."""

    union: Any
    """All of them in one, without captures."""

    further_lines: int | None
    """How many line ends a match may go past that of another that overlaps it; `None`: any number."""

    patterns: tuple[Pattern, ...]

    def windows(self, content: bytes) -> Sequence[tuple[int, int]]:
        """Return the parts of a text to try the patterns on: whole lines, in order, without overlaps.

        Each match is looked for behind what the last one has shown: the time is linear.
        """
        windows: list[tuple[int, int]] = []
        hit = self.union.search(content)
        if hit is not None and self.further_lines is None:
            return ((0, len(content)),)
        while hit is not None:
            first = hit.start()
            searched = end = _behind_line(content, hit.end() + _AT_ONCE_BYTES)
            start = windows.pop()[0] if windows and first < windows[-1][1] else content.rfind(b"\n", 0, first) + 1
            for _ in range(self.further_lines or 0):
                end = _behind_line(content, end)
            windows.append((start, end))
            hit = self.union.search(content, searched) if searched < len(content) else None
        return windows


def _compiled(shape: str, *, captures: bool = True) -> Any:  # noqa: ANN401
    """Compile with room for large patterns; out of it RE2 goes on more slowly, and need not say so."""
    options = re2.Options()
    options.max_mem = _MEMORY_BYTES
    options.log_errors = False
    options.never_capture = not captures
    return re2.compile(shape.encode(), options)


def pattern(kind: Kind, shape: str, is_believed: Check = always) -> Pattern:
    """Return a pattern; its check says more than RE2 can."""
    return Pattern(kind, _compiled(shape), is_believed)


def family(*patterns: Pattern, further_lines: int | None = 0) -> Family:
    """Return a family of patterns that have no more in common than how far they go."""
    return Family(_union(patterns), further_lines, patterns)


def _union(patterns: Iterable[Pattern]) -> Any:  # noqa: ANN401
    return _compiled("|".join(f"(?:{each.compiled.pattern.decode()})" for each in patterns), captures=False)


def _behind_line(content: bytes, place: int) -> int:
    return content.find(b"\n", place) + 1 or len(content)
