"""The commands of `firstline dead-letters`; what they do stands in `dead_letters.py`."""

from typing import Annotated

import typer

from worker.cli.options import AsJson, Why
from worker.settings import load_settings

__all__ = ["dead_letters"]

dead_letters = typer.Typer(
    help="What nobody could work on: see it, send it again, or put it away.", no_args_is_help=True
)

EntryId = Annotated[str, typer.Argument(help="The letter's id, as `dead-letters list` prints it.")]


@dead_letters.command("list")
def list_dead_letters(as_json: AsJson = False) -> None:
    """List the newest hundred, a line each: id, time, reason, and where it was found."""
    from worker.cli.dead_letters import list_letters

    list_letters(load_settings(), as_json=as_json)


@dead_letters.command("show")
def show_dead_letter(entry_id: EntryId, as_json: AsJson = False) -> None:
    """Show one, with the head of its content."""
    from worker.cli.dead_letters import show_letter

    show_letter(load_settings(), entry_id, as_json=as_json)


@dead_letters.command("replay")
def replay_dead_letter(
    entry_id: EntryId,
    as_new: Annotated[bool, typer.Option("--as-new", help="As a new occurrence: the old one is closed.")] = False,
) -> None:
    """Send the incident of a letter through intake again, and put the letter away."""
    from worker.cli.dead_letters import replay

    replay(load_settings(), entry_id, as_new=as_new)


@dead_letters.command("drop")
def drop_dead_letter(entry_id: EntryId, why: Why) -> None:
    """Put a letter away for good; who did it and why is kept."""
    from worker.cli.dead_letters import drop

    drop(load_settings(), entry_id, why=why)
