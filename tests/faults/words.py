"""Whether what engineers are told of restarts is true: results and cards beside the servers' own files and the guard.

Each check is one sentence that a row complains with. Pure.
"""

from collections.abc import Iterator
from typing import Final

from worker.contract.result import RestartOutcome, TriageResult
from worker.escalation.card import as_text, card_of
from worker.guardrails.restart_attempt import RestartState

__all__ = ["untruths"]

_SAYS_DONE: Final = (RestartOutcome.RESTORED, RestartOutcome.NOT_RESTORED, RestartOutcome.PROOF_LOST)
_CLOSED: Final = (RestartState.INTENT, RestartState.SENT, RestartState.UNKNOWN)
_WIDTH: Final = 100


def untruths(result: TriageResult, *, restarts: int, state: RestartState | None) -> Iterator[str]:
    """Yield what is wrong in a result: its incident had `restarts`, and the guard has its attempt in `state`.

    None is no attempt.
    """
    told = result.restart.outcome if result.restart else None
    card = " ".join(as_text(card_of(result), _WIDTH).split())
    if restarts and "No restart was done" in card:
        yield "was restarted, and its card denies it"
    is_told = told in _SAYS_DONE or any(seen.statement.startswith("restarted ") for seen in result.evidence)
    if not restarts and is_told:
        yield f"was not restarted, and is told as {told}"
    is_of_another = any(refusal.reason == "server_unresolved" for refusal in result.refusals)
    says_closed = not is_of_another and "stays closed" in card
    if says_closed and state not in (*_CLOSED, RestartState.RESOLVED):
        yield f"keeps its server closed by its card, and its restart is {state}"
    if state in _CLOSED and not (says_closed or "may stay closed" in card) and result.is_restart_known:
        yield f"keeps its server closed ({state}), and nobody is told"
