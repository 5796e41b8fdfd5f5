"""The restart policy: whether the evidence of this triage justifies a restart at all. Pure; it asks nobody.

It judges typed observations, never a model's or a log's words about them: a log line that asks for a restart is just
a log line. Needs no Redis; the guard with its lock, cooldown and budgets comes after it (`restart_guard.py`).
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from worker.contract.observations import HealthReading
from worker.contract.result import LogFindings, Refusal
from worker.contract.transcript import Observation, Transcript
from worker.guardrails.policy import RestartRules
from worker.terms import RestartPolicy, Terms
from worker.triage.conclusion import NEEDS_APPROVAL

__all__ = ["refusal_of_restart"]


def refusal_of_restart(transcript: Transcript, *, terms: Terms, rules: RestartRules, now: datetime) -> Refusal | None:
    """Return the first reason against a restart, or None.

    A restart needs: a server that its owners have put under `auto`, outside of its maintenance; no earlier attempt in
    this triage; no text from outside that tries to give instructions, wherever it stood; health and logs of this
    triage, younger than `evidence_max_age_seconds`; a symptom of the service itself; no dependency failure in the
    scanned log window.
    """
    return next(_objections(transcript, terms=terms, rules=rules, now=now), None)


def _objections(transcript: Transcript, *, terms: Terms, rules: RestartRules, now: datetime) -> Iterator[Refusal]:
    observations = transcript.observations
    if terms.restart_policy is RestartPolicy.NEVER:
        yield _no("never_restarted", "the inventory allows no restart of this server (restart_policy never)")
    if terms.is_in_maintenance(now):
        yield _no("in_maintenance", "the server is in its maintenance window: whoever works on it must know first")
    if any(seen.restart is not None for seen in observations):
        yield _no("already_restarted", "this triage has had its one attempt to restart the server; there is no second")
    if transcript.suspicions:
        where = transcript.suspicions[0].where
        yield _no("hostile_text", f"text in {where} tries to give instructions: restarts are off for this incident")
    health = _newest(observations, lambda seen: seen.health)
    if health is None:
        yield _no("health_not_read", "read the server's health first; no restart without it")
        return
    logs = _newest(observations, lambda seen: seen.logs)
    if logs is None:
        yield _no("logs_not_read", "read the server's recent logs first; no restart without them")
        return
    yield from _objections_of_evidence(health, logs, rules=rules, now=now)
    yield from _objections_of_autonomy(terms)


def _objections_of_evidence(
    health: Observation, logs: Observation, *, rules: RestartRules, now: datetime
) -> Iterator[Refusal]:
    age_seconds = max((now - seen.observed_at).total_seconds() for seen in (health, logs))
    if age_seconds > rules.evidence_max_age_seconds:
        yield _no("evidence_stale", f"health or logs are {age_seconds:.0f} s old; read both again")
    reading, findings = health.health, logs.logs
    assert isinstance(reading, HealthReading)  # noqa: S101 - `_newest` found it
    assert isinstance(findings, LogFindings)  # noqa: S101 - likewise
    if not reading.symptoms:
        yield _no(
            "no_local_symptom", "the service runs and neither CPU nor memory is under pressure: nothing to restart for"
        )
    if findings.dependency_failures:
        quotation = findings.dependency_failures[-1]
        yield _no("dependency_failure", f"a dependency fails, and a restart does not cure that: “{quotation}”")


def _objections_of_autonomy(terms: Terms) -> Iterator[Refusal]:
    """Come last: an engineer shall hear that only this stood in the way."""
    if terms.restart_policy is RestartPolicy.OBSERVE:
        yield _no("observed_only", "the evidence would justify a restart, but the inventory says: observe only")
    if terms.restart_policy is RestartPolicy.APPROVE:
        yield _no(NEEDS_APPROVAL, "the evidence justifies a restart, and the inventory wants an engineer's approval")


def _newest(
    observations: tuple[Observation, ...], part: Callable[[Observation], HealthReading | LogFindings | None]
) -> Observation | None:
    return next((seen for seen in reversed(observations) if part(seen) is not None), None)


def _no(reason: str, detail: str) -> Refusal:
    return Refusal(reason=reason, detail=detail)
