"""A restart whose worker was lost before it could say how it ended: looked after read-only, never ordered again.

The intent was written before the order, so the next worker that takes the incident up finds it. When Redis is
unavailable this raises `GuardrailUnavailable`, and the server stays closed as it was.
"""

from worker.contract.result import RestartOutcome, RestartRecord
from worker.errors import SourceUnavailable
from worker.guardrails.restart_attempt import RestartAttempt, RestartState
from worker.guardrails.restart_guard import RestartGuard
from worker.ports import Server

__all__ = ["look_after"]


def look_after(attempt: RestartAttempt, *, server: Server | str, guard: RestartGuard) -> RestartRecord | None:
    """Return what is known of an interrupted restart, for an engineer; None when it was never sent.

    One that was never sent is withdrawn: its server is free, the incident has had its attempt. One that was sent is
    UNKNOWN, whatever health says now, and keeps its server closed until a person resolves it. Where the lost worker, or
    a late one, has written an outcome after all, that outcome is told and stands.
    """
    if attempt.state is RestartState.WITHDRAWN:
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
        told = f"recorded as {settled.state} ({settled.detail}); now {seen}"
    return RestartRecord(
        server_id=attempt.server_id,
        fence=attempt.fence,
        ordered_at=attempt.ordered_at,
        outcome=_outcome_of(settled.state),
        detail=f"a restart was ordered by {attempt.worker}, whose triage has not told its end; {told}",
    )


def _what_health_says(attempt: RestartAttempt, server: Server | str) -> str:
    if isinstance(server, str):
        return "its server is not in the inventory any more"
    try:
        health = server.health.read_health()
    except SourceUnavailable as failure:
        return f"its health can't be read ({failure})"
    if health.service_started_at is None:
        when = "when the service started is not known"
    else:
        side = "after" if health.service_started_at >= attempt.ordered_at else "before"
        when = f"the service started {side} the order, at {health.service_started_at:%H:%M:%S} UTC"
    return f"{when}, and {'health is good' if health.is_good else ', '.join(health.symptoms) or 'health is unclear'}"


def _outcome_of(state: RestartState) -> RestartOutcome:
    """A recorded RESTORED is told as UNKNOWN: its probes went with the worker that had read them."""
    known = {RestartState.NOT_RESTORED: RestartOutcome.NOT_RESTORED, RestartState.FAILED: RestartOutcome.FAILED}
    return known.get(state, RestartOutcome.UNKNOWN)
