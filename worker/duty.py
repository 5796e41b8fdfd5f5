"""What one worker does with one claim: investigate, or say why not, or look after a restart that was interrupted.

Everything that a worker's triages share is here, put together by `bootstrap.py`; the investigation itself is
`triage/loop.py`. Called by the task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Final

from worker.approved import refusal_at_restart, refusal_of_approved
from worker.contract.result import Disposition, Ending, RestartOutcome, RestartRecord, Spent, TriageResult
from worker.contract.transcript import ModelReply, Observation, Outcome, Step
from worker.errors import GuardrailUnavailable
from worker.guardrails.approval_policy import server_as_approved, told_as_recovered
from worker.guardrails.guarded_tools import GuardedTools
from worker.guardrails.policy import Policy
from worker.guardrails.rate_limit import RateLimiter
from worker.guardrails.recovery import look_after
from worker.guardrails.redacted import RedactedModel, redacted_server
from worker.guardrails.restart_attempt import RestartAttempt, RestartState
from worker.guardrails.restart_guard import RestartGuard
from worker.guardrails.verification import VerificationTimes
from worker.ports import Clock, Directory, Model, Server
from worker.registry.approvals import Approvals
from worker.registry.claim import Claim
from worker.registry.dead_letters import DeadLetters
from worker.registry.registry import Registry
from worker.triage.budget import Budget, BudgetLimits
from worker.triage.conclusion import Conclusion
from worker.triage.loop import Triage
from worker.triage.news import suspicions_of
from worker.triage.prompts import Prompts
from worker.triage.report import Assignment, result_of, result_without_triage

__all__ = ["Worker"]

FENCE_BYTES: Final = 8
"""Nobody guesses it within one claim."""

_NOTHING_KNOWN: Final = "Whether a restart was ordered is not known: look before you restart anything."

_TIMES_OVERTAKEN: Final = 2
"""How often a good end may be overtaken by a firing, before an engineer has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Everything that one worker process shares between its triages. Safe from many threads."""

    name: str
    registry: Registry
    dead_letters: DeadLetters
    approvals: Approvals
    directory: Directory
    policy: Policy
    limiter: RateLimiter
    guard: RestartGuard
    model: Model
    rules: Model
    approved_rules: Model
    prompts: Prompts
    clock: Clock
    budget_limits: BudgetLimits
    times: VerificationTimes
    draw_fence: Callable[[], str] = field(default=lambda: token_hex(FENCE_BYTES))
    close: Callable[[], None] = field(default=lambda: None)
    reload: Callable[[], None] = field(default=lambda: None)

    def triage(self, claim: Claim) -> TriageResult:
        """Investigate the claimed incident and return its result, or say why it could not be investigated.

        The result says how many alerts it has heard of. When one that fires has overtaken it, ask again: what was seen
        is in the claim's steps.
        """
        result = self._triaged(claim)
        told: dict[str, object] = {"occurrences": claim.occurrences}
        if result.disposition is Disposition.AWAITING_APPROVAL:
            told["approve_until"] = result.finished_at + timedelta(seconds=self.policy.restart.proposal_seconds)
        return result.model_copy(update=told)

    def _triaged(self, claim: Claim) -> TriageResult:
        server = self._server_of(claim)
        if claim.is_the_last:
            return self._given_up(claim, server)
        if claim.times_overtaken > _TIMES_OVERTAKEN:
            summary = "Alerts kept coming after each look, so that no good end could be told."
            return self._handed_over(claim, server, ending=Ending.ALERTS_KEPT_COMING, summary=summary)
        if claim.epoch > 1 and self._was_restarted_before(claim):
            return self._handed_over(claim, server, ending=Ending.RESTART_INTERRUPTED)
        if claim.occurrences.are_all_resolved and not claim.steps and not self._tries_to_steer(claim):
            return self._passed_by_itself(claim, server)
        if isinstance(server, str):
            return result_without_triage(
                self._assignment(claim, None), ending=Ending.UNKNOWN_SERVER, summary=server, now=self.clock.now()
            )
        return self._settled(claim, self._looked_into(claim, server))

    def _looked_into(self, claim: Claim, server: Server) -> TriageResult:
        """Investigate; an approved restart the rules carry out, on fresh evidence, or it is said why it may not be."""
        if claim.incident.approval is None:
            return self._investigated(claim, server, self.model)
        refusal = refusal_of_approved(claim.incident, server, approvals=self.approvals, rules=self.policy.restart)
        if refusal is None:
            return told_as_recovered(self._investigated(claim, server_as_approved(server), self.approved_rules))
        summary = f"The approved restart was refused: {refusal.detail}"
        result = self._handed_over(claim, server, ending=Ending.APPROVAL_REFUSED, summary=summary)
        return result.model_copy(update={"refusals": (*result.refusals, refusal)})

    def _server_of(self, claim: Claim) -> Server | str:
        """Return the incident's server, which says nothing unmasked, or the reason why there is none."""
        server, masker = self.directory.server_of(claim.incident), claim.redaction.masker
        return masker.masked(server) if isinstance(server, str) else redacted_server(server, masker)

    def _tries_to_steer(self, claim: Claim) -> bool:
        """Say whether any of its alerts tries to give instructions: then it is not closed unseen, over or not."""
        opening = self.prompts.opening(claim.masked_incident, server_id="", service="")
        return bool(opening.opening_suspicions or suspicions_of(claim.newest_alerts()))

    def _passed_by_itself(self, claim: Claim, server: Server | str) -> TriageResult:
        count = claim.occurrences.count
        alerts = "Its alert was" if count == 1 else f"All {count} alerts of it were"
        return result_without_triage(
            self._assignment(claim, None if isinstance(server, str) else server),
            disposition=Disposition.NO_ACTION,
            ending=Ending.RESOLVED_BEFORE_TRIAGE,
            summary=f"{alerts} over before a triage began, as the source says; nobody looked at the server.",
            now=self.clock.now(),
        )

    def _investigated(self, claim: Claim, server: Server, model: Model) -> TriageResult:
        budget = Budget(self.budget_limits, self.clock)
        tools = GuardedTools(
            policy=self.policy, limiter=self.limiter, guard=self.guard, times=self.times, clock=self.clock
        )
        opening = self.prompts.opening(
            claim.masked_incident, server_id=server.server_id, service=server.service, fence=self.draw_fence()
        )
        return Triage(
            self._assignment(claim, server),
            model=RedactedModel(model, claim.redaction.masker),
            rules=self.rules,
            toolbox=tools.toolbox(
                claim.masked_incident,
                server,
                claim=claim.lease.claim,
                masker=claim.redaction.masker,
                seconds_left=budget.seconds_left,
                refusal_by_approval=lambda: refusal_at_restart(
                    claim.incident, self._server_of(claim), approvals=self.approvals, rules=self.policy.restart
                ),
            ),
            budget=budget,
            journal=claim,
            transcript=opening.model_copy(update={"steps": claim.steps}),
            clock=self.clock,
        ).run()

    def _settled(self, claim: Claim, result: TriageResult) -> TriageResult:
        """Close an intent whose end this triage knows; where that can't be done, say so.

        Behind any refusal an answer of Redis may have been lost, or asked for twice by its client.
        """
        if result.restart is None and not result.refusals:
            return result
        try:
            self._close_intent(claim, result.restart)
        except GuardrailUnavailable:
            told = f"{result.server_id} may stay closed to restarts: see `firstline status` and `firstline resolve`."
            return result.model_copy(
                update={"disposition": Disposition.ESCALATED, "summary": f"{result.summary} {told}"}
            )
        return result

    def _close_intent(self, claim: Claim, restart: RestartRecord | None) -> None:
        attempt = self.guard.attempt_of(claim.incident.incident_id)
        if attempt is None:
            return
        is_told = restart is not None and restart.fence == attempt.fence
        if attempt.claim != claim.lease.claim and not is_told:
            return  # another claim's: only who asked for it knows what became of it
        if attempt.state is RestartState.INTENT:
            self.guard.withdraw(attempt, "the leave to restart was never heard")
        elif attempt.state is RestartState.SENT and restart is not None:
            self.guard.record(attempt, restart.outcome, restart.detail)
        elif attempt.state is RestartState.SENT:
            self.guard.record(attempt, RestartOutcome.NOT_DONE, "never ordered: the leave to restart was not heard")

    def _given_up(self, claim: Claim, server: Server | str) -> TriageResult:
        summary = f"{claim.epoch - 1} claims of this incident came to no result; nobody tries it again."
        result = self._handed_over(claim, server, ending=Ending.CLAIMS_SPENT, summary=summary)
        return result.model_copy(update={"disposition": Disposition.DEAD_LETTERED})

    def escalation_of(self, claim: Claim, error: Exception) -> TriageResult:
        """Return the escalation of an incident whose triage broke, with what was seen and whether it was restarted.

        It names the error's type only; its text may hold anything.
        """
        summary = f"The triage broke with {type(error).__name__}; the worker's log has the traceback."
        server = self._server_of(claim)
        return self._handed_over(claim, server, ending=Ending.INTERNAL_ERROR, summary=summary)

    def last_word_of(self, claim: Claim) -> TriageResult:
        """Return the escalation of an incident of which not even the escalation could be written.

        It asks nobody: no inventory, no guard, no source. So it can't break as they did.
        """
        summary = f"The triage broke, and so did its escalation; the worker's log has both tracebacks. {_NOTHING_KNOWN}"
        assignment = self._assignment(claim, None)
        result = result_without_triage(assignment, ending=Ending.INTERNAL_ERROR, summary=summary, now=self.clock.now())
        return result.model_copy(update={"is_restart_known": False})

    def _was_restarted_before(self, claim: Claim) -> bool:
        """Say whether an earlier claim ordered a restart and did not tell of it; one never sent is withdrawn here."""
        attempt = self._unrecorded_attempt(claim, claim.steps)
        if attempt is None or attempt.state is not RestartState.INTENT:
            return attempt is not None
        return self.guard.withdraw(attempt, "its worker was lost before it was sent") is not None

    def _unrecorded_attempt(self, claim: Claim, steps: Sequence[Step]) -> RestartAttempt | None:
        """Return a restart of this incident that no step tells of. Raises `GuardrailUnavailable`.

        One with a known outcome that was asked for before the incident was last taken in is another story.
        """
        if any(seen.restart is not None for step in steps for seen in step.observations):
            return None
        attempt = self.guard.attempt_of(claim.incident.incident_id)
        if attempt is None or attempt.is_undone:
            return None
        return attempt if attempt.is_open or attempt.is_of_intake(claim.lease.claim) else None

    def _handed_over(self, claim: Claim, server: Server | str, *, ending: Ending, summary: str = "") -> TriageResult:
        """Escalate with all that the journal holds; a restart that it does not tell of becomes its last step."""
        now, is_known = self.clock.now(), True
        entry = self.registry.find(claim.incident.incident_id)
        steps = entry.steps if entry else claim.steps
        try:
            attempt = self._unrecorded_attempt(claim, steps)
            restart = look_after(attempt, server=server, guard=self.guard) if attempt else None
        except GuardrailUnavailable:
            summary += f" {_NOTHING_KNOWN}"
            restart, is_known = None, False
        if restart is not None:
            steps = (*steps, self._step_of(restart, steps))
            claim.record(steps[-1])
            summary += f" {restart.server_id}: {restart.detail}."
        name, service = (None, "") if isinstance(server, str) else (server.server_id, server.service)
        opening = self.prompts.opening(claim.masked_incident, server_id=name or "", service=service)
        result = result_of(
            self._assignment(claim, None if isinstance(server, str) else server),
            conclusion=Conclusion(disposition=Disposition.ESCALATED, ending=ending, summary=summary.strip()),
            transcript=opening.model_copy(update={"steps": steps}),
            model=self.rules,
            spent=Spent(steps=len(steps)),
            started_at=now,
            finished_at=self.clock.now(),
        )
        return result.model_copy(update={"is_restart_known": is_known})

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
        server_id, restart = self._restart_of(incident_id)
        self.dead_letters.bury_entry(incident_id, why=f"{why.rstrip('.')}. {restart}", server_id=server_id)

    def _restart_of(self, incident_id: str) -> tuple[str | None, str]:
        """Return what the guard knows of a restart for an incident whose entry can't be read: its server, and words."""
        try:
            attempt = self.guard.attempt_of(incident_id)
        except GuardrailUnavailable:
            return None, _NOTHING_KNOWN
        if attempt is None:
            return None, "The restart guard has none of it"
        detail = f" ({attempt.detail})" if attempt.detail else ""
        words = f"Its server is {attempt.server_id}, and its one restart is recorded as {attempt.state}{detail}"
        return attempt.server_id, words

    def _assignment(self, claim: Claim, server: Server | None) -> Assignment:
        return Assignment(
            incident=claim.masked_incident,
            server_id=server.server_id if server else claim.incident.server_id,
            server=server,
            epoch=claim.epoch,
            worker=self.name,
            prompt_version=self.prompts.version,
        )
