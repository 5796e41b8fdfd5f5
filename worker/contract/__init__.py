"""The wire: what producers, workers and engineers exchange, and the names under which it is kept.

Pydantic and the standard library only, imported in under 0.3 s, so that a producer or an engineer's consumer can
depend on it without the worker. `incident` goes in, `transcript` is kept while the triage runs, `result` comes out,
`queue` has the names.
"""

from worker.contract.incident import Alert, Incident, IncidentKind, Resolution, Severity
from worker.contract.observations import HealthReading, LogTail, ServiceStatus
from worker.contract.result import Disposition, Ending, Evidence, Refusal, RestartRecord, TriageResult
from worker.contract.transcript import ModelReply, Observation, Step, ToolCall, Transcript

__all__ = [
    "Alert",
    "Disposition",
    "Ending",
    "Evidence",
    "HealthReading",
    "Incident",
    "IncidentKind",
    "LogTail",
    "ModelReply",
    "Observation",
    "Refusal",
    "Resolution",
    "RestartRecord",
    "ServiceStatus",
    "Severity",
    "Step",
    "ToolCall",
    "Transcript",
    "TriageResult",
]
