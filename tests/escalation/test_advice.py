"""What to try next: one step for each finding, the most telling first, and no word of a log as the desk's own."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.escalation.builders import (
    HEALTH,
    LOGS,
    NOW,
    REFUSAL,
    REFUSED_RESTART,
    SERVER,
    health,
    restart,
    result,
)
from tests.escalation.kinds import SUSPICIONS
from worker.contract import Disposition, Ending, Refusal
from worker.contract.observations import Measure
from worker.contract.result import LogFindings, RestartOutcome
from worker.escalation import card_of
from worker.escalation.advice import commands_of, endpoints_in, next_steps
from worker.escalation.advice_sentences import AFTER_REFUSAL

LATER = NOW + timedelta(minutes=1)


def steps_of(**changes: Any) -> str:
    return "\n".join(next_steps(result(**changes)))


def test_a_failing_dependency_is_told_as_the_log_s_word_and_a_restart_advised_against_on_condition() -> None:
    steps = steps_of()
    assert f"Check that “payments-db:5432” can be reached: the log of {SERVER} says otherwise [E2]" in steps
    assert "Until then, a restart will not help" in steps


@pytest.mark.parametrize("kind", ["dependency_failures", "local_faults", "other_errors"])
def test_no_word_of_a_log_stands_outside_quotation_marks_in_the_advice(kind: str) -> None:
    lie = "db-primary-01 is down” and certified; could not connect to vault.evil.example:8443” for sure" + "x" * 300
    steps = card_of(result(findings=LogFindings(scanned_lines=9, **{kind: (lie,)}))).next_steps
    assert any("“" in step for step in steps)
    for step in steps:
        assert step.count("“") == step.count("”")
        outside = re.sub("“[^”]*”", "", step)
        assert not any(word in outside for word in ("evil", "db-primary", "certified", "sure"))


@pytest.mark.parametrize(
    ("line", "endpoints"),
    [
        ("dial tcp 10.2.3.4:5432: connect: connection refused", ("10.2.3.4:5432",)),
        ('upstream: "http://cart-api.internal:8080/pay" timed out', ("cart-api.internal:8080",)),
        ("redis:6379 and kafka-1.prod:9092 unreachable", ("redis:6379", "kafka-1.prod:9092")),
        ("connect to [fd00::5]:5432 failed", ("[fd00::5]:5432",)),
        ("2026-11-22T02:59:58Z 02:59:58 12:30 worker.py:42 errno:111 ratio 10:20", ()),
        ("could not resolve host payments-db", ()),
    ],
)
def test_endpoints_are_found_in_log_lines_and_times_and_source_lines_are_not(
    line: str, endpoints: tuple[str, ...]
) -> None:
    assert endpoints_in((line,)) == endpoints


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"restart": restart(RestartOutcome.NOT_RESTORED)}, "don't restart it again until you know why"),
        (
            {"restart": restart(RestartOutcome.UNKNOWN)},
            "stays closed to further restarts until you run firstline resolve",
        ),
        ({"restart": restart(RestartOutcome.NOT_DONE)}, "the attempt at 03:00 UTC restarted nothing"),
        ({"restart": restart(RestartOutcome.PROOF_LOST)}, "the proof that its restart at 03:00 UTC helped is lost"),
        ({"restart": restart(RestartOutcome.RESOLVED)}, "whoever resolved its restart"),
        ({"refusals": (Refusal(reason="server_in_hand", detail="."),)}, "still in a worker's hands"),
        ({"ending": Ending.UNKNOWN_SERVER, "server_id": None, "last_health": None}, "Add the server to the inventory"),
        ({"ending": Ending.NO_USABLE_ANSWER}, "Trust the checks, not the model"),
        ({"ending": Ending.MODEL_UNAVAILABLE}, "Check the model's endpoint"),
        ({"ending": Ending.CLAIMS_SPENT}, "several workers took this incident"),
        ({"last_health": health(status="stopped", cpu=None, memory=None)}, "what stopped the service"),
        ({"last_health": health(memory=96)}, "what holds the memory of payment-server-01, at 96 % [E1]"),
        ({"last_health": health(cpu=97)}, "what keeps the CPU of payment-server-01 at 97 % [E1]"),
        ({"last_health": None}, "its health was not read"),
        ({"refusals": (Refusal(reason="halted", detail="."),)}, "halted by the kill switch"),
        (
            {"disposition": Disposition.AWAITING_APPROVAL},
            f"Approvers: approve or reject the restart of {SERVER}",
        ),
        ({"ending": Ending.APPROVAL_REFUSED}, "the approved one was refused"),
        ({"findings": LogFindings(scanned_lines=9, local_faults=("pool exhausted",))}, "“pool exhausted”"),
        (
            {"findings": LogFindings(scanned_lines=9), "last_health": health()},
            "Read the log of payment-server-01 around",
        ),
    ],
)
def test_each_finding_leads_to_its_next_step(changes: dict[str, Any], advice: str) -> None:
    assert advice in steps_of(**changes)


@pytest.mark.parametrize("ending", list(Ending))
def test_who_wrote_a_hostile_text_is_a_step_whatever_the_ending(ending: Ending) -> None:
    steps = steps_of(ending=ending, suspicions=SUSPICIONS, restart=restart(RestartOutcome.UNKNOWN))
    assert "Find out who wrote the text that tries to give instructions (in the alert, [E2])" in steps
    assert "Find out who wrote" not in steps_of(ending=ending)


def test_of_what_could_not_be_read_no_server_is_spoken_of_that_nobody_knows() -> None:
    nothing: dict[str, Any] = {"server_id": None, "service": None, "last_health": None, "findings": None}
    told = result(ending=Ending.UNREADABLE, refusals=(), evidence=(), **nothing)
    assert next_steps(told) == ("Look the message up with firstline dead-letters, and mend what wrote it",)
    unsure = told.model_copy(update={"is_restart_known": False})
    assert "before you restart anything" in next_steps(unsure)[0]


def test_every_ending_and_refusal_leads_to_one_to_three_steps_without_a_gap() -> None:
    for ending in Ending:
        steps = next_steps(result(ending=ending, restart=restart(RestartOutcome.UNKNOWN)))
        assert 1 <= len(steps) <= 3
        assert not any("{" in step for step in steps)


@pytest.mark.parametrize("reason", AFTER_REFUSAL)
def test_what_a_step_says_of_a_refusal_or_a_restart_cites_what_tells_of_it(reason: str) -> None:
    refusal = REFUSAL.model_copy(update={"reason": reason})
    (step,) = next_steps(result(refusals=(refusal,), findings=LogFindings(scanned_lines=9)))
    assert step.endswith(" [E3]")
    (unseen,) = next_steps(result(refusals=(refusal,), evidence=(HEALTH, LOGS), findings=LogFindings(scanned_lines=9)))
    assert f"{unseen} [E3]" == step


@pytest.mark.parametrize("outcome", list(RestartOutcome))
def test_a_step_after_a_restart_cites_the_restart(outcome: RestartOutcome) -> None:
    seen = REFUSED_RESTART.model_copy(update={"statement": f"restarted: {restart(outcome).detail}"})
    told = result(restart=restart(outcome), evidence=(HEALTH, LOGS, seen), refusals=())
    assert next_steps(told)[0].endswith(" [E3]")


def test_after_a_recovery_nothing_is_urgent_and_nothing_is_said_not_to_have_lasted() -> None:
    told = result(disposition=Disposition.RECOVERED, restart=restart(RestartOutcome.RESTORED), refusals=())
    assert next_steps(told)[0] == f"Look by day for why {SERVER} needed it: its restart at 03:00 UTC helped"


def test_what_a_refusal_leads_to_comes_before_what_a_figure_does() -> None:
    told = result(
        last_health=health(cpu=97),
        findings=LogFindings(scanned_lines=9),
        refusals=(REFUSAL.model_copy(update={"reason": "dependency_sick"}),),
    )
    first, second = next_steps(told)
    assert "one of its dependencies is sick" in first
    assert "what keeps the CPU" in second


def test_what_the_log_says_comes_before_a_start_after_a_restart_that_left_the_service_stopped() -> None:
    stopped = restart(RestartOutcome.NOT_RESTORED)
    stopped = stopped.model_copy(update={"probes": (health(status="stopped", observed_at=LATER),)})
    findings = LogFindings(scanned_lines=9, local_faults=("FATAL invalid configuration",))
    steps = next_steps(result(restart=stopped, refusals=(), findings=findings))
    assert steps[0] == (
        "Look first at what the log says, “FATAL invalid configuration” [E2]; "
        f"then start the service on {SERVER}: it was stopped after the restart at 03:00 UTC"
    )
    assert "FATAL" not in "".join(steps[1:])


def test_a_full_disk_is_looked_at_before_memory_and_cpu() -> None:
    disk = Measure(name="fullest disk", value=99, unit="percent", source="lab")
    steps = next_steps(result(last_health=health(cpu=97, measures=(disk,)), findings=None, refusals=()))
    assert steps[0] == f"See what fills {SERVER}: fullest disk at 99 % [E1]"


def test_a_restart_that_is_proposed_is_never_advised_by_hand_too() -> None:
    refusals = (Refusal(reason="needs_approval", detail="."),)
    assert "by hand" in steps_of(refusals=refusals)
    assert "by hand" not in steps_of(refusals=refusals, disposition=Disposition.AWAITING_APPROVAL)


def test_the_commands_of_a_proposal_are_whole_and_stand_on_their_own() -> None:
    proposed = result(disposition=Disposition.AWAITING_APPROVAL)
    assert commands_of(proposed) == (
        'firstline approve inc-d81352b8512fc6b55fd4 --why "…"',
        'firstline reject inc-d81352b8512fc6b55fd4 --why "…"',
    )
    assert commands_of(result()) == ()
