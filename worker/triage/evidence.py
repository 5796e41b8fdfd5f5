"""Evidence: what was checked, done or refused, as statements that an engineer reads and a claim can cite.

Statements are made from the typed observations, never from a model's words.
"""

from typing import Final

from worker.contract.counting import counted
from worker.contract.observations import HealthReading, Measure
from worker.contract.result import Evidence, LogFindings, RestartOutcome, RestartRecord
from worker.contract.transcript import Observation, Outcome, Transcript

__all__ = ["evidence_of"]

_CERTAINLY_RESTARTED: Final = (RestartOutcome.RESTORED, RestartOutcome.NOT_RESTORED, RestartOutcome.PROOF_LOST)


def evidence_of(transcript: Transcript) -> tuple[Evidence, ...]:
    """Return one piece of evidence an observation, oldest first, without the handing over itself."""
    return tuple(
        Evidence(
            evidence_id=seen.evidence_id or "",
            tool=seen.tool,
            statement=_statement(seen),
            observed_at=seen.observed_at,
            quotations=_quotations(seen.logs),
        )
        for seen in transcript.observations
        if seen.escalation_summary is None
    )


def _statement(seen: Observation) -> str:
    if seen.refusal is not None:
        return f"{seen.tool} was refused ({seen.refusal.reason}): {seen.refusal.detail}"
    if seen.restart is not None:
        return _of_restart(seen.restart)
    if seen.outcome is Outcome.FAILED:
        return f"{seen.tool} failed: {seen.content}"
    if seen.health is not None:
        return _of_health(seen.health)
    if seen.logs is not None:
        return _of_logs(seen.logs)
    return seen.content


def _of_health(health: HealthReading) -> str:
    figures = [f"the service is {health.status}", _percent("CPU", health.cpu_percent)]
    figures.append(_percent("memory", health.memory_percent))
    figures += [f"{name} {_short(value)}" for name, value in health.figures.items() if value is not None]
    figures += [_of_measure(measure) for measure in health.measures]
    figures += [f"not read: {sentence.rstrip('.')}" for sentence in health.unread]
    return ", ".join(figures)


def _of_measure(measure: Measure) -> str:
    before = measure.half_an_hour_before
    trend = "" if before is None else f" ({before:g} half an hour before)"
    return f"{measure.name} {measure.value:g} {measure.unit}{trend}"


def _short(value: float | str | bool) -> str:  # noqa: FBT001 - a figure may be a yes or no
    return f"{value:g}" if isinstance(value, float) else str(value)


def _percent(name: str, value: float | None) -> str:
    return f"{name} could not be read" if value is None else f"{name} {value:.0f} %"


def _of_logs(logs: LogFindings) -> str:
    kinds = {
        "dependency failures": logs.dependency_failures,
        "local faults": logs.local_faults,
        "other errors": logs.other_errors,
    }
    found = " and ".join(name for name, lines in kinds.items() if lines)
    return f"{counted(logs.scanned_lines, 'log line')}, {logs.error_lines} with {found or 'errors'}"


def _of_restart(restart: RestartRecord) -> str:
    deed = "restarted" if restart.outcome in _CERTAINLY_RESTARTED else "tried to restart"
    outcome = restart.outcome.replace("_", " ")
    return f"{deed} {restart.server_id} (fence {restart.fence}): {outcome}, {restart.detail}"


def _quotations(logs: LogFindings | None) -> tuple[str, ...]:
    if logs is None:
        return ()
    return logs.dependency_failures or logs.local_faults or logs.other_errors
