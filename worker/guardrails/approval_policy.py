"""Whether a restart that an engineer approved may be carried out now. Pure; it asks nobody.

It judges what the registry has of the proposal, and what the inventory says now: between a person's word and its
execution anything may have changed. It permits no restart: evidence, dependencies, maintenance and the guard follow as
for every other. Called by whoever takes an engineer's word, and by the duty before it carries one out.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from worker.contract.approval import Approval
from worker.contract.incident import Incident
from worker.contract.proposal import Decision, Proposal, follow_up_id
from worker.contract.result import Disposition, Refusal, TriageResult
from worker.contract.text import cut_to_bytes
from worker.guardrails.policy import RestartRules
from worker.ports import Server
from worker.terms import RestartPolicy

__all__ = [
    "approval_told",
    "refusal_of_approval",
    "refusal_of_policy",
    "refusal_of_resolved",
    "refusal_of_right",
    "refusal_of_unaudited",
    "server_as_approved",
    "told_as_recovered",
]

_WHY_BYTES: Final = 500
_APPROVABLE: Final = frozenset({RestartPolicy.APPROVE, RestartPolicy.AUTO})


def refusal_of_right(person: str, server: Server) -> Refusal | None:
    """Return why this person has no word on restarts of this server, or None."""
    approvers = server.terms.approvers
    if not approvers:
        detail = (
            f"Nobody is named who may approve a restart of {server.server_id}: "
            "write approvers = [...] to it, or to its group, in the inventory."
        )
        return Refusal(reason="no_approvers", detail=detail)
    if person not in approvers:
        named = ", ".join(sorted(approvers))
        return Refusal(
            reason="no_right", detail=f"{person} is not among the approvers of {server.server_id} ({named})."
        )
    return None


def refusal_of_policy(server: Server) -> Refusal | None:
    """Return why no approval helps this server, or None."""
    policy = server.terms.restart_policy
    if policy in _APPROVABLE:
        return None
    detail = f"The inventory allows no restart of {server.server_id}, approved or not (restart_policy {policy})."
    return Refusal(reason="policy_forbids", detail=detail)


def refusal_of_approval(
    incident: Incident, server: Server, proposal: Proposal | Refusal, *, rules: RestartRules
) -> Refusal | None:
    """Return the first reason against carrying out the approval that an incident has, or None.

    The registry must have it, and the audit too: of this very incident's proposal, in these words, of this person, in
    time, and not longer ago than a proposal holds; nobody has resolved the incident since. The person must have the
    right to it now, and the server's policy must allow it now.
    """
    if isinstance(proposal, Refusal):
        return proposal
    reasons = _objections_of_decision(incident, server, proposal, within_seconds=rules.proposal_seconds)
    first = next(reasons, None)
    if first is not None or incident.approval is None:
        return first or _no("not_approved", f"{incident.incident_id} has no approval.")
    return refusal_of_right(incident.approval.person, server) or refusal_of_policy(server)


def _objections_of_decision(
    incident: Incident, server: Server, proposal: Proposal, *, within_seconds: float
) -> Iterator[Refusal]:
    decided, name = proposal.decided, proposal.incident_id
    if incident.incident_id != follow_up_id(name):
        yield _no("not_its_incident", f"{incident.incident_id} is not the incident in which {name} is carried out.")
    if decided is None or decided.decision is not Decision.APPROVED:
        said = "nobody has decided on it" if decided is None else f"{decided.person} has rejected it"
        yield _no("not_approved", f"The restart that was proposed for {name} is not approved: {said}.")
        return
    if not decided.is_audited:
        yield refusal_of_unaudited(proposal)
    if proposal.resolved_by is not None:
        yield refusal_of_resolved(proposal)
    if incident.approval != Approval(incident_id=name, person=decided.person, why=decided.why):
        yield _no("not_approved", f"The approval of {name} that came is not the one that was given.")
    if proposal.server_id != server.server_id:
        yield _no("other_server", f"{name} proposed a restart of {proposal.server_id}, not of {server.server_id}.")
    waited_seconds = (decided.at - proposal.proposed_at).total_seconds()
    if abs(waited_seconds) > within_seconds:
        yield _no(
            "late", f"{name} was approved {waited_seconds / 60:.0f} min after it was proposed: that was too late."
        )
    age_seconds = (proposal.read_at - decided.at).total_seconds()
    if abs(age_seconds) > within_seconds:
        yield _no("approval_stale", f"{name} was approved {age_seconds / 60:.0f} min ago: that is too long ago.")


def refusal_of_unaudited(proposal: Proposal) -> Refusal:
    """Return why a decision counts for nothing that the audit does not tell of: somebody else wrote it."""
    detail = (
        f"The decision on {proposal.incident_id} is not in the audit: whoever wrote it, it was not taken by the desk. "
        "Ask who can write to Redis."
    )
    return _no("not_in_audit", detail)


def refusal_of_resolved(proposal: Proposal) -> Refusal:
    """Return why nothing is restarted for an incident that an engineer has resolved, whoever had approved it before."""
    detail = f"{proposal.incident_id} was resolved by {proposal.resolved_by}: its restart is not wanted any more."
    return _no("resolved", detail)


def server_as_approved(server: Server) -> Server:
    """Return the server as one run under an approval has it: under `approve` it may be restarted, else as it is."""
    if server.terms.restart_policy is not RestartPolicy.APPROVE:
        return server
    return replace(server, terms=replace(server.terms, restart_policy=RestartPolicy.AUTO))


def told_as_recovered(result: TriageResult) -> TriageResult:
    """Return the result of an approved restart; where it was not needed any more, it says so, and whose word it was."""
    approval = result.incident.approval
    if approval is None or result.disposition is not Disposition.NO_ACTION or result.restart is not None:
        return result
    told = (
        f"{result.server_id} had recovered before the restart that {approval.person} approved for "
        f"{approval.incident_id} was carried out: nothing was restarted."
    )
    refusals = (*result.refusals, _no("recovered_since", told))
    return result.model_copy(update={"summary": f"{told} {result.summary}", "refusals": refusals})


def approval_told(approval: Approval) -> str:
    """Return who approved what, for the guard's journal."""
    return f"approved by {approval.person} for {approval.incident_id}: {cut_to_bytes(approval.why, _WHY_BYTES)}"


def _no(reason: str, detail: str) -> Refusal:
    return Refusal(reason=reason, detail=detail)
