"""`firstline show --sent`: the exact bytes that went to the model, proved by the hash recorded with each answer.

Bodies go to stdout, one a line; a line about each to stderr. What can't be proved is not printed.
"""

import sys

from worker.bootstrap import connect
from worker.errors import ContractError
from worker.models.sent_again import Request, requests_of
from worker.registry.view import RegistryView
from worker.settings import Settings

__all__ = ["show_sent"]


def show_sent(settings: Settings, incident_id: str, *, only_step: int | None = None) -> bool:
    """Print the requests that were answered, and say whether each of them could be proved.

    Raises `ContractError` when the registry does not have the incident.
    """
    entry = RegistryView(connect(settings)).find(incident_id)
    if entry is None:
        raise ContractError(f"The registry does not have {incident_id}.")
    requests = [(number, request) for number, request in enumerate(requests_of(entry.steps), start=1)]
    wanted = [(number, request) for number, request in requests if only_step in {None, request.step}]
    if not wanted:
        sys.stderr.write("nothing was sent to a model and answered here; rules send nothing\n")
    for number, request in wanted:
        _print(number, request)
    return all(request.body is not None for _, request in wanted)


def _print(number: int, request: Request) -> None:
    sent = request.sent
    sys.stderr.write(f"request {number}, step {request.step}, {sent.body_bytes} bytes, sha256 {sent.sha256}\n")
    if request.body is None:
        sys.stderr.write("  not shown: what the journal gives does not have this hash, so it is not what was sent\n")
        return
    sys.stderr.flush()
    sys.stdout.buffer.write(request.body + b"\n")
    sys.stdout.flush()
