"""An engineer's word on a proposed restart: who may say it, and how an approval is carried out.

`firstline approve` and `reject` call it, and whatever else takes a person's word. It restarts nothing: an approval is
taken in as an incident of its own, and a worker looks at everything again before it restarts. Who `person` is, the
caller must know for certain. Their `why` is masked here, once: nothing behind this door has it unmasked.
"""

from dataclasses import dataclass
from typing import Protocol

from redis import Redis

from producers.intake import Answer, take_in
from worker.contract.handling import DESK
from worker.contract.proposal import Decision, Proposal, follow_up_id, follow_up_of
from worker.contract.result import Refusal
from worker.contract.text import visible
from worker.errors import FirstlineError
from worker.guardrails.approval_policy import (
    refusal_of_policy,
    refusal_of_resolved,
    refusal_of_right,
    refusal_of_unaudited,
)
from worker.ports import Server
from worker.redaction import STATELESS_MASKER
from worker.registry.approvals import DECIDED, Approvals
from worker.registry.audit import AuditAction, AuditEntry, AuditLog

__all__ = ["Approving", "Said", "Servers"]


class Servers(Protocol):
    """The inventory, as far as it is asked here."""

    def named(self, server_id: str) -> Server | None:
        """Return the server of this name, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A proposal as it stands now. `is_news` is False where it was approved before; `follow_up_id` carries it out."""

    proposal: Proposal
    is_news: bool
    follow_up_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approving:
    """Takes engineers' words on proposals, which hold for `within_seconds`. Safe from many threads.

    Redis errors, `IntakeUnavailable` and `ContractError` pass through: then it may have been decided, and saying the
    same again is safe.
    """

    redis: Redis
    servers: Servers
    within_seconds: float

    def approve(self, incident_id: str, *, person: str, why: str) -> Said | Refusal:
        """Approve a proposed restart and take it in, or return the reason why not.

        What was approved before, by whomever, is taken in again as long as it holds: its intake may have failed.
        Raises `FirstlineError` where it is approved, but could not be taken in.
        """
        answer = self._decided(incident_id, Decision.APPROVED, person=person, why=why)
        if not isinstance(answer, Refusal):
            return self._taken_in(answer, is_news=True)
        stands = Approvals(self.redis).find(incident_id)
        if answer.reason != DECIDED or isinstance(stands, Refusal) or not stands.is_approved:
            return answer
        if stands.decided is not None and not stands.decided.is_audited:
            return refusal_of_unaudited(stands)
        return self._taken_in(stands, is_news=False)

    def reject(self, incident_id: str, *, person: str, why: str) -> Said | Refusal:
        """Reject a proposed restart, or return the reason why not."""
        answer = self._decided(incident_id, Decision.REJECTED, person=person, why=why)
        return answer if isinstance(answer, Refusal) else Said(proposal=answer, is_news=True)

    def _decided(self, incident_id: str, decision: Decision, *, person: str, why: str) -> Proposal | Refusal:
        approvals = Approvals(self.redis)
        proposal = approvals.find(incident_id)
        if isinstance(proposal, Refusal):
            return proposal
        refusal = None if proposal.decided else self._refusal_of_person(proposal, decision, person)
        if refusal is not None:
            self._note(refusal, incident_id, decision, person=person)
            return refusal
        masked = STATELESS_MASKER.checked(visible(why))
        return approvals.decide(incident_id, decision, person=person, why=masked, within_seconds=self.within_seconds)

    def _refusal_of_person(self, proposal: Proposal, decision: Decision, person: str) -> Refusal | None:
        server = self.servers.named(proposal.server_id)
        if server is None:
            detail = f"{proposal.server_id} is not in the inventory any more: nobody has a word on its restart."
            return Refusal(reason="unknown_server", detail=detail)
        refusal = refusal_of_right(person, server)
        return refusal or (refusal_of_policy(server) if decision is Decision.APPROVED else None)

    def _note(self, refusal: Refusal, incident_id: str, decision: Decision, *, person: str) -> None:
        """Write down who wanted what without the right to it."""
        details = {"asked": decision, "reason": refusal.reason}
        entry = AuditEntry(
            action=AuditAction.REFUSAL, why=refusal.detail, incident_id=incident_id, details=details, person=person
        )
        AuditLog(self.redis).append(entry)

    def _taken_in(self, proposal: Proposal, *, is_news: bool) -> Said | Refusal:
        """Open the incident that carries an approval out; it is one, however often this is done."""
        assert proposal.decided is not None  # noqa: S101 - it is approved
        if proposal.resolved_by == DESK:  # its restart is done, and proven to have helped
            return Said(proposal=proposal, is_news=is_news, follow_up_id=follow_up_id(proposal.incident_id))
        if proposal.resolved_by is not None:
            return refusal_of_resolved(proposal)
        age_seconds = (proposal.read_at - proposal.decided.at).total_seconds()
        if age_seconds > self.within_seconds:
            detail = (
                f"{proposal.incident_id} was approved by {proposal.decided.person} {age_seconds / 60:.0f} min ago: "
                "what was not carried out by now is not carried out any more."
            )
            return Refusal(reason="approval_stale", detail=detail)
        follow_up = follow_up_of(proposal, proposal.decided)
        (verdict,) = take_in(self.redis, [follow_up])
        if verdict.answer is Answer.FULL:
            raise FirstlineError(
                f"{proposal.incident_id} is approved, but too many incidents are open to take it in: approve it again."
            )
        Approvals(self.redis).note_taken_in(proposal.incident_id)
        return Said(proposal=proposal, is_news=is_news, follow_up_id=follow_up.incident_id)
