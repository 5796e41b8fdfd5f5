"""Whether an approved restart may be carried out, by what the registry and the inventory say at this moment.

It is asked twice: before the triage, and again right before the restart, for a triage takes its time. The judgement
itself is `guardrails/approval_policy.py`. Called by the duty.
"""

from redis.exceptions import RedisError

from worker.contract.incident import Incident
from worker.contract.result import Refusal
from worker.errors import ContractError, GuardrailUnavailable
from worker.guardrails.approval_policy import refusal_of_approval
from worker.guardrails.policy import RestartRules
from worker.ports import Server
from worker.registry.approvals import Approvals

__all__ = ["refusal_at_restart", "refusal_of_approved"]


def refusal_of_approved(
    incident: Incident, server: Server | str, *, approvals: Approvals, rules: RestartRules
) -> Refusal | None:
    """Return why the approval that an incident has does not hold, or None; one without an approval needs none.

    `server` is the reason where the inventory has none any more. Redis errors and `ContractError` pass through.
    """
    if incident.approval is None:
        return None
    if isinstance(server, str):
        return Refusal(reason="unknown_server", detail=server)
    return refusal_of_approval(incident, server, approvals.find(incident.approval.incident_id), rules=rules)


def refusal_at_restart(
    incident: Incident, server: Server | str, *, approvals: Approvals, rules: RestartRules
) -> Refusal | None:
    """Do the same for the guarded restart. Raises `GuardrailUnavailable`: what can't be read permits nothing."""
    try:
        return refusal_of_approved(incident, server, approvals=approvals, rules=rules)
    except (RedisError, ContractError) as error:
        told = f"Whether the approval still holds can't be read ({type(error).__name__})."
        raise GuardrailUnavailable(told) from error
