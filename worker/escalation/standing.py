"""What has become of an incident since its result was published: whether anybody still needs its page.

An engineer may resolve an incident, or decide on a proposal, while its page waits: for a dead consumer, for a sink that
is down, for the end of quiet hours. Asked by each sender right before a page is sent. What can't be read is sent: a
page too many is better than none. The dispatcher asks what was concluded of an incident before, and what opened it
again. Of all that it writes what the recorder writes too, where that has not come to it yet: that a result waits for
engineers, and how an approved restart ended.
"""

from dataclasses import dataclass, replace
from typing import Final

import structlog
from redis import Redis
from redis.exceptions import ResponseError

from worker.contract import Disposition, TriageResult
from worker.contract.handling import Action, Handled, Handling, HandlingState
from worker.contract.quoting import one_line
from worker.contract.result import Refusal
from worker.errors import ContractError
from worker.registry.approvals import Approvals
from worker.registry.concluded import Concluded
from worker.registry.follow_ups import tell_end
from worker.registry.handling import Handlings
from worker.registry.view import RegistryView

__all__ = ["Standing", "Standings"]

_SHOWN_OF: Final = {
    HandlingState.CLAIMED: Action.CLAIM,
    HandlingState.ACKNOWLEDGED: Action.ACKNOWLEDGE,
    HandlingState.RESOLVED: Action.RESOLVE,
}

_UNREADABLE: Final = (ContractError, ResponseError)
"""What stands in Redis is not of its form, or not even of its type; a Redis that is away is neither."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`settled` says in words why nobody needs the page, or is None; `done` is what a sink is to show of it."""

    settled: str | None = None
    done: Handled | None = None


class Standings:
    """Asks Redis; safe from many threads. The client must decode its replies."""

    def __init__(self, redis: Redis) -> None:
        self._handlings = Handlings(redis)
        self._approvals = Approvals(redis)
        self._registry = RegistryView(redis)

    def of(self, result: TriageResult) -> Standing:
        """Return how a result's incident stands now. Raises `RedisError`."""
        incident_id = result.incident.incident_id
        try:
            handling = self._handlings.find(incident_id)
            standing = _standing_of(handling)
            if standing.settled is None and result.disposition is Disposition.AWAITING_APPROVAL:
                return replace(standing, settled=self._decided(incident_id, _newest(handling, Action.REOPEN)))
        except _UNREADABLE as error:
            log.warning("standing.not_read", incident_id=incident_id, error=str(error))
            return Standing()
        return standing

    def result_of(self, incident_id: str) -> TriageResult | None:
        """Return an incident's result, or None where it is forgotten or can't be read. Raises `RedisError`."""
        try:
            entry = self._registry.find(incident_id)
        except _UNREADABLE as error:
            log.warning("standing.not_read", incident_id=incident_id, error=str(error))
            return None
        return entry.result if entry is not None else None

    def opened_again(self, result: TriageResult) -> Handled | None:
        """Return the opening, if a result opened its incident again, or first as far as anybody remembers; else None.

        A result that nobody has recorded yet is let wait first: else it would open its incident after it was looked at.
        Raises `RedisError`.
        """
        if not Concluded.of(result).needs_engineers:
            return None
        try:
            self._handlings.open(result)
            handling = self._handlings.find(result.incident.incident_id)
            is_open = handling is not None and handling.state is not HandlingState.RESOLVED
            return self._handlings.opened_by(result) if is_open else None
        except _UNREADABLE as error:
            log.warning("standing.not_read", incident_id=result.incident.incident_id, error=str(error))
            return None

    def tell_end(self, result: TriageResult) -> tuple[Handled, ...]:
        """Tell the proposal's incident how its approved restart ended, and return what its sinks are to show of it.

        Raises `RedisError`.
        """
        try:
            return tell_end(self._handlings, result)
        except _UNREADABLE as error:
            log.warning("standing.not_read", incident_id=result.incident.incident_id, error=str(error))
            return ()

    def _decided(self, incident_id: str, reopened: Handled | None) -> str | None:
        """Say how a proposal was decided; what was opened again since needs somebody all the same."""
        proposal = self._approvals.find(incident_id)
        if isinstance(proposal, Refusal) or proposal.decided is None:
            return None
        if reopened is not None and reopened.at >= proposal.decided.at:
            return None
        return f"The proposal was {proposal.decided.decision} by {one_line(proposal.decided.person, 128)} before."


def _standing_of(handling: Handling | None) -> Standing:
    action = _SHOWN_OF.get(handling.state) if handling is not None else None
    if handling is None or action is None:
        return Standing()
    done = _newest(handling, action)
    if handling.state is not HandlingState.RESOLVED:
        return Standing(done=done)
    return Standing(settled=f"It was resolved by {one_line(handling.person or 'somebody', 128)} before.", done=done)


def _newest(handling: Handling | None, action: Action) -> Handled | None:
    history = handling.history if handling is not None else ()
    return next((each for each in reversed(history) if each.action is action), None)
