"""A restart whose worker was lost before it could say how it ended: looked after read-only, never ordered again.

The intent was written before the order, so the next worker that takes the incident up finds it. When Redis is
unavailable this raises `GuardrailUnavailable`, and the server stays closed as it was.
"""

from typing import Final

from worker.contract.result import RestartOutcome, RestartRecord
from worker.errors import SourceUnavailable
from worker.guardrails.restart_attempt import RestartAttempt, RestartState
from worker.guardrails.restart_guard import RestartGuard
from worker.ports import Server

__all__ = ["look_after"]

_OUTCOME_OF: Final = {
    RestartState.RESTORED: RestartOutcome.PROOF_LOST,  # its probes went with the worker that had read them
    RestartState.NOT_RESTORED: RestartOutcome.NOT_RESTORED,
    RestartState.NOT_DONE: RestartOutcome.NOT_DONE,
    RestartState.RESOLVED: RestartOutcome.RESOLVED,
}


def look_after(attempt: RestartAttempt, *, server: Server | str, guard: RestartGuard) -> RestartRecord | None:
    """Return what is known of an interrupted restart, for an engineer; None when certainly nothing was restarted.

    One that was never sent is withdrawn: its server is free, the incident has had its attempt. One that was sent is
    UNKNOWN, whatever health says now, and keeps its server closed until a person resolves it. Where the lost worker, or
    a late one, has written an outcome after all, or a person has resolved it, that is told and stands.
    """
    if attempt.is_undone:
        return None
    if (
        attempt.state is RestartState.INTENT
        and guard.withdraw(attempt, "its worker was lost before it was sent") is None
    ):
        return None
    seen = _what_health_says(attempt, server)
    guard.record(attempt, RestartOutcome.UNKNOWN, seen)
    settled = guard.attempt_of(attempt.incident_id) or attempt
    if settled.state is RestartState.UNKNOWN:
        told = f"{seen}. Its server stays closed to restarts until a person resolves it"
    else:
        told = f"it is recorded as {settled.state} ({settled.detail}); now {seen}"
    return RestartRecord(
        server_id=attempt.server_id,
        fence=attempt.fence,
        ordered_at=attempt.ordered_at,
        outcome=_OUTCOME_OF.get(settled.state, RestartOutcome.UNKNOWN),
        detail=f"{attempt.worker} was given leave to restart it, and its triage has not told what came of that; {told}",
    )


def _what_health_says(attempt: RestartAttempt, server: Server | str) -> str:
    if isinstance(server, str):
        return "its server is not in the inventory any more"
    try:
        health = server.health.read_health()
    except SourceUnavailable as failure:
        return f"its health can't be read ({failure})"
    except Exception as failure:  # noqa: BLE001 - a source that breaks must not keep what happened from being told
        return f"its health can't be read ({type(failure).__name__})"
    state = "health is good" if health.is_good else ", ".join(health.symptoms) or "health is unclear"
    return f"{_when_it_started(health.running_seconds, attempt)}, and {state}"


def _when_it_started(running_seconds: float | None, attempt: RestartAttempt) -> str:
    """Put two durations beside each other: the server's clock and Redis' may tell different times."""
    if running_seconds is None:
        return "when the service started is not known"
    side = "since" if running_seconds <= attempt.age_seconds else "before"
    ages = f"it has been running for {running_seconds:.0f} s, the leave was asked for {attempt.age_seconds:.0f} s ago"
    return f"the service seems to have started {side} ({ages})"
