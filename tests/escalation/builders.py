"""Results as the desk makes them: an escalation because of a failing dependency, and variations on it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from worker.contract import (
    Disposition,
    Ending,
    Evidence,
    HealthReading,
    Incident,
    Refusal,
    RestartRecord,
    ServiceStatus,
    Severity,
    TriageResult,
)
from worker.contract.incident import identity
from worker.contract.result import LogFindings, RestartOutcome, Spent

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SERVER = "payment-server-01"
REFUSED_LINE = "02:59:58 ERROR could not connect to payments-db:5432: Connection refused"

HEALTH = Evidence(
    evidence_id="E1",
    tool="get_server_health",
    statement="the service is running, CPU 12 %, memory 41 %",
    observed_at=NOW + timedelta(seconds=4),
)
LOGS = Evidence(
    evidence_id="E2",
    tool="fetch_recent_logs",
    statement="400 log lines, 37 with dependency failures",
    observed_at=NOW + timedelta(seconds=5),
    quotations=(REFUSED_LINE,),
)
REFUSAL = Refusal(reason="dependency_failure", detail="a dependency fails, and a restart does not cure that")
REFUSED_RESTART = Evidence(
    evidence_id="E3",
    tool="restart_service",
    statement=f"restart_service was refused ({REFUSAL.reason}): {REFUSAL.detail}",
    observed_at=NOW + timedelta(seconds=6),
)


def incident(number: int = 1, **changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "incident_id": identity("fingerprint", str(number)),
        "source": "cli",
        "fingerprint": "fingerprint",
        "server_id": None,
        "text": f"The {SERVER} is extremely slow and timing out.",
        "severity": Severity.CRITICAL,
        "started_at": NOW - timedelta(minutes=2),
        "received_at": NOW,
    }
    return Incident(**(fields | changes))


def health(
    *, cpu: float | None = 12, memory: float | None = 41, status: str = "running", **changes: Any
) -> HealthReading:
    fields: dict[str, Any] = {"server_id": SERVER, "observed_at": NOW + timedelta(seconds=4), "source": "lab"}
    return HealthReading(cpu_percent=cpu, memory_percent=memory, status=ServiceStatus(status), **(fields | changes))


def restart(outcome: RestartOutcome, detail: str = "CPU at 97 % again 12 s after the restart") -> RestartRecord:
    restarted_at = NOW + timedelta(seconds=10)
    return RestartRecord(
        server_id=SERVER,
        fence=3,
        ordered_at=NOW + timedelta(seconds=8),
        outcome=outcome,
        detail=detail,
        restarted_at=restarted_at,
        probes=(health(observed_at=restarted_at + timedelta(seconds=12)),),
    )


def result(number: int = 1, **changes: Any) -> TriageResult:
    """Return an escalation by rules: the database does not answer, and a restart was refused."""
    fields: dict[str, Any] = {
        "incident": incident(number),
        "server_id": SERVER,
        "service": "payments",
        "disposition": Disposition.ESCALATED,
        "ending": Ending.ESCALATED_BY_MODEL,
        "summary": "The log shows a failing dependency [E2], and the server shows no local pressure [E1].",
        "evidence": (HEALTH, LOGS, REFUSED_RESTART),
        "refusals": (REFUSAL,),
        "findings": LogFindings(scanned_lines=400, error_lines=37, dependency_failures=(REFUSED_LINE,)),
        "last_health": health(),
        "model": "rules",
        "is_llm": False,
        "prompt_hash": "0" * 16,
        "spent": Spent(steps=4, seconds=6.5),
        "epoch": 1,
        "worker": "worker-1",
        "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=7),
    }
    return TriageResult(**(fields | changes))
