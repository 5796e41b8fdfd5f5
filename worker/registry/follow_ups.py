"""Tells the incident whose restart was approved how that ended: by a note in its handling, in the desk's own name.

Where health was proven good after the restart, the incident is resolved as well, unless an engineer has it in hand:
then it is theirs to say. Called when results are recorded, and by the dispatcher, which shows the same at the sinks
that have the incident's page; a result that comes again is told once.
"""

from typing import Final

import structlog
from redis.exceptions import ResponseError

from worker.contract.handling import DESK, Action, Handled, HandlingState
from worker.contract.proposal import follow_up_id
from worker.contract.quoting import one_line
from worker.contract.result import Disposition, Refusal, TriageResult
from worker.errors import ContractError
from worker.registry.handling import Handlings
from worker.registry.handling_openings import is_of_wrong_type

__all__ = ["original_of", "tell_end", "told_of_end"]

_WORDS_BYTES: Final = 500

log = structlog.get_logger()


def original_of(result: TriageResult) -> str | None:
    """Return the id of the incident whose approved restart this result's was to carry out; None for every other."""
    approval = result.incident.approval
    if approval is None or result.incident.incident_id != follow_up_id(approval.incident_id):
        return None
    return approval.incident_id


def told_of_end(result: TriageResult) -> str:
    """Return in one sentence how the incident ended in which an approved restart was to be carried out."""
    done = result.restart.outcome if result.restart else "none was done" if result.is_restart_known else "not known"
    return (
        f"The approved restart of {result.server_id or 'its server'} ended as {result.disposition} "
        f"({result.ending}; restart: {done}): {result.incident.incident_id}."
    )


def tell_end(handlings: Handlings, result: TriageResult) -> tuple[Handled, ...]:
    """Tell the proposal's incident how its approved restart ended; return what its sinks are to show, always the same.

    For every other result it does nothing. Where the proposal's incident is forgotten or can't be read, there is nobody
    to tell. Raises as `Handlings.act`.
    """
    original_id = original_of(result)
    if original_id is None:
        return ()
    told = {Action.NOTE: one_line(told_of_end(result), _WORDS_BYTES)}
    if result.disposition is Disposition.RECOVERED:
        told[Action.RESOLVE] = "Its approved restart is proven to have helped."
    return tuple(
        Handled(at=result.finished_at, person=DESK, action=action, words=words)
        for action, words in told.items()
        if _stands(handlings, original_id, result, action, words)
    )


def _stands(handlings: Handlings, original_id: str, result: TriageResult, action: Action, words: str) -> bool:
    """Do it once, and say whether it stands now: an engineer may have it in hand, or have opened it again."""
    action_id = f"follow-up:{result.incident.incident_id}:{result.finished_at.timestamp():.3f}:{action}"
    try:
        answer = handlings.act(original_id, action, person=DESK, words=words, action_id=action_id)
    except (ContractError, ResponseError) as error:
        if isinstance(error, ResponseError) and not is_of_wrong_type(error, original_id):
            raise
        log.warning("follow_up.not_told", incident_id=original_id, action=action, why=str(error))
        return False
    if isinstance(answer, Refusal):
        log.info("follow_up.not_told", incident_id=original_id, action=action, why=answer.reason)
        return False
    return action is not Action.RESOLVE or answer.state is HandlingState.RESOLVED
