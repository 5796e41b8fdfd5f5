"""The one dangerous tool: restart the incident's server, once, under guard, and prove whether it helped.

The order is policy (does the evidence justify it?) → guard (lock, cooldown, budgets, write-ahead intent, in one
script) → restart → verification → outcome. Nothing else in the house calls a `ServiceManager`. When Redis is
unavailable this refuses: no intent written, no restart. When Redis goes away after the restart, the outcome is offered
again and again; if it does not come back in time, the intent stays open and the server closed to further restarts
until a person has looked.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

import structlog

from worker.contract.result import Refusal, RestartOutcome, RestartRecord
from worker.contract.transcript import Observation, Outcome, ToolCall, Transcript
from worker.errors import GuardrailUnavailable, OrderRefused, SourceUnavailable
from worker.guardrails.policy import RestartRules
from worker.guardrails.restart_attempt import Grant, RestartPlan
from worker.guardrails.restart_policy import refusal_of_restart
from worker.guardrails.verification import Ordered, Verification, VerificationTimes, verify
from worker.ports import Clock, RestartOrder, Server, ToolSpec
from worker.terms import RestartPolicy
from worker.triage.conclusion import NEEDS_APPROVAL
from worker.triage.toolbox import refused
from worker.triage.tools import schema_of

__all__ = ["Guard", "GuardedRestart"]

log = structlog.get_logger()

_ORDER_SECONDS: Final = 10.0
"""Between leave and order nothing is waited for; whoever takes longer was frozen, and orders nothing any more."""

_NEEDS_APPROVAL: Final = (
    " On this server it needs an engineer's approval: call it all the same where a restart is justified, then hand "
    "over; its refusal becomes a proposal."
)

_LAST_LOOK_SECONDS: Final = 45.0
"""A look at health that begins as the verification's time ends: four questions of ten seconds."""

_RECORDING_SECONDS: Final = 30.0
"""How long an outcome is offered to a Redis that does not answer: as long as the incident can still be ours."""

_PAUSE_SECONDS: Final = 0.5


class Guard(Protocol):
    """What is asked of the restart guard; `restart_guard.py` answers. Every method raises `GuardrailUnavailable`."""

    def request(
        self, incident_id: str, server_id: str, *, claim: str, evidence: str, plan: RestartPlan
    ) -> Grant | Refusal:
        """Take the lock and write the intent, or refuse; once sent, the lease lasts as long as planned at least."""
        ...

    def mark_sent(self, grant: Grant) -> Refusal | None:
        """Give leave to restart now, once; None is yes."""
        ...

    def withdraw(self, attempt: Grant, why: str) -> Refusal | None:
        """Close an intent that was never sent; None is yes."""
        ...

    def record(self, attempt: Grant, outcome: RestartOutcome, detail: str) -> Refusal | None:
        """Write the outcome; None is yes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedRestart:
    """The tool `restart_service`, bound to one claim of one incident and to its one server.

    `approved` says who approved it, for the guard's journal; it permits nothing. `refusal_by_approval` looks, after all
    else, whether that still holds. It raises `GuardrailUnavailable`.
    """

    incident_id: str
    claim: str
    server: Server
    rules: RestartRules
    guard: Guard
    times: VerificationTimes
    seconds_left: Callable[[], float]
    clock: Clock
    approved: str = ""
    refusal_by_approval: Callable[[], Refusal | None] = lambda: None

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        return ToolSpec(
            name="restart_service",
            description=(
                "Restart the server's service, once. Guarded: it refuses unless health and logs justify it. "
                "It watches health afterwards and says whether recovery is proven."
                f"{_NEEDS_APPROVAL if self.server.terms.restart_policy is RestartPolicy.APPROVE else ''}"
            ),
            parameters=schema_of({"server_id": {"type": "string", "enum": [self.server.server_id]}}),
        )

    def run(self, call: ToolCall, arguments: Mapping[str, object], transcript: Transcript) -> Observation:
        """Restart and verify, or refuse. Two triages that call at once: the guard's script lets one through."""
        refusal = (
            self._refusal_by_time()
            or self._refusal_by_policy(transcript)
            or self._refusal_by_dependencies()
            or self._refusal_by_time()  # again: dependencies may have answered slowly
            or self.refusal_by_approval()
        )
        if refusal is not None:
            return refused(call, refusal, self.clock)
        asked_at = self.clock.monotonic_seconds()
        seen_before = (f"{seen.evidence_id} {seen.tool}" for seen in transcript.observations)
        evidence = ", ".join([*filter(None, [self.approved]), *seen_before])
        grant = self.guard.request(
            self.incident_id,
            self.server.server_id,
            claim=self.claim,
            evidence=evidence,
            plan=RestartPlan(
                target=self.server.target or self.server.server_id,
                own_limits=self.server.terms.limits,
                restart_seconds=_ORDER_SECONDS + self._needed_seconds() + _LAST_LOOK_SECONDS,
            ),
        )
        if isinstance(grant, Refusal):
            return refused(call, grant, self.clock)
        leave_asked_at = self.clock.monotonic_seconds()
        refusal = self.guard.mark_sent(grant)
        if refusal is not None:
            # Never sent, and after this never to be sent: the server need not stay closed for it.
            self.guard.withdraw(grant, refusal.detail)
            return refused(call, refusal, self.clock)
        order = RestartOrder(
            incident_id=self.incident_id,
            fence=grant.fence,
            not_after=grant.not_after,
            give_up_at=min(asked_at + grant.lease_seconds, leave_asked_at + _ORDER_SECONDS),
        )
        return _observation(call, self._restart_and_verify(grant, order), self.clock)

    def _needed_seconds(self) -> float:
        return self.server.service_manager.restart_seconds + self.times.timeout_seconds

    def _refusal_by_time(self) -> Refusal | None:
        needed = self._needed_seconds()
        if self.seconds_left() >= needed:
            return None
        detail = (
            f"{self.seconds_left():.0f} s are left of the incident's deadline, a verified restart needs {needed:.0f} s"
        )
        return Refusal(reason="deadline_too_near", detail=detail)

    def _refusal_by_policy(self, transcript: Transcript) -> Refusal | None:
        """Hold the evidence against the policy; a restart that lacks only a person's word must not fail by more."""
        refusal = refusal_of_restart(transcript, terms=self.server.terms, rules=self.rules, now=self.clock.now())
        if refusal is not None and refusal.reason == NEEDS_APPROVAL:
            return self._refusal_by_dependencies() or refusal
        return refusal

    def _refusal_by_dependencies(self) -> Refusal | None:
        """Look at what the server needs, now: a restart does not cure a sick dependency, nor one that can't be seen."""
        for name, source in self.server.dependencies.items():
            try:
                health = source.read_health()
            except SourceUnavailable as failure:
                detail = f"{name}, which this server needs, can't be seen: {failure}"
                return Refusal(reason="dependency_unseen", detail=detail)
            except Exception as failure:  # noqa: BLE001 - the boundary: what can't be seen is no reason to restart
                detail = f"{name}, which this server needs, can't be seen ({type(failure).__name__})"
                return Refusal(reason="dependency_unseen", detail=detail)
            if health.symptoms:
                trouble = ", ".join(health.symptoms)
                return Refusal(reason="dependency_sick", detail=f"{name}, which this server needs, is sick: {trouble}")
        return None

    def _restart_and_verify(self, grant: Grant, order: RestartOrder) -> RestartRecord:
        ordered_at, began = self.clock.now(), self.clock.monotonic_seconds()
        failure = self._failure_of(order)
        if isinstance(failure, OrderRefused):
            verification = Verification(RestartOutcome.NOT_DONE, _without_stop(failure), ())
            record = self._record(grant, ordered_at, verification, restarted_at=None)
        else:
            ended = Ordered(began=began, ended=self.clock.monotonic_seconds(), ended_at=self.clock.now())
            record = self._verified(grant, ordered_at, ended, failure)
        self._write_down(grant, record)
        return record

    def _failure_of(self, order: RestartOrder) -> SourceUnavailable | None:
        """Give the order, once; whatever breaks behind it, it may have been carried out."""
        try:
            self.server.service_manager.restart(order)
        except SourceUnavailable as failure:
            return failure
        except Exception as failure:  # noqa: BLE001 - the boundary: an outcome must be written down for every order
            return SourceUnavailable(f"The order broke with {type(failure).__name__}.")
        return None

    def _verified(
        self, grant: Grant, ordered_at: datetime, ended: Ordered, failure: SourceUnavailable | None
    ) -> RestartRecord:
        """Watch health. An order that failed may have been carried out all the same: only a start since shows it."""
        seen = verify(
            self.server.health, order=ended, times=self.times, clock=self.clock, needs_start=failure is not None
        )
        if failure is None:
            return self._record(grant, ordered_at, seen, restarted_at=ended.ended_at)
        if not seen.has_started:
            told = f"{_without_stop(failure)}; whether it still happens is not known"
            return self._record(grant, ordered_at, Verification(RestartOutcome.UNKNOWN, told, ()), restarted_at=None)
        told = f"{seen.detail}; the service has started since the order, which said: {_without_stop(failure)}"
        return self._record(grant, ordered_at, replace(seen, detail=told), restarted_at=ended.ended_at)

    def _record(
        self, grant: Grant, ordered_at: datetime, verification: Verification, *, restarted_at: datetime | None
    ) -> RestartRecord:
        return RestartRecord(
            server_id=self.server.server_id,
            fence=grant.fence,
            ordered_at=ordered_at,
            outcome=verification.outcome,
            detail=verification.detail,
            restarted_at=restarted_at,
            probes=verification.probes,
        )

    def _write_down(self, grant: Grant, record: RestartRecord) -> None:
        """Record the outcome, and wait for a Redis that is away. In the end a failure is logged only.

        The restart happened, and its observation must go on. The intent stays open then, and the server closed.
        """
        give_up = self.clock.monotonic_seconds() + _RECORDING_SECONDS
        about = {"server": record.server_id, "fence": record.fence}
        while True:
            try:
                refusal = self.guard.record(grant, record.outcome, record.detail)
            except GuardrailUnavailable as failure:
                if self.clock.monotonic_seconds() >= give_up:
                    log.warning("restart.outcome_not_recorded", **about, why=str(failure))
                    return
                self.clock.sleep(_PAUSE_SECONDS)
                continue
            if refusal is not None:
                log.warning("restart.outcome_refused", **about, reason=refusal.reason)
            return


def _without_stop(failure: SourceUnavailable) -> str:
    return str(failure).rstrip(".")


def _was_restarted(record: RestartRecord) -> bool | str:
    if record.outcome is RestartOutcome.UNKNOWN:
        return "not known"
    return record.restarted_at is not None


def _observation(call: ToolCall, record: RestartRecord, clock: Clock) -> Observation:
    content = {
        "restarted": _was_restarted(record),
        "outcome": record.outcome,
        "health_proven_good": record.outcome is RestartOutcome.RESTORED,
        "detail": record.detail,
        "last_probe": record.probes[-1].model_dump(mode="json", exclude_none=True) if record.probes else None,
    }
    return Observation(
        call_id=call.call_id,
        tool=call.name,
        outcome=Outcome.ANSWERED,
        content=json.dumps(content, ensure_ascii=False),
        observed_at=clock.now(),
        restart=record,
    )
