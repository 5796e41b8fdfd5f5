"""Transcripts, tool specs and observations for the tests of models, with one server and one moment."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from worker.contract.observations import HealthReading, ServiceStatus
from worker.contract.result import LogFindings, Refusal, RestartOutcome, RestartRecord
from worker.contract.transcript import ModelReply, Observation, Outcome, Step, ToolCall, Transcript
from worker.ports import ToolSpec

__all__ = ["NOON", "SERVER", "SPECS", "fresh", "health", "logs", "observed", "restart", "spec"]

SERVER: Final = "payment-server-01"
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SERVER_RULE: Final = {"server_id": {"type": "string", "enum": [SERVER]}}


def spec(name: str, properties: Mapping[str, object]) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=f"What {name} does.",
        parameters={
            "type": "object",
            "properties": dict(properties),
            "required": list(properties),
            "additionalProperties": False,
        },
    )


SPECS: Final = (
    spec("get_server_health", _SERVER_RULE),
    spec("fetch_recent_logs", {**_SERVER_RULE, "lines": {"type": "integer"}}),
    spec("restart_service", _SERVER_RULE),
    spec("escalate_to_engineer", {"summary": {"type": "string"}}),
)


def fresh() -> Transcript:
    return Transcript(system="You are the desk.", opening="payment-server-01 is slow.")


def health(
    cpu: float | None = 12,
    memory: float | None = 40,
    *,
    status: ServiceStatus = ServiceStatus.RUNNING,
    after: float = 0,
) -> HealthReading:
    return HealthReading(
        server_id=SERVER,
        status=status,
        cpu_percent=cpu,
        memory_percent=memory,
        observed_at=NOON + timedelta(seconds=after),
        source="a fake",
    )


def logs(*, dependency: str | None = None, local: str | None = None, other: str | None = None) -> LogFindings:
    return LogFindings(
        scanned_lines=100,
        dependency_failures=() if dependency is None else ("an older one", dependency),
        local_faults=() if local is None else (local,),
        newest_local_faults=() if local is None else (local,),
        other_errors=() if other is None else (other,),
    )


def restart(outcome: RestartOutcome, detail: str = "two probes were read") -> RestartRecord:
    return RestartRecord(
        server_id=SERVER,
        fence=1,
        ordered_at=NOON + timedelta(seconds=10),
        restarted_at=NOON + timedelta(seconds=11),
        outcome=outcome,
        detail=detail,
        probes=(health(after=20), health(9, 30, after=30)),
    )


def observed(*findings: tuple[str, Any]) -> Transcript:
    """Return a transcript in which each tool in turn brought its finding: a reading, a refusal, or words of failure."""
    transcript = fresh()
    for number, (tool, finding) in enumerate(findings, start=1):
        call = ToolCall(call_id=f"call_{number}", name=tool, arguments="{}")
        observation = _observation(call, finding, evidence_id=f"E{number}")
        step = Step(number=number, model="any", reply=ModelReply(tool_calls=(call,)), observations=(observation,))
        transcript = transcript.with_step(step)
    return transcript


def _observation(call: ToolCall, finding: Any, *, evidence_id: str) -> Observation:
    outcome = Outcome.ANSWERED
    if isinstance(finding, str):
        outcome = Outcome.FAILED
    if isinstance(finding, Refusal):
        outcome = Outcome.REFUSED
    return Observation(
        call_id=call.call_id,
        tool=call.name,
        outcome=outcome,
        content=json.dumps({"evidence_id": evidence_id, outcome: {"detail": str(finding)}}),
        observed_at=NOON,
        evidence_id=evidence_id,
        health=finding if isinstance(finding, HealthReading) else None,
        logs=finding if isinstance(finding, LogFindings) else None,
        restart=finding if isinstance(finding, RestartRecord) else None,
        refusal=finding if isinstance(finding, Refusal) else None,
    )
