"""The suite's own eye for false words: each sort of them is seen, and a true result is left alone."""

import pytest

from tests.escalation.builders import NOW, restart, result
from tests.faults.words import untruths
from worker.contract import Evidence, Refusal
from worker.contract.result import RestartOutcome
from worker.guardrails.restart_attempt import RestartState

CLAIMS_A_RESTART = Evidence(evidence_id="E3", tool="restart_service", statement="restarted s1: failed", observed_at=NOW)


@pytest.mark.parametrize(
    ("outcome", "restarts", "state"),
    [
        (None, 0, None),
        (None, 0, RestartState.WITHDRAWN),
        (RestartOutcome.RESTORED, 1, RestartState.RESTORED),
        (RestartOutcome.NOT_RESTORED, 1, RestartState.NOT_RESTORED),
        (RestartOutcome.NOT_DONE, 0, RestartState.NOT_DONE),
        (RestartOutcome.UNKNOWN, 0, RestartState.UNKNOWN),
        (RestartOutcome.UNKNOWN, 1, RestartState.UNKNOWN),
        (RestartOutcome.UNKNOWN, 1, RestartState.RESOLVED),
        (RestartOutcome.PROOF_LOST, 1, RestartState.RESTORED),
        (RestartOutcome.RESOLVED, 1, RestartState.RESOLVED),
    ],
)
def test_what_is_true_is_left_alone(outcome: RestartOutcome | None, restarts: int, state: RestartState | None) -> None:
    told = result(restart=restart(outcome) if outcome else None)
    assert list(untruths(told, restarts=restarts, state=state)) == []


def test_a_card_may_say_that_another_incident_s_restart_keeps_the_server_closed() -> None:
    told = result(refusals=(Refusal(reason="server_unresolved", detail="The restart of s1 has no known outcome."),))
    assert list(untruths(told, restarts=0, state=None)) == []


@pytest.mark.parametrize(
    ("outcome", "restarts", "state", "complaint"),
    [
        (None, 1, RestartState.RESTORED, "was restarted, and its card denies it"),
        (RestartOutcome.NOT_DONE, 1, RestartState.NOT_DONE, "was restarted, and its card denies it"),
        (RestartOutcome.NOT_RESTORED, 0, RestartState.NOT_RESTORED, "was not restarted, and is told as not_restored"),
        (RestartOutcome.UNKNOWN, 1, RestartState.RESTORED, "keeps its server closed by its card"),
        (None, 0, RestartState.SENT, "keeps its server closed (SENT), and nobody is told"),
    ],
)
def test_what_is_false_is_complained_of(
    outcome: RestartOutcome | None, restarts: int, state: RestartState, complaint: str
) -> None:
    told = result(restart=restart(outcome) if outcome else None)
    (said,) = untruths(told, restarts=restarts, state=state)
    assert said.startswith(complaint)


def test_evidence_of_a_restart_that_never_was_is_complained_of() -> None:
    told = result(restart=restart(RestartOutcome.NOT_DONE), evidence=(CLAIMS_A_RESTART,))
    (said,) = untruths(told, restarts=0, state=RestartState.NOT_DONE)
    assert said.startswith("was not restarted")
