"""The commands `firstline inventory check` and `show`; what they do stands in `inventory.py`."""

from typing import Annotated

import typer

from worker.cli.failures import EXIT_INCOMPLETE
from worker.cli.options import AsJson
from worker.settings import load_settings

__all__ = ["inventory"]

inventory = typer.Typer(help="The servers that Firstline may look at: try every way to them, or show one.")


@inventory.command()
def check(
    servers: Annotated[list[str] | None, typer.Argument(help="Only these; names that fit a pattern, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read health and log of every listed server once, ask what a restart would reach, and print what works.

    It changes nothing and restarts nothing: over ssh the restart command is asked for its status.

    Servers that only a pattern stands for are listed nowhere: name some to try them. Ends with 1 when something could
    not be read, or when the recovery of a server that may be restarted could not be proven.
    """
    from worker.cli.inventory import check_inventory

    is_whole = check_inventory(load_settings(), servers or [], as_json=as_json)
    raise typer.Exit(0 if is_whole else EXIT_INCOMPLETE)


@inventory.command()
def show(
    server_id: Annotated[str, typer.Argument(help="The server's name, as an alert gives it.")], as_json: AsJson = False
) -> None:
    """Show what the inventory says of one server, groups and defaults included. It connects to nothing."""
    from worker.cli.inventory import show_server

    raise typer.Exit(0 if show_server(load_settings(), server_id, as_json=as_json) else EXIT_INCOMPLETE)
