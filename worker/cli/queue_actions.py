"""What engineers do with `firstline queue`: each incident that they name is told for itself, on a line of its own.

An action is done when Redis has confirmed it, with its entry in the audit. One that is refused stops no other; when
Redis is not there, nothing more is tried.
"""

import json
import sys
from collections.abc import Iterable
from typing import Final
from uuid import uuid4

from redis import Redis

from worker.cli.failures import EXIT_INCOMPLETE, Unconfirmed, confirmed, is_silent, told
from worker.cli.following import follow_in_sinks
from worker.cli.person import person
from worker.cli.queue_ids import id_named
from worker.cli.queue_page import history_of
from worker.cli.words import one_line
from worker.contract.handling import Action, Handled
from worker.contract.result import Refusal
from worker.errors import ContractError, FirstlineError
from worker.redaction import FAILURES_MASKER
from worker.registry.handling import Acted, Handlings
from worker.registry.handling_view import HandlingView

__all__ = ["QueueActions", "show_handling"]

_WORDS: Final = frozenset({Action.NOTE, Action.RIGHT, Action.WRONG})
_STANDS_ALREADY: Final = {
    Action.RESOLVE: ("resolved",),
    Action.REOPEN: ("not_resolved",),
    Action.RELEASE: ("not_held",),
}
"""Refusals of what may be done already: the sinks may not know, where Redis went away before they were told."""


class QueueActions:
    """Carries out what the person at this terminal says, and tells it line by line."""

    def __init__(self, connection: Redis, *, as_json: bool = False) -> None:
        self._connection = connection
        self._handlings = Handlings(connection)
        self._as_json = as_json

    def act_on(self, names: Iterable[str], action: Action, *, words: str = "") -> int:
        """Do it to each incident that is named, once, and return the exit code. Raises when Redis is not there."""
        code, met = 0, set[str]()
        for name in names:
            incident_id = id_named(self._handlings, name)
            if isinstance(incident_id, Refusal):
                self._tell_refusal(name, incident_id)
                code = max(code, EXIT_INCOMPLETE)
            elif incident_id not in met:
                met.add(incident_id)
                code = max(code, self._act_on_one(incident_id, action, words))
        if not met and not code:
            _say("No incident was named: nothing was changed.")
        return code

    def _act_on_one(self, incident_id: str, action: Action, words: str) -> int:
        try:
            answer = self._answer(incident_id, action, words)
        except FirstlineError as failure:
            if is_silent(failure):
                raise
            sentence, code = told(failure)
            self._tell_refusal(incident_id, Refusal(reason=_reason_of(failure), detail=sentence))
            return code
        if isinstance(answer, Acted):
            sys.stdout.write(_record(incident_id, answer) if self._as_json else _line(incident_id, action, answer))
            return self._show_in_sinks(incident_id, action, answer.handled)
        self._tell_refusal(incident_id, answer, "Nothing was changed.")
        if answer.reason in _STANDS_ALREADY.get(action, ()):
            self._show_in_sinks(incident_id, action)
        return EXIT_INCOMPLETE

    def _answer(self, incident_id: str, action: Action, words: str) -> Acted | Refusal:
        action_id = f"handling:{uuid4().hex}"
        with confirmed(f"{incident_id} was handled so ({action})", look=f"firstline queue show {incident_id}"):
            return self._handlings.act(incident_id, action, person=person(), words=words, action_id=action_id)

    def _show_in_sinks(self, incident_id: str, action: Action, handled: Handled | None = None) -> int:
        """Note it for the sinks; what was noted before is not noted again."""
        meanwhile = f"{incident_id} is done; say it again for the sinks."
        try:
            with confirmed("the sinks show it", look="firstline status", meanwhile=meanwhile):
                follow_in_sinks(self._connection, incident_id, action, handled)
        except FirstlineError as failure:
            if is_silent(failure):
                raise
            sentence, code = told(failure)
            _say(f"It is done, but no sink shows it: {sentence}" if isinstance(failure, ContractError) else sentence)
            return code
        return 0

    def _tell_refusal(self, name: str, refusal: Refusal, *further: str) -> None:
        if not self._as_json:
            _say(" ".join([refusal.detail, *further]))
            return
        record = {"incident_id": name, "refused": refusal.reason, "detail": refusal.detail}
        masked = {field: FAILURES_MASKER.checked(one_line(text)) for field, text in record.items()}
        sys.stdout.write(f"{json.dumps(masked)}\n")


def show_handling(connection: Redis, name: str) -> None:
    """Print one incident's handling with its history. Raises `FirstlineError` when there is none."""
    handlings = HandlingView(connection)
    incident_id = id_named(handlings, name)
    if isinstance(incident_id, Refusal):
        raise FirstlineError(incident_id.detail)
    handling = handlings.find(incident_id)
    if handling is None:
        raise FirstlineError(f"{incident_id} waits for nobody, or is forgotten: see `firstline queue`.")
    sys.stdout.write(history_of(handling))


def _reason_of(failure: FirstlineError) -> str:
    if isinstance(failure, Unconfirmed):
        return "unconfirmed"
    return "unreadable" if isinstance(failure, ContractError) else "failed"


def _say(sentence: str) -> None:
    sys.stderr.write(f"firstline: {FAILURES_MASKER.checked(one_line(sentence))}\n")


def _record(incident_id: str, acted: Acted) -> str:
    record = {"incident_id": incident_id, "state": acted.state, "person": acted.person, "is_news": acted.is_news}
    return f"{json.dumps(record)}\n"


def _line(incident_id: str, action: Action, acted: Acted) -> str:
    state = acted.state or "waits for nobody"
    holder = f", by {one_line(acted.person)}" if acted.person else ""
    said = f"  {action} is written down" if action in _WORDS else ""
    return f"{incident_id}  {state}{holder}{'' if acted.is_news else ' (already)'}{said}\n"
