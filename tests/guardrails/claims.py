"""Asking the restart guard under a claim that holds, as every worker must."""

from typing import Any

from worker.contract.queue import incident_key
from worker.contract.result import Refusal
from worker.guardrails.restart_attempt import RestartPlan
from worker.guardrails.restart_guard import Grant, RestartGuard

__all__ = ["FIRST_CLAIM", "ask", "claim", "end_claim"]

FIRST_CLAIM = "1@7"
NO_PLAN = RestartPlan()

_YEARS_MILLISECONDS = 10 * 365 * 24 * 3600 * 1000


def claim(redis: Any, incident_id: str, *, epoch: int = 1, accepted_at: int = 7) -> None:
    """Write the registry's entry of an incident that is claimed for years, under this epoch."""
    seconds, _ = redis.time()
    entry = {"state": "CLAIMED", "epoch": epoch, "accepted_at": accepted_at}
    redis.hset(incident_key(incident_id), mapping=entry | {"lease_until": 1000 * seconds + _YEARS_MILLISECONDS})


def end_claim(redis: Any, incident_id: str) -> None:
    """Let the incident's lease run out, as when its worker is lost."""
    redis.hset(incident_key(incident_id), "lease_until", 1)


def ask(
    guard: RestartGuard,
    incident_id: str,
    server_id: str,
    *,
    evidence: str = "",
    plan: RestartPlan = NO_PLAN,
) -> Grant | Refusal:
    """Claim the incident, unless it is claimed, and ask for its restart."""
    if not guard._redis.exists(incident_key(incident_id)):
        claim(guard._redis, incident_id)
    return guard.request(
        incident_id,
        server_id,
        claim=FIRST_CLAIM,
        evidence=evidence,
        plan=plan,
    )
