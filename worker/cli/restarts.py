"""`firstline halt`, `resume` and `resolve`: a person's word on restarts, written down with who said it and why."""

import getpass
import sys

from worker.bootstrap import connect, make_guard
from worker.contract.result import Refusal
from worker.errors import FirstlineError
from worker.guardrails.policy import Policy
from worker.guardrails.restart_guard import RestartGuard
from worker.settings import Settings

__all__ = ["halt", "person", "resolve", "resume"]


def halt(settings: Settings, why: str) -> None:
    """Stop all restarts, of every worker, from now on; what was not yet sent will not be."""
    _guard(settings).halt(f"{person()}: {why}")
    sys.stdout.write("All restarts are halted, until `firstline resume`. Triages go on and escalate.\n")


def resume(settings: Settings, why: str) -> None:
    """Allow restarts again, under the policy."""
    guard = _guard(settings)
    if guard.halted() is None:
        raise FirstlineError("Restarts are not halted; nothing was changed.")
    guard.resume(f"{person()}: {why}")
    sys.stdout.write("Restarts are allowed again, under the policy.\n")


def resolve(settings: Settings, server_id: str, why: str) -> None:
    """Free a server whose last restart has no known outcome. Raises `FirstlineError` when there is no such restart."""
    guard = _guard(settings)
    attempts = [attempt for attempt in guard.open_attempts() if attempt.server_id == server_id]
    if not attempts:
        raise FirstlineError(f"No restart of {server_id} is open: see `firstline status`; nothing was changed.")
    for attempt in attempts:
        refusal = guard.resolve(attempt, person=person(), why=why)
        if isinstance(refusal, Refusal):
            raise FirstlineError(f"{refusal.detail}; nothing was changed.")
    sys.stdout.write(f"{server_id} may be restarted again, after its cooldown.\n")


def _guard(settings: Settings) -> RestartGuard:
    # Without the policy file: a broken one is a good reason to halt. Its limits matter to workers only.
    return make_guard(connect(settings), Policy(), worker=f"{person()} at the command line")


def person() -> str:
    """Return who sits at the command line, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
