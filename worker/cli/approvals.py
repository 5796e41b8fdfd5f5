"""`firstline approve`, `reject` and `proposals`: an engineer's word on a restart that the desk has proposed.

The person is the account that the command runs under, by the kernel's word: a variable of the environment gives nobody
a right. None of them says that something is so unless Redis has confirmed it; nothing here restarts anything.
"""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from redis import Redis

from worker.bootstrap import connect
from worker.cli.failures import confirmed
from worker.cli.person import person
from worker.cli.queue_summary import cut_to_words, in_short
from worker.cli.words import one_line
from worker.clock import SystemClock
from worker.contract.proposal import Proposal
from worker.contract.result import Refusal
from worker.errors import ConfigurationError, ContractError, FirstlineError
from worker.escalation.approving import Approving, Said
from worker.guardrails.policy import Policy
from worker.infrastructure.inventory import Inventory
from worker.registry.approvals import Approvals
from worker.registry.follow_ups import told_of_end
from worker.registry.view import RegistryView
from worker.settings import RedisSettings, Settings, read_environment

__all__ = ["approve", "approving_of", "list_proposals", "proposal_seconds", "reject"]

_LISTED: Final = 1_000
_SUMMARY_CHARACTERS: Final = 300
_AGAIN: Final = "To say the same again is safe."


def approving_of(settings: Settings) -> Approving:
    """Return what takes a person's word, under the inventory and the policy of this machine."""
    return Approving(
        redis=connect(settings),
        servers=Inventory.load(settings.inventory_file, SystemClock(), environment=read_environment()),
        within_seconds=Policy.load(settings.policy_file).restart.proposal_seconds,
    )


def approve(approving: Approving, incident_id: str, why: str) -> None:
    """Approve a proposed restart. Raises `FirstlineError` with the reason when it can't be."""
    said = _said(approving.approve, incident_id, why, whether="approved")
    server, decided = one_line(said.proposal.server_id), said.proposal.decided
    assert decided is not None  # noqa: S101 - it was just decided, or before
    look = f"see `firstline show {said.follow_up_id}`"
    if said.is_news:
        told = f"is approved. A worker looks once more, and restarts it if everything still speaks for it: {look}"
    else:
        how = _end_of(approving.redis, said) or f"It is done once: {look}."
        told = f"was approved already, by {one_line(decided.person)} at {decided.at:%H:%M} UTC. {how}"
    sys.stdout.write(f"The restart of {server} {told.removesuffix('.')}.\n")


def _end_of(redis: Redis, said: Said) -> str | None:
    """Tell how an approved restart ended; None where it has not ended, or that can't be read."""
    with suppress(ContractError):
        entry = RegistryView(redis).find(said.follow_up_id or "")
        return one_line(told_of_end(entry.result)) if entry and entry.result else None
    return None


def reject(approving: Approving, incident_id: str, why: str) -> None:
    """Reject a proposed restart. Raises `FirstlineError` with the reason when it can't be."""
    said = _said(approving.reject, incident_id, why, whether="rejected")
    sys.stdout.write(f"The restart of {one_line(said.proposal.server_id)} is rejected, and will not be done.\n")


def _said(say: Callable[..., Said | Refusal], incident_id: str, why: str, *, whether: str) -> Said:
    with confirmed(f"{one_line(incident_id)} is {whether}", look="firstline proposals", meanwhile=_AGAIN):
        answer = say(incident_id, person=person(), why=why)
    if isinstance(answer, Refusal):
        raise FirstlineError(f"{one_line(answer.detail)} Nothing was changed.")
    return answer


def list_proposals(settings: RedisSettings, *, as_json: bool) -> None:
    """Print the proposals that wait for a word, or whose approval was not taken in, the oldest first."""
    within_seconds, connection = proposal_seconds(settings), connect(settings)
    waiting = Approvals(connection).waiting(within_seconds=within_seconds, limit=_LISTED)
    for proposal in waiting:
        told = _told(proposal, within_seconds=within_seconds)
        sys.stdout.write(f"{json.dumps(told) if as_json else _line_of(told)}\n")
    if not waiting and not as_json:
        sys.stdout.write("No restart waits for an engineer's word.\n")


def proposal_seconds(settings: RedisSettings) -> float:
    """Return how long a proposal holds; who only looks needs no file."""
    try:
        return Policy.load(settings.policy_file).restart.proposal_seconds
    except ConfigurationError:
        return Policy().restart.proposal_seconds


def _told(proposal: Proposal, *, within_seconds: float) -> dict[str, Any]:
    seconds_left = proposal.seconds_left(within_seconds)
    return {
        "incident_id": proposal.incident_id,
        "server_id": proposal.server_id,
        "service": proposal.service,
        "proposed_at": proposal.proposed_at.isoformat(),
        "approve_until": (proposal.read_at + timedelta(seconds=seconds_left)).isoformat(),
        "minutes_left": round(max(0.0, seconds_left) / 60, 1),
        "approved_by": proposal.decided and proposal.decided.person,
        "summary": proposal.summary,
    }


def _line_of(told: dict[str, Any]) -> str:
    summary = cut_to_words(in_short(one_line(told["summary"])), _SUMMARY_CHARACTERS)
    by = told["approved_by"]
    undone = "" if by is None else f"approved by {one_line(by)}, but not taken in: approve it again  "
    where = f"{told['incident_id']}  {one_line(told['server_id'])}"
    return f"{where}  {told['minutes_left']:.0f} min left  {undone}{summary}"
