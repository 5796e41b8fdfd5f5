"""The commands of `firstline queue`; what they do stands in `queue.py` and `queue_actions.py`."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from worker.cli.options import AsJson, Because, Note, Why, Words
from worker.contract.handling import Action
from worker.contract.incident import Severity
from worker.settings import load_redis_settings

__all__ = ["queue"]

queue = typer.Typer()

_NAMES = "An incident's id, or its first 12 characters; several; or - for those on standard input, one a line."
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help=_NAMES)]
IdsBeforeWords = Annotated[list[str] | None, typer.Argument(metavar="ID...", help=_NAMES)]
IncidentId = Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or its first 12 characters.")]


@queue.callback(invoke_without_command=True)
def list_queue(  # noqa: PLR0913, PLR0917 - the options of the command
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep the list on the terminal, until Ctrl-C.")] = False,
    newest: Annotated[bool, typer.Option("--newest", help="The newest first, instead of the most urgent.")] = False,
    mine: Annotated[bool, typer.Option("--mine", help="Only what you have.")] = False,
    unclaimed: Annotated[bool, typer.Option("--unclaimed", help="Only what nobody has.")] = False,
    server: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this server's; a pattern such as 'web-*' for several.")
    ] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only what is so urgent.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Show so many lines at most; else 100, and with --json all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The escalation queue: what waits for engineers, who has it, what they did, and whether the desk was right.

    Without a command it lists what waits: the most urgent first, of those what was concluded longest ago.

    Example: firstline queue --watch --unclaimed   ·   firstline queue claim inc-…   ·   firstline queue --json --server
    web-01 | firstline queue resolve - --note "…"
    """
    if context.invoked_subcommand is not None:
        return
    from worker.bootstrap import connect
    from worker.cli.person import person
    from worker.cli.queue import Lists, list_waiting, watch_waiting
    from worker.cli.queue_choice import Choice
    from worker.registry.handling import PERSON_CHARACTERS

    if mine and unclaimed:
        raise typer.BadParameter("give either --mine or --unclaimed: what you have is claimed")
    if watch and (as_json or not sys.stdout.isatty()):
        raise typer.BadParameter(
            "--watch is for a terminal; for pipes there is --json, and `firstline escalations --json`"
        )
    me = person()[:PERSON_CHARACTERS] if mine else None
    choice = Choice(person=me, is_unclaimed=unclaimed, server=server, severity=severity)
    lists = Lists(connect(load_redis_settings()), newest_first=newest, choice=choice)
    if watch:
        watch_waiting(lists, limit=limit)
    else:
        list_waiting(lists, limit=limit, as_json=as_json)


def _act(ids: Iterable[str], action: Action, *, words: str = "", as_json: bool) -> None:
    from worker.bootstrap import connect
    from worker.cli.queue_actions import QueueActions
    from worker.cli.queue_ids import names_of

    names = names_of(ids, sys.stdin.buffer if sys.stdin is not None else ())
    raise typer.Exit(QueueActions(connect(load_redis_settings()), as_json=as_json).act_on(names, action, words=words))


@queue.command()
def claim(ids: Ids, as_json: AsJson = False) -> None:
    """Take incidents: from now on they are yours. Of two at once one gets it, and the other is told who has it.

    Example: firstline queue --json --unclaimed --server web-01 | firstline queue claim -
    """
    _act(ids, Action.CLAIM, as_json=as_json)


@queue.command()
def release(ids: Ids, as_json: AsJson = False) -> None:
    """Give incidents back, yours or those of somebody who has gone; whose they were stands in their history."""
    _act(ids, Action.RELEASE, as_json=as_json)


@queue.command()
def ack(ids: Ids, as_json: AsJson = False) -> None:
    """Acknowledge incidents: you have seen them and work on them."""
    _act(ids, Action.ACKNOWLEDGE, as_json=as_json)


@queue.command()
def resolve(ids: Ids, note: Note, as_json: AsJson = False) -> None:
    """Say that incidents are over. They leave the queue, and can be reopened for seven days."""
    _act(ids, Action.RESOLVE, words=note, as_json=as_json)


@queue.command()
def reopen(ids: Ids, why: Why, as_json: AsJson = False) -> None:
    """Put resolved incidents back into the queue."""
    _act(ids, Action.REOPEN, words=why, as_json=as_json)


@queue.command("note")
def write_note(ids: IdsBeforeWords = None, *, words: Words, as_json: AsJson = False) -> None:
    """Write down what you found, for whoever looks next. The words come last, in quotes, behind all ids.

    Example: firstline queue note inc-… "the disk is full, I make room"
    """
    from worker.cli.queue_ids import is_name, no_name_among
    from worker.cli.words import one_line

    if not ids or is_name(words):
        raise typer.BadParameter("give the ids first, then the words in quotes: the last argument is what is written")
    if (stray := no_name_among(ids)) is not None:
        raise typer.BadParameter(
            f"'{one_line(stray)}' is no incident's id, and nothing was written: put the words in quotes"
        )
    _act(ids, Action.NOTE, words=words, as_json=as_json)


@queue.command()
def right(ids: Ids, as_json: AsJson = False) -> None:
    """Say that the desk was right about incidents. Your last word counts; see `firstline feedback`."""
    _act(ids, Action.RIGHT, as_json=as_json)


@queue.command()
def wrong(ids: Ids, because: Because, as_json: AsJson = False) -> None:
    """Say that the desk was wrong, and why. Also for what it called recovered, or nothing to do."""
    _act(ids, Action.WRONG, words=because, as_json=as_json)


@queue.command()
def show(incident_id: IncidentId) -> None:
    """Show who has an incident and what engineers did; what the desk did shows `firstline show`."""
    from worker.bootstrap import connect
    from worker.cli.queue_actions import show_handling

    show_handling(connect(load_redis_settings()), incident_id)
