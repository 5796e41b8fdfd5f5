"""The restart guard's no, in words: a stable reason, a sentence with its values, and when to ask again.

The scripts decide; this only translates their answers. Called by the restart guard.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from worker.contract.result import Refusal
from worker.guardrails.restart_attempt import RestartLimits

__all__ = ["refusal_of_reply"]

_SENTENCES: Final[Mapping[str, str]] = {
    "halted": "All restarts are halted: {0}.",
    "already_attempted": "{incident} has had its one attempt to restart {1} (state {0}); there is never a second.",
    "stale_claim": "This worker's claim of {incident} is over.",
    "server_locked": "{server} is locked by {0} (fence {1}).",
    "server_in_hand": "The restart of {server} for {0} (fence {1}) is still in the hands of {2}, whose triage goes on.",
    "server_unresolved": (
        "The restart of {server} for {0} (fence {1}) has no known outcome; "
        "a person must resolve it before this server is restarted again."
    ),
    "cooldown": "{server} was restarted within its cooldown of {limits.cooldown_seconds:g} s.",
    "server_budget": "{server} has used its {limits.server_restarts} restarts in {limits.server_window_seconds:g} s.",
    "fleet_budget": "The fleet has used its {limits.fleet_restarts} restarts in {limits.fleet_window_seconds:g} s.",
    "fleet_concurrency": "{0} restarts have no known outcome yet; at most {limits.fleet_concurrency} may be open.",
    "stale_fence": "Fence {0} is not the one in force for {incident} ({1}).",
    "not_pending": "The restart of {server} is in state {0}; leave to send it is given only once.",
    "expired": "The restart lock of {server} is over, or so nearly that the restart must not be sent.",
    "wrong_state": "The restart of {server} is in state {0}, which {1} can't follow.",
}


def refusal_of_reply(reply: Sequence[str], *, incident_id: str, server_id: str, limits: RestartLimits) -> Refusal:
    """Translate ``{"refused", reason, milliseconds or -1, values …}`` of a restart script."""
    _, reason, milliseconds, *values = reply
    sentence = _SENTENCES[reason].format(*values, incident=incident_id, server=server_id, limits=limits)
    if int(milliseconds) < 0:
        return Refusal(reason=reason, detail=sentence)
    wait_seconds = int(milliseconds) / 1000
    return Refusal(
        reason=reason, detail=f"{sentence} Ask again in {wait_seconds:.0f} s.", retry_after_seconds=wait_seconds
    )
