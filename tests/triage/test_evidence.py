"""Evidence says what was done, and not more than is known."""

import pytest

from tests.escalation.builders import NOW, restart
from worker.contract.result import RestartOutcome
from worker.contract.transcript import ModelReply, Observation, Outcome, Step, Transcript
from worker.triage.evidence import evidence_of


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (RestartOutcome.RESTORED, "restarted payment-server-01 (fence 3): restored, "),
        (RestartOutcome.NOT_RESTORED, "restarted payment-server-01 (fence 3): not restored, "),
        (RestartOutcome.NOT_DONE, "tried to restart payment-server-01 (fence 3): not done, "),
        (RestartOutcome.UNKNOWN, "tried to restart payment-server-01 (fence 3): unknown, "),
        (RestartOutcome.PROOF_LOST, "restarted payment-server-01 (fence 3): proof lost, "),
        (RestartOutcome.RESOLVED, "tried to restart payment-server-01 (fence 3): resolved, "),
    ],
)
def test_a_restart_is_said_to_have_been_done_only_where_that_is_certain(outcome: RestartOutcome, words: str) -> None:
    seen = Observation(
        call_id="c1",
        tool="restart_service",
        outcome=Outcome.ANSWERED,
        content="",
        observed_at=NOW,
        evidence_id="E1",
        restart=restart(outcome),
    )
    steps = (Step(number=1, model="rules", reply=ModelReply(), observations=(seen,)),)
    (piece,) = evidence_of(Transcript(system="", opening="", steps=steps))
    assert piece.statement.startswith(words)
