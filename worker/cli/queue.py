"""`firstline queue`: the list of what waits for engineers, once or kept on the terminal.

Before anything is listed, results that nobody has recorded yet are: what was just published is on the list, whether a
worker or a consumer lives or not. What engineers do with what is listed stands in `queue_actions.py`.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from worker.cli.failures import sentence_of
from worker.cli.queue_choice import EVERYTHING, Choice
from worker.cli.queue_page import Listed, as_record, table_of
from worker.cli.words import one_line
from worker.errors import FirstlineError
from worker.registry.handling import Handlings
from worker.registry.recording import ResultsRecorder

__all__ = ["Lists", "list_waiting", "watch_waiting"]

_WIDTH_IN_A_PIPE: Final = 160
_LINES_OF_A_TABLE: Final = 100
_LINES_AROUND_THE_TABLE: Final = 4
_AGAIN_SECONDS: Final = 2.0


class Lists:
    """Reads the list again and again over one connection."""

    def __init__(self, connection: Redis, *, newest_first: bool = False, choice: Choice = EVERYTHING) -> None:
        self._connection = connection
        self._handlings = Handlings(connection)
        self._recorder = ResultsRecorder(connection)
        self._newest_first = newest_first
        self._choice = choice

    def waiting(self, limit: int | None = None) -> Listed:
        """Return what waits, with what was published up to now. Raises `RedisError` when Redis is not there."""
        flaw = self._record()
        is_all_wanted = self._choice == EVERYTHING
        lines = self._handlings.waiting(limit if is_all_wanted else None, newest_first=self._newest_first)
        waiting = max(self._handlings.count(), len(lines))
        wanted = lines if is_all_wanted else tuple(filter(self._choice.fits, lines))
        fitting = None if is_all_wanted else len(wanted)
        return Listed(lines=tuple(islice(wanted, limit)), waiting=waiting, fitting=fitting, flaw=flaw)

    def page(self, limit: int | None, *, width: int) -> RenderableType:
        """Return the list as a table of at most so many lines."""
        listed = self.waiting(limit or _LINES_OF_A_TABLE)
        seconds, _ = self._connection.time()
        return table_of(listed, now=datetime.fromtimestamp(seconds, UTC), width=width)

    def _record(self) -> str:
        try:
            self._recorder.record()
        except (ResponseError, FirstlineError) as error:  # what is recorded already can be shown all the same
            told = sentence_of(error) if isinstance(error, ResponseError) else error
            return f"The newest results may be missing: {one_line(told)}"
        return ""


def list_waiting(lists: Lists, *, limit: int | None, as_json: bool) -> None:
    """Print what waits, once: as JSON all of it, unless there is a limit."""
    if not as_json:
        console = _console()
        console.print(lists.page(limit, width=console.width))
        return
    listed = lists.waiting(limit)
    sys.stdout.writelines(f"{json.dumps(as_record(line))}\n" for line in listed.lines)
    unseen = f"{listed.not_shown} more are not printed: see --limit." if listed.not_shown else ""
    sys.stderr.writelines(f"firstline: {sentence}\n" for sentence in (listed.flaw, unseen) if sentence)


def watch_waiting(
    lists: Lists,
    *,
    limit: int | None,
    is_over: Callable[[], bool] = lambda: False,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Keep the list on the terminal until Ctrl-C; an outage of Redis is told in its place, and waited out."""
    console = _console()
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while not is_over():
            lines = max(1, console.height - _LINES_AROUND_THE_TABLE)
            try:
                page = lists.page(min(limit or lines, lines), width=console.width)
            except RedisError as error:
                page = Text(f"{sentence_of(error)} Trying again every {_AGAIN_SECONDS:g} s.")
            live.update(page, refresh=True)
            pause(_AGAIN_SECONDS)


def _console() -> Console:
    width = None if sys.stdout.isatty() else shutil.get_terminal_size((_WIDTH_IN_A_PIPE, 24)).columns
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)
