"""The tools of one triage, each behind its guards: rate limits, redaction, and the guarded restart among them.

Nothing here decides: it puts together what the other files of this room are. Called by the duty for each triage.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from worker.contract.incident import Incident, IncidentKind
from worker.contract.result import Refusal
from worker.guardrails.approval_policy import approval_told
from worker.guardrails.guarded_restart import Guard, GuardedRestart
from worker.guardrails.policy import Policy
from worker.guardrails.rate_limit import RateLimiter
from worker.guardrails.rate_limited_tool import RateLimitedTool
from worker.guardrails.redacted import RedactedTool
from worker.guardrails.verification import VerificationTimes
from worker.ports import Clock, Server, Tool
from worker.redaction import Masker
from worker.triage.toolbox import Toolbox
from worker.triage.tools import EscalateToEngineer, FetchRecentLogs, GetServerHealth

__all__ = ["GuardedTools"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedTools:
    """What one worker's tools are guarded by. Safe from many threads."""

    policy: Policy
    limiter: RateLimiter
    guard: Guard
    times: VerificationTimes
    clock: Clock

    def toolbox(
        self,
        incident: Incident,
        server: Server,
        *,
        claim: str,
        masker: Masker,
        seconds_left: Callable[[], float],
        refusal_by_approval: Callable[[], Refusal | None],
    ) -> Toolbox:
        """Return the tools of one incident on its one server, under one claim; nothing of them is told unmasked.

        The incident itself is masked already. `refusal_by_approval` is asked right before a restart.
        """
        logs = FetchRecentLogs(server, self.clock, alerted_at=incident.started_at)
        tools: list[Tool] = [GetServerHealth(server, self.clock), logs]
        if incident.kind is not IncidentKind.TREND:  # nothing has failed yet, so there is nothing to restart for
            restart = self._restart(incident, server, claim=claim, seconds_left=seconds_left)
            tools.append(replace(restart, refusal_by_approval=refusal_by_approval))
        limited: list[Tool] = [
            RateLimitedTool(
                tool=tool,
                limits=self.policy.limits_of(tool.spec.name),
                limiter=self.limiter,
                server_id=server.server_id,
                seconds_left=seconds_left,
                clock=self.clock,
            )
            for tool in tools
        ]
        return Toolbox([RedactedTool(tool, masker) for tool in (*limited, EscalateToEngineer(self.clock))], self.clock)

    def _restart(
        self, incident: Incident, server: Server, *, claim: str, seconds_left: Callable[[], float]
    ) -> GuardedRestart:
        return GuardedRestart(
            incident_id=incident.incident_id,
            claim=claim,
            server=server,
            rules=self.policy.restart,
            guard=self.guard,
            times=self.times,
            seconds_left=seconds_left,
            clock=self.clock,
            approved=approval_told(incident.approval) if incident.approval else "",
        )
