"""Proposed restarts: what waits for an engineer's word, and the one decision on each.

The entry of a closed incident that awaits approval is the proposal. It is decided once, within its time, by one script
on Redis' clock that writes the audit too: a decision that is not in the audit was not made. Whether the person may
decide is asked before (`escalation/approving.py`), and at execution again (`duty.py`). Nothing here reaches a server.

Whoever reads a decision looks for its entry in the audit, too. Who can write to Redis can forge both: that is not
prevented here, but then it stands in the audit for everybody to see.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final
from uuid import uuid4

from redis import Redis

from worker.contract.approval import PERSON_CHARACTERS, WHY_CHARACTERS
from worker.contract.handling import HandlingState
from worker.contract.proposal import Decided, Decision, Proposal, follow_up_id
from worker.contract.queue import PROPOSALS, handling_key, incident_key
from worker.contract.result import Disposition, Refusal, TriageResult
from worker.contract.text import visible
from worker.errors import ConfigurationError, ContractError
from worker.redaction import SECRETS_MASKER
from worker.registry.audit import AuditAction, AuditEntry, AuditLog, ChainedWrite
from worker.registry.view import IncidentState, time_of, unreadable

__all__ = ["DECIDED", "Approvals"]

DECIDED: Final = "decided"
"""The refusal of a decision where there is one already."""

_ACTION_OF: Final = {Decision.APPROVED: AuditAction.APPROVE, Decision.REJECTED: AuditAction.REJECT}
_FIELDS: Final = (
    "state", "disposition", "closed_at", "result", "decision", "decided_by", "decided_at", "decision_why",
    "decision_audited_as",
)  # fmt: skip

_REFUSALS: Final[Mapping[str, str]] = {
    "unknown": "{incident} is not known, or it was closed so long ago that it is forgotten.",
    "no_result": "{incident} has no result yet: nothing is proposed for it.",
    "not_awaiting": "{incident} ended as {0}: no restart is proposed for it.",
    "late": "{incident} was proposed {0} min ago, and a proposal holds for {1} min: look at the server again.",
    "resolved": "{incident} was resolved by {0}, so no restart is wanted for it any more: reopen it first.",
    DECIDED: "{incident} was {0} already, by {1} at {2}: a proposal is decided once.",
}


class Approvals:
    """The proposals of all incidents; safe to use from many threads.

    Redis errors pass through every method. `ContractError` says that what is stored can't be read.
    """

    def __init__(self, redis: Redis) -> None:
        if not redis.get_encoder().decode_responses:
            raise ConfigurationError("Approvals need a Redis client made with decode_responses=True.")
        self._redis = redis
        self._audit = AuditLog(redis)
        self._decide = ChainedWrite(redis, "decide.lua")

    def find(self, incident_id: str) -> Proposal | Refusal:
        """Read a proposal and what was decided, or say why there is none. Raises `ContractError`."""
        with self._redis.pipeline() as pipeline:
            pipeline.time()
            pipeline.hmget(incident_key(incident_id), _FIELDS)
            pipeline.hmget(handling_key(incident_id), ["state", "person"])
            (seconds, microseconds), values, (state, person) = pipeline.execute()
        fields = {name: str(value) for name, value in zip(_FIELDS, values, strict=True) if value is not None}
        if not fields:
            return _refusal(incident_id, "unknown")
        if fields.get("state") != IncidentState.CLOSED:
            return _refusal(incident_id, "no_result")
        if fields.get("disposition") != Disposition.AWAITING_APPROVAL:
            return _refusal(incident_id, "not_awaiting", fields.get("disposition", ""))
        try:
            proposal = _proposal_of(incident_id, fields, now_ms=seconds * 1000 + microseconds // 1000)
            decided = self._decision_of(incident_id, fields)
        except (KeyError, ValueError, OverflowError) as error:
            raise unreadable(incident_id, error) from None
        resolved_by = str(person) if state == HandlingState.RESOLVED else None
        return proposal.model_copy(update={"decided": decided, "resolved_by": resolved_by})

    def _decision_of(self, incident_id: str, fields: Mapping[str, str]) -> Decided | None:
        if "decision" not in fields:
            return None
        decision, person, why = Decision(fields["decision"]), fields["decided_by"], fields["decision_why"]
        expected = AuditEntry(
            action=_ACTION_OF[decision],
            why=why,
            incident_id=incident_id,
            details=_details_of(incident_id, fields["result"]),
            person=person,
        )
        return Decided(
            decision=decision,
            person=person,
            why=why,
            at=time_of(int(fields["decided_at"])),
            is_audited=self._audit.has(fields.get("decision_audited_as", ""), expected),
        )

    def decide(
        self, incident_id: str, decision: Decision, *, person: str, why: str, within_seconds: float
    ) -> Proposal | Refusal:
        """Decide on a proposal that is at most `within_seconds` old and return it, or the reason why not.

        Of any number at once one is written; the others hear whose it was. Raises as `ChainedWrite` does; then it may
        have been written: ask `find`. Also raises `ContractError`.
        """
        who = visible(person)[:PERSON_CHARACTERS]
        told = SECRETS_MASKER.checked(visible(why))[:WHY_CHARACTERS]
        proposed = str(self._redis.hget(incident_key(incident_id), "result") or "")
        entry = AuditEntry(
            action=_ACTION_OF[decision],
            why=told,
            incident_id=incident_id,
            details=_details_of(incident_id, proposed),
            entry_id=f"decision:{uuid4().hex}",
            person=who,
        )
        reply = self._decide(
            entry,
            keys=(incident_key(incident_id), PROPOSALS, handling_key(incident_id)),
            args=(incident_id, decision, who, told, round(within_seconds * 1000)),
        )
        if reply[0] == "decided":
            return self.find(incident_id)
        if reply[1] == DECIDED:
            return _refusal_of_decided(self.find(incident_id))
        if reply[1] == "late":
            return _refusal(incident_id, "late", f"{int(reply[2]) / 60_000:.0f}", f"{within_seconds / 60:g}")
        return _refusal(incident_id, str(reply[1]), str(reply[2]))

    def waiting(self, *, within_seconds: float, limit: int) -> tuple[Proposal, ...]:
        """List at most `limit` proposals that can still be decided, the oldest first; one that can't be read is not.

        Also those that are approved, but not taken in: whoever approved them heard of a failure, or died.
        """
        seconds, _ = self._redis.time()
        since = round((seconds - within_seconds) * 1000)
        listed = map(str, self._redis.zrangebyscore(PROPOSALS, since, "+inf"))
        found = map(self._readable, self._unresolved(list(listed)))
        waiting = (
            each
            for each in found
            if each is not None and each.resolved_by is None and (each.decided is None or each.is_approved)
        )
        return tuple(islice(waiting, limit))

    def _unresolved(self, incident_ids: Sequence[str]) -> list[str]:
        """Leave out at the cost of one what engineers resolved: there may be many, and each hides no other."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for incident_id in incident_ids:
                pipeline.hget(handling_key(incident_id), "state")
            states = pipeline.execute(raise_on_error=False)
        found = zip(incident_ids, states, strict=True)
        return [incident_id for incident_id, state in found if state != HandlingState.RESOLVED]

    def note_taken_in(self, incident_id: str) -> None:
        """Take an approved proposal off the list, once the incident that carries it out is there."""
        self._redis.zrem(PROPOSALS, incident_id)

    def _readable(self, incident_id: str) -> Proposal | None:
        try:
            proposal = self.find(incident_id)
        except ContractError:
            return None
        return None if isinstance(proposal, Refusal) else proposal


def _details_of(incident_id: str, proposed: str) -> dict[str, str]:
    """Bind a decision to the very result that proposed: its server can't be made another one afterwards."""
    digest = hashlib.sha256(proposed.encode("utf-8", "backslashreplace")).hexdigest()
    try:
        server_id = str(json.loads(proposed)["server_id"])
    except (ValueError, TypeError, KeyError):
        server_id = "unreadable"
    return {"follow_up": follow_up_id(incident_id), "server_id": server_id, "proposed_by_sha256": digest}


def _refusal_of_decided(proposal: Proposal | Refusal) -> Refusal:
    if isinstance(proposal, Refusal):
        return proposal
    if proposal.decided is None:
        raise ContractError(f"The decision on {proposal.incident_id} is not there any more.")
    at = f"{proposal.decided.at:%Y-%m-%d %H:%M:%S}Z"
    return _refusal(proposal.incident_id, DECIDED, proposal.decided.decision, proposal.decided.person, at)


def _proposal_of(incident_id: str, fields: Mapping[str, str], *, now_ms: int) -> Proposal:
    result = TriageResult.model_validate_json(fields["result"])
    if result.incident.incident_id != incident_id or result.server_id is None:
        raise ContractError(f"The registry's entry of {incident_id} holds no proposal of its own.")
    return Proposal(
        incident_id=incident_id,
        server_id=result.server_id,
        service=result.service,
        summary=result.summary,
        proposed_at=time_of(int(fields["closed_at"])),
        read_at=time_of(now_ms),
    )


def _refusal(incident_id: str, reason: str, *values: str) -> Refusal:
    return Refusal(reason=reason, detail=_REFUSALS[reason].format(*values, incident=incident_id))
