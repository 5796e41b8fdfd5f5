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
    from worker.bootstrap import connect
    from worker.cli.audit import written_whatever_comes
    from worker.cli.restarts import guard_of
    from worker.cli.restarts import halt as halt_restarts
    from worker.registry.audit import AuditAction

    settings = load_redis_settings()
    with written_whatever_comes(connect(settings), action=AuditAction.HALT, why=why):
        halt_restarts(guard_of(settings), why)


def resume(why: Why) -> None:
    """Allow restarts again, under the policy."""
    from worker.bootstrap import connect
    from worker.cli.audit import audited
    from worker.cli.restarts import guard_of
    from worker.cli.restarts import resume as resume_restarts
    from worker.registry.audit import AuditAction

    settings = load_redis_settings()
    with audited(connect(settings), action=AuditAction.RESUME, why=why):
        resume_restarts(guard_of(settings), why)


def resolve(
    server_id: Annotated[str, typer.Argument(help="The server, as `firstline status` names it.")], why: Why
) -> None:
    """Open a server again whose last restart has no known outcome. Look at the server first: only you can know."""
    from worker.bootstrap import connect
    from worker.cli.audit import audited
    from worker.cli.restarts import guard_of
    from worker.cli.restarts import resolve as resolve_server
    from worker.registry.audit import AuditAction

    settings = load_redis_settings()
    with audited(connect(settings), action=AuditAction.RESOLVE, why=why, details={"server": server_id}):
        resolve_server(guard_of(settings), server_id, why)
