"""A restart that was proposed to engineers, what they decided, and the incident in which an approval is carried out.

The registry's entry of a closed incident is the proposal; its id is that incident's. All times are of Redis' clock.
"""

from enum import StrEnum

from pydantic import AwareDatetime

from worker.contract.approval import Approval
from worker.contract.base import Frozen, IncidentId
from worker.contract.incident import Incident, Severity, identity

__all__ = ["Decided", "Decision", "Proposal", "follow_up_id", "follow_up_of"]


class Decision(StrEnum):
    """What an engineer says to a proposal."""

    APPROVED = "approved"
    REJECTED = "rejected"


class Decided(Frozen):
    """The one decision on a proposal; there is no second. `is_audited` says whether the audit tells the same."""

    decision: Decision
    person: str
    why: str
    at: AwareDatetime
    is_audited: bool


class Proposal(Frozen):
    """A proposed restart as it stood at `read_at`; `decided` is None while nobody has said anything.

    `resolved_by` is whoever resolved its incident, as long as it stays so: then nothing is to be restarted for it.
    """

    incident_id: IncidentId
    server_id: str
    service: str | None
    summary: str
    proposed_at: AwareDatetime
    read_at: AwareDatetime
    decided: Decided | None = None
    resolved_by: str | None = None

    @property
    def is_approved(self) -> bool:
        """Whether it was decided, and with yes."""
        return self.decided is not None and self.decided.decision is Decision.APPROVED

    def seconds_left(self, within_seconds: float) -> float:
        """Return how long it can still be decided, or taken in once it was; negative when that is over.

        A proposal holds for `within_seconds`, and so does a decision on it.
        """
        since = self.decided.at if self.decided else self.proposed_at
        return within_seconds - (self.read_at - since).total_seconds()


def follow_up_id(incident_id: str) -> str:
    """Return the id of the incident in which a proposal is carried out: each proposal has one, so it is used once."""
    return identity(f"approval:{incident_id}", "approved")


def follow_up_of(proposal: Proposal, decided: Decided) -> Incident:
    """Return that incident; the same one whoever makes it, however often. The person's words stand in no text of it."""
    return Incident(
        incident_id=follow_up_id(proposal.incident_id),
        source="approval",
        fingerprint=f"approval:{proposal.incident_id}",
        server_id=proposal.server_id,
        service=proposal.service,
        text=f"A restart of {proposal.server_id} was approved for {proposal.incident_id}.",
        severity=Severity.CRITICAL,
        started_at=decided.at,
        received_at=decided.at,
        approval=Approval(incident_id=proposal.incident_id, person=decided.person, why=decided.why),
    )
