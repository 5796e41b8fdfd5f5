"""The newest lines of a log that an HTTP API gives oldest first: as many as fit into one answer.

An answer that is cut has lost its newest lines, so it must never be shown. Called by the adapters of Docker and
Kubernetes.
"""

from collections.abc import Callable
from typing import Final

from worker.errors import SourceUnavailable
from worker.infrastructure.web_api import Answer

__all__ = ["newest_that_fit"]

_TRIES: Final = 4
_SHRINK: Final = 8
"""What fewer lines are divided by, once more each time, when those that should have fitted did not: the newest may be
the longest."""

_FARTHEST_SHRINK: Final = 64
"""One huge line at the beginning of an answer says little of the others."""


def newest_that_fit(
    ask: Callable[[int], Answer], *, lines: int, lines_in: Callable[[bytes], int], whose: str
) -> tuple[bytes, int]:
    """Return a whole answer, and how many lines were asked for in the end: at most `lines`.

    After an answer that was cut as many are asked for as would fit if all were like those that came, with a quarter to
    spare. `whose` log it is stands in the sentence. Raises `SourceUnavailable` when none fits.
    """
    for asked_before in range(_TRIES):
        answer = ask(lines)
        if not answer.is_cut:
            return answer.body, lines
        if lines == 1:
            break
        fitting = min(lines, lines_in(answer.body)) * 3 // 4
        lines = max(fitting // _SHRINK**asked_before, lines // _FARTHEST_SHRINK, 1)
    raise SourceUnavailable(f"{whose} has lines that are too long to read.")
