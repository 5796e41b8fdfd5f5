"""`firstline show --sent`: the requests that went to the model, to the byte, each proved by its recorded hash.

Bodies go to stdout, one a line; a line about each to stderr, and what the journal can't know. What can't be proved is
not printed.
"""

import sys
from typing import Final

import typer
from redis import Redis

from worker.bootstrap import connect
from worker.cli.shown import entry_of
from worker.cli.words import one_line
from worker.contract.result import Ending
from worker.models.sent_again import Request, requests_of
from worker.registry.view import IncidentState, RegistryEntry
from worker.settings import Settings

__all__ = ["print_sent", "show_sent"]

_NONE: Final = "no request to a model is recorded here: rules send none, nor is any sent where no connection is made\n"
_NOT_KNOWN: Final = "claims: {claims}, {state}; what was sent last before a triage broke off is not known here\n"


def show_sent(settings: Settings, incident_id: str, *, only_step: int | None = None) -> bool:
    """Print the recorded requests, answered or not, and say whether each of them could be proved.

    Raises `FirstlineError` when the registry does not have the incident, `typer.BadParameter` when it has no such step.
    """
    return print_sent(connect(settings), incident_id, only_step=only_step)


def print_sent(connection: Redis, incident_id: str, *, only_step: int | None) -> bool:
    """Do it on a Redis client of the caller's."""
    entry = entry_of(connection, incident_id)
    steps = [step.number for step in entry.steps]
    if only_step is not None and only_step not in steps:
        there = f"it has {', '.join(map(str, steps))}" if steps else "it has none yet"
        raise typer.BadParameter(f"{one_line(incident_id)} has no step {only_step}: {there}")
    requests = [(number, request) for number, request in enumerate(requests_of(entry.steps), start=1)]
    wanted = [(number, request) for number, request in requests if only_step in {None, request.step}]
    if not wanted:
        sys.stderr.write(_NONE)
    for number, request in wanted:
        _print(number, request)
    _tell_what_is_not_known(entry)
    return all(request.body is not None for _, request in wanted)


def _print(number: int, request: Request) -> None:
    sent = request.sent
    head = f"request {number}, step {request.step}, {sent.body_bytes} bytes, sha256 {one_line(sent.sha256)}"
    end = "" if request.failure is None else f", no usable answer: the endpoint {one_line(request.failure)}"
    sys.stderr.write(f"{head}{end}\n")
    if request.body is None:
        sys.stderr.write("  not shown: what the journal gives does not have this hash, so it is not what was sent\n")
        return
    sys.stderr.flush()
    sys.stdout.buffer.write(request.body + b"\n")
    sys.stdout.flush()


def _tell_what_is_not_known(entry: RegistryEntry) -> None:
    has_broken = entry.result is not None and entry.result.ending is Ending.INTERNAL_ERROR
    if has_broken or entry.epoch > 1 or entry.state is not IncidentState.CLOSED:
        sys.stderr.write(_NOT_KNOWN.format(claims=entry.epoch, state=entry.state))
