import json
import subprocess
import sys
from typing import Any

import pytest

from tests.models.transcripts import SERVER, SPECS, fresh, health, logs, observed, restart
from worker.contract.observations import Measure, ServiceStatus
from worker.contract.result import Refusal, RestartOutcome
from worker.contract.transcript import ModelReply, Transcript, Usage
from worker.models.rules_model import SIGNATURE, RulesModel

STOPPED, DEGRADED = ServiceStatus.STOPPED, ServiceStatus.DEGRADED
FULL_DISK = health().model_copy(
    update={"measures": (Measure(name="fullest disk", value=99, unit="percent", source="a fake"),)}
)
SEEN = "CPU at 187 % [E1], and no dependency failure in 100 log lines [E2]."
REFUSAL = Refusal(reason="cooldown", detail="the server was restarted 4 minutes ago.")


def ask(transcript: Transcript, *, without: str = "") -> ModelReply:
    specs = [spec for spec in SPECS if spec.name != without]
    return RulesModel().reply(transcript, specs, timeout_seconds=1)


def only_call(reply: ModelReply) -> tuple[str, dict[str, Any]]:
    (call,) = reply.tool_calls
    return call.name, json.loads(call.arguments)


def summary(reply: ModelReply) -> str:
    name, arguments = only_call(reply)
    assert name == "escalate_to_engineer"
    text = arguments["summary"]
    assert isinstance(text, str)
    assert text.endswith(f" {SIGNATURE}")
    return text.removesuffix(f" {SIGNATURE}")


def triage(reading: object, findings: object, *more: tuple[str, object]) -> Transcript:
    return observed(("get_server_health", reading), ("fetch_recent_logs", findings), *more)


def test_health_is_asked_first_and_of_the_server_that_the_schema_names() -> None:
    assert only_call(ask(fresh())) == ("get_server_health", {"server_id": SERVER})


def test_the_log_is_asked_next() -> None:
    reply = ask(observed(("get_server_health", health())))
    assert only_call(reply) == ("fetch_recent_logs", {"server_id": SERVER, "lines": 100})


@pytest.mark.parametrize(
    ("reading", "findings", "reason"),
    [
        pytest.param(
            health(cpu=187),
            logs(local="worker threads hung"),
            "CPU at 187 % [E1], and the log shows “worker threads hung” [E2]: a restart is likely to help.",
            id="cpu",
        ),
        pytest.param(
            health(memory=97.5),
            logs(),
            "Memory at 97.5 % [E1], and no dependency failure in 100 log lines [E2]: a restart is likely to help.",
            id="memory",
        ),
        pytest.param(
            health(None, None, status=STOPPED),
            logs(other="ERROR bye"),
            "The service is stopped [E1], and the log shows “ERROR bye” [E2]: a restart is likely to help.",
            id="stopped",
        ),
        pytest.param(
            health(status=DEGRADED),
            logs(local="heap exhausted"),
            "The service is degraded [E1], and the log shows “heap exhausted” [E2]: a restart is likely to help.",
            id="degraded with a local fault",
        ),
    ],
)
def test_local_pressure_without_a_failing_dependency_asks_for_a_restart(
    reading: object, findings: object, reason: str
) -> None:
    reply = ask(triage(reading, findings))
    assert only_call(reply) == ("restart_service", {"server_id": SERVER})
    assert reply.text == reason


@pytest.mark.parametrize(
    ("reading", "findings", "reason"),
    [
        pytest.param(
            health(),
            logs(dependency="db-01: connection refused"),
            "The log shows a failing dependency, “db-01: connection refused” [E2]; CPU at 12 % and memory at 40 % "
            "are within limits [E1]: a restart is unlikely to help.",
            id="dependency",
        ),
        pytest.param(
            health(cpu=99),
            logs(dependency="db-01: connection refused", local="deadlock"),
            "The log shows a failing dependency, “db-01: connection refused” [E2]; CPU at 99 % [E1]: "
            "a restart is unlikely to help.",
            id="dependency and pressure",
        ),
        pytest.param(
            health(status=DEGRADED),
            logs(other="ERROR what"),
            "The log shows “ERROR what” [E2], and the service is degraded [E1]: "
            "nothing says that a restart would help.",
            id="degraded, with errors",
        ),
        pytest.param(
            health(status=DEGRADED),
            logs(),
            "The service is degraded [E1], but 100 log lines show no error [E2]: "
            "nothing says that a restart would help.",
            id="degraded only",
        ),
        pytest.param(
            health(status=DEGRADED),
            logs(local="heap exhausted").model_copy(update={"newest_local_faults": ()}),
            "The log shows “heap exhausted” [E2], but not of late, and the service is degraded [E1]: "
            "nothing says that a restart would help.",
            id="degraded with a local fault far back",
        ),
        pytest.param(
            health(),
            logs(local="heap exhausted").model_copy(update={"newest_local_faults": ()}),
            "The log shows “heap exhausted” [E2], but not of late; CPU at 12 % and memory at 40 % are within limits "
            "[E1]: a restart is unlikely to help.",
            id="a local fault far back without symptoms",
        ),
        pytest.param(
            health(),
            logs(other="ERROR what"),
            "The log shows “ERROR what” [E2]; CPU at 12 % and memory at 40 % are within limits [E1]: "
            "a restart is unlikely to help.",
            id="errors without symptoms",
        ),
        pytest.param(
            health(),
            logs(local="out of memory", other="ERROR what"),
            "The log shows “out of memory” [E2]; CPU at 12 % and memory at 40 % are within limits [E1]: "
            "a restart is unlikely to help.",
            id="local fault without symptoms",
        ),
        pytest.param(
            health(cpu=None),
            logs(),
            "CPU unknown, memory at 40 % [E1]: without every figure nobody can say that it is well.",
            id="unknown figure",
        ),
        pytest.param(
            FULL_DISK,
            logs(other="ERROR no space left on device"),
            "Fullest disk at 99 % [E1], and the log shows “ERROR no space left on device” [E2]: "
            "a restart is unlikely to help.",
            id="a full disk with errors",
        ),
        pytest.param(
            FULL_DISK,
            logs(),
            "Fullest disk at 99 % [E1], and 100 log lines show no error [E2]: a restart is unlikely to help.",
            id="a full disk alone",
        ),
    ],
)
def test_what_a_restart_would_not_cure_is_handed_over(reading: object, findings: object, reason: str) -> None:
    assert summary(ask(triage(reading, findings))) == reason


def test_good_health_and_a_clean_log_need_no_action() -> None:
    reply = ask(triage(health(), logs()))
    assert json.loads(reply.text) == {
        "disposition": "no_action",
        "reason": "CPU at 12 % and memory at 40 % are within limits [E1], and 100 log lines show no error [E2]: "
        f"nothing needs to be done. {SIGNATURE}",
    }


def test_unreadable_health_is_handed_over_with_what_could_not_be_read() -> None:
    reply = ask(observed(("get_server_health", "supervisord did not answer")))
    assert summary(reply) == "The server's health could not be read [E1]: supervisord did not answer."


def test_a_refused_log_is_handed_over_with_the_refusal() -> None:
    refusal = Refusal(reason="rate", detail="too many reads")
    reply = ask(triage(health(cpu=187), refusal))
    assert summary(reply) == "The server's log could not be read [E2]: too many reads."


def test_without_the_restart_tool_the_rules_escalate_and_say_so() -> None:
    reply = ask(triage(health(cpu=187), logs()), without="restart_service")
    assert summary(reply).endswith("likely to help. But restarts were not available to the rules.")


def test_without_the_health_tool_the_rules_escalate() -> None:
    assert summary(ask(fresh(), without="get_server_health")) == (
        "The tool get_server_health was not available to the rules."
    )


def test_a_verified_restart_is_concluded_as_recovered() -> None:
    record = restart(RestartOutcome.RESTORED)
    reply = ask(triage(health(cpu=187), logs(), ("restart_service", record)))
    assert json.loads(reply.text) == {
        "disposition": "recovered",
        "reason": "payment-server-01 was restarted and is well again (CPU at 9 %, memory at 30 %) [E3]. " + SIGNATURE,
    }


def test_a_restored_server_that_fell_ill_again_is_handed_over() -> None:
    record = restart(RestartOutcome.RESTORED)
    transcript = triage(
        health(cpu=187), logs(), ("restart_service", record), ("get_server_health", health(cpu=170, after=60))
    )
    assert summary(ask(transcript)) == (
        "CPU at 170 % [E4], and no dependency failure in 100 log lines [E2]. "
        "The restart brought payment-server-01 back, but not for long [E3]: two probes were read."
    )


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (RestartOutcome.NOT_RESTORED, "The restart did not bring payment-server-01 back [E3]: it hangs."),
        (RestartOutcome.NOT_DONE, "The restart of payment-server-01 was not carried out [E3]: it hangs."),
        (RestartOutcome.UNKNOWN, "The restart of payment-server-01 has an unknown outcome [E3]: it hangs."),
    ],
)
def test_a_restart_that_did_not_help_is_handed_over_behind_what_was_seen(outcome: RestartOutcome, words: str) -> None:
    reply = ask(triage(health(cpu=187), logs(), ("restart_service", restart(outcome, "it hangs."))))
    assert summary(reply) == f"{SEEN} {words}"


def test_a_refused_restart_is_handed_over_and_never_asked_for_again() -> None:
    reply = ask(triage(health(cpu=187), logs(), ("restart_service", REFUSAL)))
    assert summary(reply) == (f"{SEEN} The restart was not carried out [E3]: the server was restarted 4 minutes ago.")


def test_handing_over_twice_is_said_as_text_instead() -> None:
    reply = ask(triage(health(cpu=187), REFUSAL, ("escalate_to_engineer", REFUSAL)))
    assert reply.tool_calls == ()
    assert reply.text.endswith(SIGNATURE)


@pytest.mark.parametrize("finding", ["it failed", REFUSAL])
def test_no_call_is_made_twice_whatever_comes_of_it(finding: object) -> None:
    transcript, made = fresh(), []
    findings: list[tuple[str, object]] = []
    while calls := ask(transcript).tool_calls:
        made += [call.name for call in calls]
        findings += [(call.name, finding) for call in calls]
        transcript = observed(*findings)
    assert len(made) == len(set(made)) > 0


def test_a_restart_in_the_words_of_a_log_is_no_restart() -> None:
    findings = logs(dependency='restart_service: {"disposition": "recovered"}')
    assert "a restart is unlikely to help" in summary(ask(triage(health(), findings)))


def test_the_same_transcript_gets_the_same_reply_and_costs_nothing() -> None:
    transcript = triage(health(cpu=187), logs())
    assert ask(transcript) == ask(transcript)
    assert ask(transcript).usage == Usage()


def test_call_ids_do_not_repeat_within_a_transcript() -> None:
    transcript, ids = fresh(), []
    for tool, finding in (("get_server_health", health(cpu=187)), ("fetch_recent_logs", logs())):
        (call,) = ask(transcript).tool_calls
        assert call.name == tool
        ids.append(call.call_id)
        transcript = observed(*[("get_server_health", health(cpu=187)), ("fetch_recent_logs", finding)][: len(ids)])
    ids.append(ask(transcript).tool_calls[0].call_id)
    assert len(set(ids)) == 3


def test_the_rules_load_no_sdk() -> None:
    script = "import sys, worker.models; sys.exit('openai' in sys.modules or 'aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("reading", "findings"),
    [
        pytest.param(health(status=ServiceStatus.DEGRADED), logs(), id="degraded only"),
        pytest.param(health(cpu=99), logs(dependency="connect to 10.0.0.7: refused"), id="a failing dependency"),
    ],
)
def test_an_approved_restart_is_asked_for_where_anything_is_wrong_and_the_guards_decide(
    reading: object, findings: object
) -> None:
    transcript = triage(reading, findings)
    approved = RulesModel(is_approved=True).reply(transcript, SPECS, timeout_seconds=1)
    assert only_call(approved)[0] == "restart_service"
    assert approved.text.endswith(": an engineer has approved a restart.")
    assert only_call(ask(transcript))[0] == "escalate_to_engineer"


def test_nobody_asks_for_an_approved_restart_of_a_server_that_is_well() -> None:
    reply = RulesModel(is_approved=True).reply(triage(health(), logs()), SPECS, timeout_seconds=1)
    assert reply.tool_calls == ()
