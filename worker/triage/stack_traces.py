"""Where stack traces stand among log lines: of Python, Java and its kin, Go, Node, .NET and Rust.

Pure, in one pass. A trace is a row of lines from its error line on; what a source puts before each line (a time, a
program's name) is looked through. Traces whose lines are mixed with others' come out in parts. `condensing.py` asks.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["Trace", "traces_in"]

_TRACE_LINES: Final = 3_000
_BACK_LINES: Final = 5
_CAUSES: Final = 3
_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_PREFIX: Final = re.compile(
    rf"(?:\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{{0,20}}|{_MONTH} [ \d]\d \d\d:\d\d:\d\d) "
    r"(?:(?:[\w.-]{1,64} )?[\w./@-]{1,64}\[\d{1,10}\]: |std(?:out|err) [FP] )?"
)
_BEGINNING: Final = re.compile(
    r"\s+at \S|panic: |fatal error: |goroutine \d+ \[|stack backtrace:|thread '.{0,100}' (?:\(\d+\) )?panicked at "
)
_PYTHON: Final = "Traceback (most recent call last):"
_NEEDS_A_HEAD: Final = re.compile(r"\s+at |goroutine |stack backtrace:")
_LINK: Final = re.compile(
    r"Caused by: |Suppressed: |\.\.\. \d|goroutine \d+ \[|created by |Traceback |During handling of the above|"
    r"The above exception was|stack backtrace:|note: |exit status \d|\[signal |--- End|---> |runtime stack:|\}$|"
    r"thread '.{0,100}' (?:\(\d+\) )?panicked at "
)
_CAUSE: Final = re.compile(
    r"\s*(?:Caused by: |Suppressed: |---> |goroutine \d+ \[|During handling of|The above exception)"
)
_EXCEPTION: Final = re.compile(r"[\w.$]{0,200}(?:Exception|Error|Throwable|Fault|Exit|Interrupt)(?::|$)")
_LAST_OF_PYTHON: Final = re.compile(r"[A-Za-z_][\w.]{0,200}(?::|$)")


class Trace(NamedTuple):
    """A trace from the line `start` to before `end`; `causes` are the lines where another error or routine begins."""

    start: int
    end: int
    causes: tuple[int, ...]

    def shortened(self, ends: int) -> list[int]:
        """Return the numbers of the lines at both ends, and of the first and last causes, each with a frame."""
        causes = {*self.causes[:_CAUSES], *self.causes[-_CAUSES:]}
        kept = {*range(self.start, self.start + ends), *range(self.end - ends, self.end)}
        kept |= causes | {cause + 1 for cause in causes}
        return sorted(number for number in kept if self.start <= number < self.end)


def traces_in(lines: Sequence[str], is_error: Sequence[bool]) -> list[Trace]:
    """Return the stack traces, oldest first, without overlaps; `is_error` says which lines show an error."""
    bodies = [_body(line) for line in lines]
    found: list[Trace] = []
    number = 0
    while number < len(bodies):
        if not (_PYTHON in bodies[number] or _BEGINNING.match(bodies[number])):
            number += 1
            continue
        start = _start(bodies, is_error, number, floor=found[-1].end if found else 0)
        end = _end(bodies, number)
        if end - start > 1:
            causes = tuple(place for place in range(start + 1, end) if _CAUSE.match(bodies[place]))
            found.append(Trace(start, end, causes))
        number = end
    return found


def _body(line: str) -> str:
    prefix = _PREFIX.match(line)
    return line[prefix.end() :] if prefix else line


def _start(bodies: Sequence[str], is_error: Sequence[bool], number: int, *, floor: int) -> int:
    """Return where the error line of a trace stands, whose first sign is the line `number`."""
    start = number
    if _NEEDS_A_HEAD.match(bodies[number]):
        lowest = max(floor, number - _BACK_LINES)
        while start > lowest and bodies[start - 1].strip():
            start -= 1
            if not bodies[start][0].isspace():
                break
    if start > floor and is_error[start - 1] and (_PYTHON in bodies[start] or _EXCEPTION.match(bodies[start])):
        start -= 1
    return start


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
