"""The commands `firstline halt`, `resume` and `resolve`; what they do stands in `restarts.py`."""

from typing import Annotated

import typer

from worker.cli.options import Why
from worker.settings import load_redis_settings

__all__ = ["halt", "resolve", "resume"]


def halt(why: Why) -> None:
    """Stop all restarts, of every worker, at once: the kill switch. Triages go on, and escalate instead.

    It survives restarts of everything, shows in `status`, and also trips by itself when restarts in a row did not help.
    """
    from worker.cli.restarts import guard_of
    from worker.cli.restarts import halt as halt_restarts

    halt_restarts(guard_of(load_redis_settings()), why)


def resume(why: Why) -> None:
    """Allow restarts again, under the policy."""
    from worker.cli.restarts import guard_of
    from worker.cli.restarts import resume as resume_restarts

    resume_restarts(guard_of(load_redis_settings()), why)


def resolve(
    server_id: Annotated[str, typer.Argument(help="The server, as `firstline status` names it.")], why: Why
) -> None:
    """Open a server again whose last restart has no known outcome. Look at the server first: only you can know."""
    from worker.cli.restarts import guard_of
    from worker.cli.restarts import resolve as resolve_server

    resolve_server(guard_of(load_redis_settings()), server_id, why)
