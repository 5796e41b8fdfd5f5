"""Tells the incident whose restart was approved how that ended: a note in its handling, by the desk itself.

The note resolves nothing: whether the incident is over, an engineer says. Called when results are recorded; a result
that comes again is noted once. The dispatcher says the same at the sinks that have the incident's page.
"""

import hashlib

import structlog

from worker.contract.handling import DESK, Action
from worker.contract.proposal import follow_up_id
from worker.contract.result import Refusal, TriageResult
from worker.errors import ContractError
from worker.registry.handling import Handlings

__all__ = ["note_end_of_follow_up", "original_of", "told_of_end"]

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


def note_end_of_follow_up(handlings: Handlings, result: TriageResult, stored: str) -> None:
    """Write the note where the result is of an approved restart; `stored` is the result as the stream has it.

    Where the proposal's incident is forgotten or can't be read, there is nobody to tell. Raises as `Handlings.act`.
    """
    original_id = original_of(result)
    if original_id is None:
        return
    digest = hashlib.sha256(stored.encode("utf-8", "backslashreplace")).hexdigest()[:20]
    try:
        answer = handlings.act(
            original_id,
            Action.NOTE,
            person=DESK,
            words=told_of_end(result),
            action_id=f"follow-up:{result.incident.incident_id}:{digest}",
        )
    except ContractError as error:
        log.warning("follow_up.not_noted", incident_id=original_id, why=str(error))
        return
    if isinstance(answer, Refusal):
        log.info("follow_up.not_noted", incident_id=original_id, why=answer.reason)
