"""Evidence says what was done, and not more than is known."""

import pytest

from tests.escalation.builders import NOW, restart
from worker.contract.result import LogFindings, RestartOutcome
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


@pytest.mark.parametrize(("lines", "words"), [(0, "0 log lines, "), (1, "1 log line, "), (2, "2 log lines, ")])
def test_log_lines_are_counted_as_people_count(lines: int, words: str) -> None:
    seen = Observation(
        call_id="c1",
        tool="fetch_recent_logs",
        outcome=Outcome.ANSWERED,
        content="",
        observed_at=NOW,
        evidence_id="E1",
        logs=LogFindings(scanned_lines=lines),
    )
    steps = (Step(number=1, model="rules", reply=ModelReply(), observations=(seen,)),)
    (piece,) = evidence_of(Transcript(system="", opening="", steps=steps))
    assert piece.statement == f"{words}0 with errors"
