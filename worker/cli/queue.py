"""`firstline queue`: what waits for engineers, and what they do with it.

Before anything is listed, results that nobody has recorded yet are: what was just published is on the list, whether a
worker or a consumer lives or not. An action is done when Redis has confirmed it, with its entry in the audit.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError, ResponseError
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from worker.bootstrap import connect
from worker.cli.failures import confirmed, sentence_of
from worker.cli.following import follow_in_sinks
from worker.cli.person import person
from worker.cli.queue_page import as_record, history_of, table_of
from worker.cli.words import one_line
from worker.contract.handling import Action
from worker.contract.result import Refusal
from worker.errors import FirstlineError
from worker.registry.handling import Acted, Handlings
from worker.registry.handling_view import Waiting
from worker.registry.recording import ResultsRecorder
from worker.settings import RedisSettings

__all__ = ["Lists", "act_on", "list_waiting", "show_handling", "watch_waiting"]

_WIDTH_IN_A_PIPE: Final = 160
_LINES_AROUND_THE_TABLE: Final = 4
_AGAIN_SECONDS: Final = 2.0
_WORDS: Final = frozenset({Action.NOTE, Action.RIGHT, Action.WRONG})
_STANDS_ALREADY: Final = {
    Action.RESOLVE: ("resolved",),
    Action.REOPEN: ("not_resolved",),
    Action.RELEASE: ("not_held",),
}
"""Refusals of what may be done already: the sinks may not know, where Redis went away before they were told."""


class Lists:
    """Reads the list again and again over one connection."""

    def __init__(self, connection: Redis, *, newest_first: bool) -> None:
        self._connection = connection
        self._handlings = Handlings(connection)
        self._recorder = ResultsRecorder(connection)
        self._newest_first = newest_first

    def waiting(self, limit: int) -> tuple[Waiting, ...]:
        """Return what waits, with what was published up to now. Raises `RedisError` when Redis is not there."""
        try:
            self._recorder.record()
        except (ResponseError, FirstlineError) as error:  # what is recorded already can be shown all the same
            told = sentence_of(error) if isinstance(error, ResponseError) else error
            sys.stderr.write(f"firstline: The newest results may be missing: {one_line(told)}\n")
        return self._handlings.waiting(limit, newest_first=self._newest_first)

    def page(self, limit: int) -> RenderableType:
        """Return the list as a table."""
        lines = self.waiting(limit)
        seconds, _ = self._connection.time()
        return table_of(lines, count=self._handlings.count(), now=datetime.fromtimestamp(seconds, UTC))


def list_waiting(settings: RedisSettings, *, limit: int, newest_first: bool, as_json: bool) -> None:
    """Print what waits, once."""
    lists = Lists(connect(settings), newest_first=newest_first)
    if as_json:
        sys.stdout.writelines(f"{json.dumps(as_record(line))}\n" for line in lists.waiting(limit))
    else:
        _console().print(lists.page(limit))


def watch_waiting(
    lists: Lists,
    *,
    limit: int,
    is_over: Callable[[], bool] = lambda: False,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Keep the list on the terminal until Ctrl-C; an outage of Redis is told in its place, and waited out."""
    console = _console()
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while not is_over():
            try:
                page = lists.page(min(limit, max(1, console.height - _LINES_AROUND_THE_TABLE)))
            except RedisError as error:
                page = Text(f"{sentence_of(error)} Trying again every {_AGAIN_SECONDS:g} s.")
            live.update(page, refresh=True)
            pause(_AGAIN_SECONDS)


def act_on(
    settings: RedisSettings, incident_id: str, action: Action, *, words: str = "", as_json: bool = False
) -> None:
    """Do what a person says of one incident. Raises `FirstlineError` with the reason when it is refused."""
    connection = connect(settings)
    action_id = f"handling:{uuid4().hex}"
    shown = one_line(incident_id)
    with confirmed(f"{shown} was handled so ({action})", look=f"firstline queue show {shown}"):
        answer = Handlings(connection).act(incident_id, action, person=person(), words=words, action_id=action_id)
    if isinstance(answer, Refusal):
        if answer.reason in _STANDS_ALREADY.get(action, ()):
            _show_in_sinks(connection, incident_id, action)
        raise FirstlineError(f"{one_line(answer.detail)} Nothing was changed.")
    sys.stdout.write(_as_json(incident_id, answer) if as_json else _as_line(incident_id, action, answer))
    _show_in_sinks(connection, incident_id, action)


def _show_in_sinks(connection: Redis, incident_id: str, action: Action) -> None:
    """Note it for the sinks; what was noted before is not noted again."""
    with confirmed("the sinks show it", look="firstline status", meanwhile="It is done; say it again for the sinks."):
        follow_in_sinks(connection, incident_id, action)


def show_handling(settings: RedisSettings, incident_id: str) -> None:
    """Print one incident's handling with its history. Raises `FirstlineError` when there is none."""
    handling = Handlings(connect(settings)).find(incident_id)
    if handling is None:
        raise FirstlineError(f"{one_line(incident_id)} waits for nobody, or is forgotten: see `firstline queue`.")
    sys.stdout.write(history_of(handling))


def _as_json(incident_id: str, acted: Acted) -> str:
    told = {"incident_id": incident_id, "state": acted.state, "person": acted.person, "is_news": acted.is_news}
    return f"{json.dumps(told)}\n"


def _as_line(incident_id: str, action: Action, acted: Acted) -> str:
    state = acted.state or "waits for nobody"
    holder = f", by {one_line(acted.person)}" if acted.person else ""
    said = f"  {action} is written down" if action in _WORDS else ""
    return f"{one_line(incident_id)}  {state}{holder}{'' if acted.is_news else ' (already)'}{said}\n"


def _console() -> Console:
    width = None if sys.stdout.isatty() else shutil.get_terminal_size((_WIDTH_IN_A_PIPE, 24)).columns
    return Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)
