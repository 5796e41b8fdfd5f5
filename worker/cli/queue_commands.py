"""The commands of `firstline queue`; what they do stands in `queue.py`."""

import sys
from typing import Annotated

import typer

from worker.cli.options import AsJson, Because, Note, Why, Words
from worker.contract.handling import Action
from worker.settings import load_redis_settings

__all__ = ["queue"]

queue = typer.Typer(
    help="The escalation queue: what waits for engineers, who has it, what they did, and whether the desk was right."
)

IncidentId = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, as the list prints it.")]


@queue.callback(invoke_without_command=True)
def list_queue(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep the list on the terminal, until Ctrl-C.")] = False,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first, instead of the most urgent.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show so many lines at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what waits: the most urgent first, and of those what has waited longest.

    Example: firstline queue --watch   ·   firstline queue claim inc-…   ·   firstline queue resolve inc-… --note "…"
    """
    if context.invoked_subcommand is not None:
        return
    from worker.bootstrap import connect
    from worker.cli.queue import Lists, list_waiting, watch_waiting

    settings = load_redis_settings()
    if not watch:
        list_waiting(settings, limit=limit, newest_first=newest, as_json=as_json)
    elif as_json or not sys.stdout.isatty():
        raise typer.BadParameter(
            "--watch is for a terminal; for pipes there is --json, and `firstline escalations --json`"
        )
    else:
        watch_waiting(Lists(connect(settings), newest_first=newest), limit=limit)


def _act(incident_id: str, action: Action, *, words: str = "", as_json: bool) -> None:
    from worker.cli.queue import act_on

    act_on(load_redis_settings(), incident_id, action, words=words, as_json=as_json)


@queue.command()
def claim(incident_id: IncidentId, as_json: AsJson = False) -> None:
    """Take an incident: from now on it is yours. Of two at once one gets it, and the other is told who has it."""
    _act(incident_id, Action.CLAIM, as_json=as_json)


@queue.command()
def release(incident_id: IncidentId, as_json: AsJson = False) -> None:
    """Give an incident back, yours or that of somebody who has gone; whose it was stands in its history."""
    _act(incident_id, Action.RELEASE, as_json=as_json)


@queue.command()
def ack(incident_id: IncidentId, as_json: AsJson = False) -> None:
    """Acknowledge an incident: you have seen it and work on it."""
    _act(incident_id, Action.ACKNOWLEDGE, as_json=as_json)


@queue.command()
def resolve(incident_id: IncidentId, note: Note, as_json: AsJson = False) -> None:
    """Say that an incident is over. It leaves the queue, and can be reopened for seven days."""
    _act(incident_id, Action.RESOLVE, words=note, as_json=as_json)


@queue.command()
def reopen(incident_id: IncidentId, why: Why, as_json: AsJson = False) -> None:
    """Put a resolved incident back into the queue."""
    _act(incident_id, Action.REOPEN, words=why, as_json=as_json)


@queue.command("note")
def write_note(incident_id: IncidentId, words: Words, as_json: AsJson = False) -> None:
    """Write down what you found, for whoever looks next."""
    _act(incident_id, Action.NOTE, words=words, as_json=as_json)


@queue.command()
def right(incident_id: IncidentId, as_json: AsJson = False) -> None:
    """Say that the desk was right about an incident. Your last word counts; see `firstline feedback`."""
    _act(incident_id, Action.RIGHT, as_json=as_json)


@queue.command()
def wrong(incident_id: IncidentId, because: Because, as_json: AsJson = False) -> None:
    """Say that the desk was wrong, and why. Also for what it called recovered, or nothing to do."""
    _act(incident_id, Action.WRONG, words=because, as_json=as_json)


@queue.command()
def show(incident_id: IncidentId) -> None:
    """Show who has an incident and what engineers did; what the desk did shows `firstline show`."""
    from worker.cli.queue import show_handling

    show_handling(load_redis_settings(), incident_id)
