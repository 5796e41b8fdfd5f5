"""Where stack traces stand among log lines: of Python, Java and its kin, Go, Node, .NET, Rust, Ruby and PHP.

Pure, in one pass. A trace is its error line and the lines after it; what a source puts before each line (a time, a
program's name) is looked through. Frames that stand apart, between other lines, belong to the trace before them.
`line_groups.py` asks.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

__all__ = ["Trace", "traces_in"]

_TRACE_LINES: Final = 3_000
_BACK_LINES: Final = 5
_APART_LINES: Final = 20
_CAUSES: Final = 3
_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_PREFIX: Final = re.compile(
    r"(?:[\w.-]{1,64} {1,20}\| )?"
    r"(?:\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: [A-Z]+/[\w-]{1,40}\] )?"
    rf"(?:(?:\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{{0,20}}|{_MONTH} [ \d]\d \d\d:\d\d:\d\d) "
    r"(?:(?:[\w.-]{1,64} )?[\w./@-]{1,64}\[\d{1,10}\]: |std(?:out|err) [FP] )?)?"
)
_BEGINNING: Final = re.compile(
    r"\s+at \S|\s+from \S+:\d|Stack trace:$|panic: |fatal error: |goroutine \d+ \[|"
    r"stack backtrace:|thread '.{0,100}' (?:\(\d+\) )?panicked at "
)
_PYTHON: Final = "Traceback (most recent call last):"
_NEEDS_A_HEAD: Final = re.compile(r"\s+(?:at|from) |Stack trace:|goroutine |stack backtrace:|Caused by: |Suppressed: ")
_GOES_ON_APART: Final = re.compile(r"Caused by: |Suppressed: |\s+\.\.\. \d")
_LINK: Final = re.compile(
    r"#\d+ |Stack trace:$|"
    r"Caused by: |Suppressed: |\.\.\. \d|goroutine \d+ \[|created by |Traceback |During handling of the above|"
    r"The above exception was|stack backtrace:|note: |exit status \d|\[signal |--- End|---> |runtime stack:|\}$|"
    r"thread '.{0,100}' (?:\(\d+\) )?panicked at "
)
_CAUSE: Final = re.compile(
    r"\s*(?:Caused by: |Suppressed: |---> |goroutine \d+ \[|During handling of|The above exception)"
)
_EXCEPTION: Final = re.compile(
    r"(?:[\w.$]{0,200}(?:Exception|Error|Throwable|Fault|Exit|Interrupt)|[a-z][\w$]*+(?:\.[\w$]++){1,20})(?::|$)"
)
_LAST_OF_PYTHON: Final = re.compile(r"[A-Za-z_][\w.]{0,200}(?::|$)")


class Trace(NamedTuple):
    """The places of a trace's lines, oldest first, and those where another error or routine begins."""

    places: tuple[int, ...]
    causes: tuple[int, ...]

    @property
    def start(self) -> int:
        """The place of its first line."""
        return self.places[0]

    def shortened(self, ends: int) -> list[int]:
        """Return the places of the lines at both ends, and of the first and last causes, each with a frame."""
        causes = {*self.causes[:_CAUSES], *self.causes[-_CAUSES:]}
        kept = {*self.places[:ends], *self.places[max(0, len(self.places) - ends) :]}
        following = {other for one, other in pairwise(self.places) if one in causes}
        return sorted(kept | causes | following)


def traces_in(lines: Sequence[str], is_error: Sequence[bool]) -> list[Trace]:
    """Return the stack traces, oldest first; no line is in two. `is_error` says which lines show an error."""
    bodies = [_body(line) for line in lines]
    found: list[list[int]] = []
    number = 0
    while number < len(bodies):
        last = found[-1][-1] if found else -1
        may_go_on = last >= 0 and number - last <= _APART_LINES
        if not (_begins(bodies[number]) or (may_go_on and _GOES_ON_APART.match(bodies[number]))):
            number += 1
            continue
        head = _head(bodies, is_error, number, floor=last + 1)
        end = _end(bodies, number)
        if not head and may_go_on and _NEEDS_A_HEAD.match(bodies[number]):
            found[-1] += range(number, end)
        elif end - number + len(head) > 1:
            found.append([*head, *range(number, end)])
        number = end
    return [_trace(bodies, places) for places in found]


def _trace(bodies: Sequence[str], places: Sequence[int]) -> Trace:
    return Trace(tuple(places), tuple(place for place in places[1:] if _CAUSE.match(bodies[place])))


def _body(line: str) -> str:
    prefix = _PREFIX.match(line)
    return line[prefix.end() :] if prefix else line


def _begins(body: str) -> bool:
    return _PYTHON in body or _BEGINNING.match(body) is not None


def _head(bodies: Sequence[str], is_error: Sequence[bool], number: int, *, floor: int) -> list[int]:
    """Return the lines before the first sign of a trace, at the line `number`, that say which error it is of."""
    start = number
    if _NEEDS_A_HEAD.match(bodies[number]):
        lowest = max(floor, number - _BACK_LINES)
        while start > lowest and bodies[start - 1].strip():
            start -= 1
            if not bodies[start][0].isspace():
                break
        if start < number and not (is_error[start] or _EXCEPTION.match(bodies[start])):
            return _head_apart(bodies, is_error, number, floor=floor)
    head = list(range(start, number))
    if start > floor and is_error[start - 1] and (_PYTHON in bodies[start] or _EXCEPTION.match(bodies[start])):
        head.insert(0, start - 1)
    return head


def _head_apart(bodies: Sequence[str], is_error: Sequence[bool], number: int, *, floor: int) -> list[int]:
    """Return the nearest line before that names an exception, with an error line before it; or an error line."""
    head: list[int] = []
    for place in range(number - 1, max(floor, number - _APART_LINES) - 1, -1):
        if is_error[place]:
            return [place, *head]
        if not head and _EXCEPTION.match(bodies[place]):
            head = [place]
    return head


def _end(bodies: Sequence[str], number: int) -> int:
    """Return where the trace ends whose first sign is the line `number`."""
    is_python = False
    limit = min(len(bodies), number + _TRACE_LINES)
    while number < limit:
        is_python = is_python or _PYTHON in bodies[number]
        number += 1
        if number == limit or _goes_on(bodies, number):
            continue
        if is_python and bodies[number - 1][:1].isspace() and _LAST_OF_PYTHON.match(bodies[number]):
            is_python = False
            continue
        break
    return number


def _goes_on(bodies: Sequence[str], number: int) -> bool:
    """Say whether a line belongs to the trace that the line before it is of."""
    body = bodies[number]
    following = bodies[number + 1] if number + 1 < len(bodies) else ""
    if not body.strip():
        return _LINK.match(following) is not None
    if body[0].isspace() or _LINK.match(body):
        return True
    is_routine_of_go = body.endswith((")", "...")) and following.startswith("\t")
    is_message_of_rust = "panicked at " in bodies[number - 1] and _LINK.match(following) is not None
    return is_routine_of_go or is_message_of_rust
