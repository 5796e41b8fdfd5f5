"""A tool under its rate limits: per server and fleet-wide, over all workers, on the server's clock.

A short wait is waited out, with the incident's lease renewed meanwhile; a long one is a refusal that the model sees.
When Redis is unavailable this refuses every call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.contract.result import Refusal
from worker.contract.transcript import Observation, ToolCall, Transcript
from worker.guardrails.policy import ToolLimits
from worker.guardrails.rate_limit import RateLimit, RateLimiter
from worker.ports import Clock, Tool, ToolSpec
from worker.triage.toolbox import refused

__all__ = ["RateLimitedTool"]

_LONGEST_WAIT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitedTool:
    """Puts `tool` under `limits`; to the model it is the same tool."""

    tool: Tool
    limits: ToolLimits
    limiter: RateLimiter
    server_id: str
    seconds_left: Callable[[], float]
    clock: Clock

    @property
    def spec(self) -> ToolSpec:
        """The tool's own."""
        return self.tool.spec

    def run(self, call: ToolCall, arguments: Mapping[str, object], transcript: Transcript) -> Observation:
        """Run the tool as soon as the limits allow it, or refuse when that is too far away."""
        while (retry_after_seconds := self._take()) > 0:
            patience_seconds = min(_LONGEST_WAIT_SECONDS, self.seconds_left() / 3)
            if retry_after_seconds > patience_seconds:
                return refused(call, self._refusal(retry_after_seconds), self.clock)
            self.clock.sleep(retry_after_seconds)
        return self.tool.run(call, arguments, transcript)

    def _take(self) -> float:
        name, per = self.spec.name, self.limits.per_seconds
        of_server = RateLimit(name=name, count=self.limits.per_server, per_seconds=per, burst=self.limits.per_server)
        of_fleet = RateLimit(name=name, count=self.limits.fleet, per_seconds=per, burst=max(self.limits.fleet // 10, 1))
        return self.limiter.take([(of_server, f"server:{self.server_id}"), (of_fleet, "fleet")])

    def _refusal(self, retry_after_seconds: float) -> Refusal:
        return Refusal(
            reason="rate_limited",
            detail=f"{self.spec.name} was called too often; free again in {retry_after_seconds:.0f} s",
            retry_after_seconds=retry_after_seconds,
        )
