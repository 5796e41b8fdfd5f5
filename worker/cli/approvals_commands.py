"""The commands `firstline approve`, `reject` and `proposals`; what they do stands in `approvals.py`."""

from typing import Annotated

import typer

from worker.cli.options import AsJson, Why
from worker.settings import load_redis_settings, load_settings

__all__ = ["approve", "proposals", "reject"]

IncidentId = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, as card and `proposals` have it.")]


def approve(incident_id: IncidentId, why: Why) -> None:
    """Approve the restart that was proposed for an incident; you must be among its server's `approvers`.

    A proposal is decided once, within `proposal_seconds` of the policy file. A worker then looks at the server again:
    what has recovered, or must not be restarted by now, is not restarted.

    Example: firstline approve inc-0123456789abcdef0123 --why "the threads hang, nobody works on it"
    """
    from worker.cli.approvals import approve as approve_proposal
    from worker.cli.approvals import approving_of
    from worker.cli.queue_ids import whole_id

    settings = load_settings()
    approve_proposal(approving_of(settings), whole_id(settings, incident_id), why)


def reject(incident_id: IncidentId, why: Why) -> None:
    """Reject the restart that was proposed for an incident; it can't be approved any more."""
    from worker.cli.approvals import approving_of
    from worker.cli.approvals import reject as reject_proposal
    from worker.cli.queue_ids import whole_id

    settings = load_settings()
    reject_proposal(approving_of(settings), whole_id(settings, incident_id), why)


def proposals(as_json: AsJson = False) -> None:
    """List the restarts that wait for an engineer's word, the oldest first, and how long each can still be approved.

    One that was approved, but whose approval nobody took in, is listed, too: approve it again, whoever you are.
    """
    from worker.cli.approvals import list_proposals

    list_proposals(load_redis_settings(), as_json=as_json)
