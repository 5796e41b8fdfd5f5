"""The composition root: the one place that names concrete classes and puts a worker together."""

from collections.abc import Callable
from dataclasses import dataclass, field

import redis

from worker.clock import SystemClock
from worker.contract.result import Ending, TriageResult
from worker.contract.transcript import Transcript
from worker.errors import ConfigurationError
from worker.guardrails.guarded_restart import GuardedRestart
from worker.guardrails.policy import Policy
from worker.guardrails.rate_limit import RateLimiter
from worker.guardrails.rate_limited_tool import RateLimitedTool
from worker.guardrails.restart_guard import RestartGuard, RestartLimits
from worker.guardrails.verification import VerificationTimes
from worker.infrastructure.inventory import Inventory
from worker.logs import configure_logging
from worker.models.openai_model import OpenAIModel
from worker.models.rules_model import RulesModel
from worker.ports import Clock, Directory, Model, Server, Tool
from worker.registry.claim import Claim
from worker.registry.heartbeat import Heartbeat
from worker.registry.registry import Registry
from worker.settings import Settings, load_settings
from worker.triage.budget import Budget, BudgetLimits
from worker.triage.loop import Triage
from worker.triage.prompts import Prompts
from worker.triage.report import Assignment, result_without_triage
from worker.triage.toolbox import Toolbox
from worker.triage.tools import EscalateToEngineer, FetchRecentLogs, GetServerHealth

__all__ = ["Worker", "check_configuration", "connect", "make_guard", "make_worker", "open_worker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Everything that one worker process shares between its triages. Safe from many threads."""

    settings: Settings
    registry: Registry
    directory: Directory
    policy: Policy
    limiter: RateLimiter
    guard: RestartGuard
    model: Model
    rules: Model
    prompts: Prompts
    clock: Clock
    close: Callable[[], None] = field(default=lambda: None)

    def triage(self, claim: Claim) -> TriageResult:
        """Investigate the claimed incident and return its result; a server that nobody knows is escalated as such."""
        server = self.directory.server_of(claim.incident)
        if isinstance(server, str):
            return result_without_triage(
                self._assignment(claim, None), ending=Ending.UNKNOWN_SERVER, summary=server, now=self.clock.now()
            )
        budget = Budget(_budget_limits(self.settings), self.clock)
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

    def escalation_of(self, claim: Claim, error: Exception) -> TriageResult:
        """Return the escalation of an incident whose triage broke; it names the error's type only."""
        summary = (
            f"The triage broke with {type(error).__name__}; the worker's log has the traceback. Nothing more was done."
        )
        return result_without_triage(
            self._assignment(claim, None), ending=Ending.INTERNAL_ERROR, summary=summary, now=self.clock.now()
        )

    def _assignment(self, claim: Claim, server: Server | None) -> Assignment:
        return Assignment(
            incident=claim.incident,
            server_id=server.server_id if server else claim.incident.server_id,
            service=server.service if server else None,
            epoch=claim.epoch,
            worker=self.settings.worker_name,
            prompt_version=self.prompts.version,
        )

    def _toolbox(self, claim: Claim, server: Server, budget: Budget) -> Toolbox:
        guarded_restart = GuardedRestart(
            incident_id=claim.incident.incident_id,
            server=server,
            rules=self.policy.restart,
            guard=self.guard,
            times=_verification_times(self.settings),
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


def open_worker(settings: Settings | None = None) -> Worker:
    """Put a worker together from the environment. Raises `ConfigurationError` before anything is started."""
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    return make_worker(settings, connect(settings))


def make_worker(settings: Settings, connection: redis.Redis) -> Worker:
    """Put a worker together on a Redis client of the caller's; `close` closes both."""
    clock = SystemClock()
    policy = Policy.load(settings.policy_file)
    directory = Inventory.load(settings.inventory_file, clock)
    model = _make_model(settings)
    registry = Registry(connection, worker=settings.worker_name)
    heartbeat = Heartbeat(registry, {"concurrency": settings.worker_concurrency, "model": model.name})
    heartbeat.start()

    def close() -> None:
        heartbeat.stop()
        registry.close()
        if isinstance(model, OpenAIModel):
            model.close()
        connection.close()

    return Worker(
        settings=settings,
        registry=registry,
        directory=directory,
        policy=policy,
        limiter=RateLimiter(connection),
        guard=make_guard(connection, policy, worker=settings.worker_name),
        model=model,
        rules=RulesModel(),
        prompts=Prompts.load(),
        clock=clock,
        close=close,
    )


def check_configuration(settings: Settings) -> None:
    """Raise `ConfigurationError` for whatever would keep a worker from starting; reach for nothing."""
    Policy.load(settings.policy_file)
    Inventory.load(settings.inventory_file, SystemClock())
    _verification_times(settings)


def connect(settings: Settings) -> redis.Redis:
    """Return a client whose every call ends: timeouts on connect and reply, health checks on idle connections."""
    return redis.Redis.from_url(
        str(settings.redis_url),
        decode_responses=True,
        socket_timeout=5,
        socket_connect_timeout=3,
        socket_keepalive=True,
        health_check_interval=5,
        max_connections=settings.worker_concurrency + 50,
    )


def make_guard(connection: redis.Redis, policy: Policy, *, worker: str) -> RestartGuard:
    """Return the restart guard under the policy file's limits."""
    rules = policy.restart
    limits = RestartLimits(
        cooldown_seconds=rules.cooldown_seconds,
        server_restarts=rules.server_restarts,
        server_window_seconds=rules.server_window_seconds,
        fleet_restarts=rules.fleet_restarts,
        fleet_window_seconds=rules.fleet_window_seconds,
        fleet_concurrency=rules.fleet_concurrency,
        lease_seconds=rules.lease_seconds,
    )
    return RestartGuard(connection, limits, worker=worker)


def _make_model(settings: Settings) -> Model:
    if not settings.uses_llm:
        return RulesModel()
    return OpenAIModel(
        settings.model_name,
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=str(settings.openai_base_url) if settings.openai_base_url else None,
        retries=settings.model_retries,
        try_timeout_seconds=settings.model_timeout_seconds,
        concurrency=settings.worker_concurrency,
    )


def _budget_limits(settings: Settings) -> BudgetLimits:
    return BudgetLimits(
        max_steps=settings.max_steps,
        max_tokens=settings.max_tokens,
        max_seconds=settings.max_seconds,
        max_us_dollars=settings.max_us_dollars,
        input_us_dollars_per_million=settings.model_input_us_dollars_per_million,
        output_us_dollars_per_million=settings.model_output_us_dollars_per_million,
    )


def _verification_times(settings: Settings) -> VerificationTimes:
    times = VerificationTimes(
        interval_seconds=settings.verification_interval_seconds,
        hold_seconds=settings.verification_hold_seconds,
        timeout_seconds=settings.verification_timeout_seconds,
    )
    if times.hold_seconds + times.interval_seconds > times.timeout_seconds:
        raise ConfigurationError(
            "FIRSTLINE_VERIFICATION_TIMEOUT_SECONDS must be longer than "
            "FIRSTLINE_VERIFICATION_HOLD_SECONDS and FIRSTLINE_VERIFICATION_INTERVAL_SECONDS together"
        )
    return times
