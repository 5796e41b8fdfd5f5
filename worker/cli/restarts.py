"""`firstline halt`, `resume` and `resolve`: a person's word on restarts, written down with who said it and why.

None of them says that something is so, or isn't, unless Redis has confirmed it.
"""

import sys
from typing import Final

from worker.bootstrap import connect, make_guard
from worker.cli.failures import confirmed, is_silent, redis_error_of
from worker.cli.person import person
from worker.cli.words import one_line
from worker.contract.result import Refusal
from worker.errors import ConfigurationError, FirstlineError, GuardrailUnavailable
from worker.guardrails.policy import Policy
from worker.guardrails.restart_attempt import RestartAttempt, RestartState
from worker.guardrails.restart_guard import RestartGuard
from worker.settings import RedisSettings

__all__ = ["guard_of", "halt", "resolve", "resume", "why_halted"]

_STATUS: Final = "firstline status"


def guard_of(settings: RedisSettings) -> RestartGuard:
    """Return the guard for a person's word: a policy file that can't be read is a good reason to halt, not to fail."""
    try:
        policy = Policy.load(settings.policy_file)
    except ConfigurationError:
        policy = Policy()
    return make_guard(connect(settings), policy, worker=f"{person()} at the command line")


def halt(guard: RestartGuard, why: str) -> None:
    """Stop all restarts, of every worker, from now on; what has leave already may still happen, and is named."""
    surely = "To stop all restarts for certain, stop the workers."
    with confirmed("restarts are halted", look=_STATUS, meanwhile=surely):
        guard.halt(f"{person()}: {why}")
    sys.stdout.write(f"{_halted(guard)} Triages go on and escalate.\n")


def _halted(guard: RestartGuard) -> str:
    until = "until `firstline resume`"
    try:
        under_way = [attempt.server_id for attempt in guard.open_attempts() if attempt.state is RestartState.SENT]
        under_way += [f"that of {incident_id}, which can't be read" for incident_id in guard.unreadable_attempts()]
    except GuardrailUnavailable:
        return f"No restart is given leave any more, {until}; which ones have leave already, `{_STATUS}` says."
    if not under_way:
        return f"All restarts are halted, {until}."
    number = "1 restart has" if len(under_way) == 1 else f"{len(under_way)} restarts have"
    which = one_line(", ".join(under_way))
    return f"No further restart is given leave, {until}. {number} leave already, and may still happen: {which}."


def resume(guard: RestartGuard, why: str) -> None:
    """Allow restarts again, under the policy. Raises `FirstlineError` when they are not halted."""
    with confirmed("restarts are halted", look=_STATUS):
        if why_halted(guard) is None:
            raise FirstlineError("Restarts are not halted. Nothing was changed.")
        guard.resume(f"{person()}: {why}")
    sys.stdout.write("Restarts are allowed again, under the policy.\n")


def resolve(guard: RestartGuard, server_id: str, why: str) -> None:
    """Free a server whose last restart has no known outcome. Raises `FirstlineError` when there is no such restart."""
    server = one_line(server_id)
    with confirmed(f"{server} is still closed", look=_STATUS):
        attempts = [attempt for attempt in guard.open_attempts() if attempt.server_id == server_id]
        if not attempts:
            raise FirstlineError(f"{_nothing_open(guard, server)} Nothing was changed.")
        refusals = _resolved(guard, attempts, why)
    if refusals:
        done = len(attempts) - len(refusals)
        changed = f"{done} of its {len(attempts)} open restarts were resolved" if done else "Nothing was changed"
        raise FirstlineError(f"{' '.join(refusals)} {changed}.")
    sys.stdout.write(f"{server} may be restarted again, after its cooldown.\n")


def _resolved(guard: RestartGuard, attempts: list[RestartAttempt], why: str) -> list[str]:
    """Resolve what can be, and return the sentences of what was refused."""
    answers = [guard.resolve(attempt, person=person(), why=why) for attempt in attempts]
    return [one_line(answer.detail) for answer in answers if isinstance(answer, Refusal)]


def _nothing_open(guard: RestartGuard, server: str) -> str:
    unreadable = guard.unreadable_attempts()
    if not unreadable:
        return f"No restart of {server} is open: see `{_STATUS}`."
    return (
        f"No restart of {server} is open that can be read, but the stored restarts of "
        f"{one_line(', '.join(unreadable))} can't be read, and may be of this server."
    )


def why_halted(guard: RestartGuard) -> str | None:
    """Return why restarts are halted, or None when they are not.

    The guard obeys the key, whatever it holds: one that can't be read halts too.
    """
    try:
        why = guard.halted()
    except GuardrailUnavailable as failure:
        if is_silent(failure):
            raise
        return f"the reason can't be read ({redis_error_of(failure) or failure})"
    return None if why is None else why or "no reason is given"
