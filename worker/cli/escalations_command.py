"""The command `firstline escalations`; what it does stands in `escalations.py`, `dispatching.py` and `routes.py`."""

from typing import Annotated

import typer

from worker.cli.failures import EXIT_INCOMPLETE
from worker.cli.options import AsJson
from worker.settings import load_settings

__all__ = ["escalations"]


def escalations(
    as_json: AsJson = False,
    once: Annotated[bool, typer.Option("--once", help="Deliver what waits, then stop, instead of following.")] = False,
    name: Annotated[
        str | None,
        typer.Option(
            help="This consumer's name within the group, for one process only; a restart under it resumes its own."
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Show where what would go by the routes, and send nothing.")
    ] = False,
    test: Annotated[
        str | None, typer.Option(metavar="SINK", help="Send one sink a page that says that it is a test.")
    ] = None,
    retry: Annotated[
        str | None, typer.Option(metavar="SINK", help="Send again what this sink refused for good, once it is mended.")
    ] = None,
) -> None:
    """Bring the results to engineers: to the sinks of FIRSTLINE_ROUTES_FILE, with one line for each delivery.

    What waits, and what engineers do with it, is on another list: `firstline queue`.

    Without that file, print a card for each escalation, and one line for everything else. Each result is acknowledged
    after it was printed, or after it was noted for its sinks. Several consumers share the work; what a dead one left
    undelivered is taken over after a minute or two.
    """
    if check:
        from worker.cli.routes import check_routes

        check_routes(load_settings(), as_json=as_json)
    elif test is not None:
        from worker.cli.routes import send_test_page

        raise typer.Exit(0 if send_test_page(load_settings(), test) else EXIT_INCOMPLETE)
    elif retry is not None:
        from worker.cli.routes import retry_sink

        retry_sink(load_settings(), retry)
    else:
        from worker.cli.escalations import run_escalations

        run_escalations(load_settings(), as_json=as_json, once=once, name=name)
