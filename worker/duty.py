"""What one worker does with one claim: investigate, or say why not, or look after a restart that was interrupted.

Everything that a worker's triages share is here, put together by `bootstrap.py`; the investigation itself is
`triage/loop.py`. Called by the task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from worker.contract.result import Disposition, Ending, RestartRecord, Spent, TriageResult
from worker.contract.transcript import ModelReply, Observation, Outcome, Step, Transcript
from worker.errors import GuardrailUnavailable
from worker.guardrails.guarded_restart import GuardedRestart
from worker.guardrails.policy import Policy
from worker.guardrails.rate_limit import RateLimiter
from worker.guardrails.rate_limited_tool import RateLimitedTool
from worker.guardrails.recovery import look_after
from worker.guardrails.restart_guard import RestartGuard
from worker.guardrails.verification import VerificationTimes
from worker.ports import Clock, Directory, Model, Server, Tool
from worker.registry.claim import Claim
from worker.registry.dead_letters import DeadLetters
from worker.registry.registry import Registry
from worker.triage.budget import Budget, BudgetLimits
from worker.triage.conclusion import Conclusion
from worker.triage.loop import Triage
from worker.triage.prompts import Prompts
from worker.triage.report import Assignment, result_of, result_without_triage
from worker.triage.toolbox import Toolbox
from worker.triage.tools import EscalateToEngineer, FetchRecentLogs, GetServerHealth

__all__ = ["Worker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Everything that one worker process shares between its triages. Safe from many threads."""

    name: str
    registry: Registry
    dead_letters: DeadLetters
    directory: Directory
    policy: Policy
    limiter: RateLimiter
    guard: RestartGuard
    model: Model
    rules: Model
    prompts: Prompts
    clock: Clock
    budget_limits: BudgetLimits
    times: VerificationTimes
    close: Callable[[], None] = field(default=lambda: None)

    def triage(self, claim: Claim) -> TriageResult:
        """Investigate the claimed incident and return its result, or say why it could not be investigated."""
        if claim.is_the_last:
            return self._given_up(claim)
        server = self.directory.server_of(claim.incident)
        if isinstance(server, str):
            return result_without_triage(
                self._assignment(claim, None), ending=Ending.UNKNOWN_SERVER, summary=server, now=self.clock.now()
            )
        interrupted = self._interrupted_restart(claim, server)
        return self._handed_over(claim, server, interrupted) if interrupted else self._investigated(claim, server)

    def _investigated(self, claim: Claim, server: Server) -> TriageResult:
        budget = Budget(self.budget_limits, self.clock)
        opening = self.prompts.opening(claim.incident, server_id=server.server_id, service=server.service)
        return Triage(
            self._assignment(claim, server),
            model=self.model,
            rules=self.rules,
            toolbox=self._toolbox(claim, server, budget),
            budget=budget,
            journal=claim,
            transcript=Transcript(system=opening.system, opening=opening.opening, steps=claim.steps),
            clock=self.clock,
        ).run()

    def _given_up(self, claim: Claim) -> TriageResult:
        summary = f"{claim.epoch - 1} workers have had this incident, and none came to a result; nobody tries it again."
        result = result_without_triage(
            self._assignment(claim, None), ending=Ending.CLAIMS_SPENT, summary=summary, now=self.clock.now()
        )
        self.dead_letters.keep("claims_spent", incident=claim.incident, detail=summary)
        return result.model_copy(update={"disposition": Disposition.DEAD_LETTERED})

    def escalation_of(self, claim: Claim, error: Exception) -> TriageResult:
        """Return the escalation of an incident whose triage broke, with what was seen and whether it was restarted.

        It names the error's type only; its text may hold anything. A guard that can't be asked is said to be so.
        """
        summary = f"The triage broke with {type(error).__name__}; the worker's log has the traceback."
        server = self.directory.server_of(claim.incident)
        try:
            attempt = self.guard.attempt_of(claim.incident.incident_id)
        except GuardrailUnavailable:
            summary += " Whether a restart was ordered is not known: look before you restart anything."
            attempt = None
        if isinstance(server, str):
            return result_without_triage(
                self._assignment(claim, None), ending=Ending.INTERNAL_ERROR, summary=summary, now=self.clock.now()
            )
        restart = look_after(attempt, server=server, guard=self.guard) if attempt else None
        return self._handed_over(claim, server, restart, ending=Ending.INTERNAL_ERROR, summary=summary)

    def _interrupted_restart(self, claim: Claim, server: Server) -> RestartRecord | None:
        """Return what became of a restart that an earlier claim ordered and did not live to record, if there is one."""
        is_recorded = any(seen.restart is not None for step in claim.steps for seen in step.observations)
        if claim.epoch == 1 or is_recorded:
            return None
        attempt = self.guard.attempt_of(claim.incident.incident_id)
        return None if attempt is None else look_after(attempt, server=server, guard=self.guard)

    def _handed_over(
        self,
        claim: Claim,
        server: Server,
        restart: RestartRecord | None,
        *,
        ending: Ending = Ending.RESTART_INTERRUPTED,
        summary: str = "",
    ) -> TriageResult:
        """Escalate with all that the journal holds, and with the interrupted restart as a last step of nobody's."""
        now = self.clock.now()
        entry = self.registry.find(claim.incident.incident_id)
        steps = entry.steps if entry else claim.steps
        if restart is not None:
            steps = (*steps, self._step_of(restart, steps))
        told = f" {server.server_id} stays closed until a person resolves it: {restart.detail}." if restart else ""
        opening = self.prompts.opening(claim.incident, server_id=server.server_id, service=server.service)
        return result_of(
            self._assignment(claim, server),
            conclusion=Conclusion(disposition=Disposition.ESCALATED, ending=ending, summary=f"{summary}{told}".strip()),
            transcript=opening.model_copy(update={"steps": steps}),
            model=self.rules,
            spent=Spent(steps=len(steps)),
            started_at=now,
            finished_at=self.clock.now(),
        )

    def _step_of(self, restart: RestartRecord, steps: Sequence[Step]) -> Step:
        seen = Observation(
            call_id="recovery",
            tool="restart_service",
            outcome=Outcome.FAILED,
            content=restart.model_dump_json(exclude_none=True),
            observed_at=self.clock.now(),
            evidence_id=f"E{sum(len(step.observations) for step in steps) + 1}",
            restart=restart,
        )
        return Step(number=len(steps) + 1, model="none", reply=ModelReply(), observations=(seen,))

    def bury(self, incident_id: str, why: str) -> None:
        """Set an entry aside that can't be read, close it, and tell engineers: it would come back for ever."""
        content = self.registry.raw(incident_id)
        self.dead_letters.bury(
            "unreadable_entry", content=content, found_in="the registry", detail=why, closes_incident_id=incident_id
        )

    def _assignment(self, claim: Claim, server: Server | None) -> Assignment:
        return Assignment(
            incident=claim.incident,
            server_id=server.server_id if server else claim.incident.server_id,
            service=server.service if server else None,
            epoch=claim.epoch,
            worker=self.name,
            prompt_version=self.prompts.version,
        )

    def _toolbox(self, claim: Claim, server: Server, budget: Budget) -> Toolbox:
        guarded_restart = GuardedRestart(
            incident_id=claim.incident.incident_id,
            server=server,
            rules=self.policy.restart,
            guard=self.guard,
            times=self.times,
            seconds_left=budget.seconds_left,
            clock=self.clock,
        )
        tools: list[Tool] = [GetServerHealth(server, self.clock), FetchRecentLogs(server, self.clock), guarded_restart]
        limited: list[Tool] = [
            RateLimitedTool(
                tool=tool,
                limits=self.policy.limits_of(tool.spec.name),
                limiter=self.limiter,
                server_id=server.server_id,
                seconds_left=budget.seconds_left,
                clock=self.clock,
            )
            for tool in tools
        ]
        return Toolbox([*limited, EscalateToEngineer(self.clock)], self.clock)
