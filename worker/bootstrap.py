"""The composition root: the one place that names concrete classes and puts a worker together."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Final

import redis

from worker import queue_order
from worker.clock import SystemClock
from worker.duty import Worker
from worker.errors import ConfigurationError
from worker.guardrails.policy import Policy
from worker.guardrails.rate_limit import RateLimiter
from worker.guardrails.restart_guard import RestartGuard, RestartLimits
from worker.guardrails.verification import VerificationTimes
from worker.infrastructure.inventory import Inventory
from worker.infrastructure.inventory_in_force import InventoryInForce
from worker.logs import configure_logging
from worker.models.openai_model import OpenAIModel
from worker.models.rules_model import RulesModel
from worker.ports import Model
from worker.redaction import Detector, RedactionRules
from worker.redaction.installation import use_rules
from worker.redaction.people import detector_of
from worker.redaction.rules_file import read_rules
from worker.redaction.sealing import Sealer, keys_read
from worker.registry.approvals import Approvals
from worker.registry.configuration_record import ConfigurationRecord
from worker.registry.dead_letters import DeadLetters
from worker.registry.placeholder_store import PlaceholderStore
from worker.registry.recording import ResultsRecorder
from worker.registry.recurring import Recurring
from worker.registry.registry import BEAT_INTERVAL_SECONDS, Registry
from worker.registry.settings_told import told_settings
from worker.registry.sweeper import Sweeper
from worker.registry.trimming import ResultsTrimmer
from worker.settings import RedisSettings, Settings, load_settings, read_environment
from worker.triage.budget import BudgetLimits
from worker.triage.prompts import Prompts

__all__ = [
    "check_configuration",
    "connect",
    "make_detector",
    "make_guard",
    "make_placeholder_store",
    "make_worker",
    "open_worker",
]

_CONNECTIONS: Final = 50
_RECORD_INTERVAL_SECONDS: Final = 2.0
_RELOADED_FILES: Final = ("inventory_file", "redaction_file")
_SWEEP_INTERVAL_SECONDS: Final = 10.0
_TRIM_INTERVAL_SECONDS: Final = 600.0


def open_worker(settings: Settings | None = None) -> Worker:
    """Put a worker together from the environment. Raises `ConfigurationError` before anything is started."""
    settings = settings or load_settings()
    use_rules(_make_rules(settings, kept=None))
    configure_logging(settings.log_level)
    return make_worker(settings, connect(settings, connections=settings.worker_concurrency + _CONNECTIONS))


def make_worker(settings: Settings, connection: redis.Redis) -> Worker:
    """Put a worker together on a Redis client of the caller's; `close` closes both."""
    clock = SystemClock()
    policy = Policy.load(settings.policy_file)
    inventory = load_inventory(settings)
    directory = InventoryInForce(inventory)
    model = _make_model(settings)
    registry = Registry(
        connection,
        worker=settings.worker_name,
        detector=make_detector(settings, kept=inventory.names()),
        placeholder_store=make_placeholder_store(settings, connection),
    )
    record = _make_record(settings, policy, connection)
    record.note("a worker starts")
    recurring: list[Recurring] = []

    def close() -> None:
        for each in recurring:
            each.stop()
        registry.close()
        directory.close()
        if isinstance(model, OpenAIModel):
            model.close()
        connection.close()

    worker = Worker(
        name=settings.worker_name,
        registry=registry,
        dead_letters=DeadLetters(connection),
        approvals=Approvals(connection),
        directory=directory,
        policy=policy,
        limiter=RateLimiter(connection),
        guard=make_guard(connection, policy, worker=settings.worker_name),
        model=model,
        rules=RulesModel(),
        approved_rules=RulesModel(is_approved=True),
        prompts=Prompts.load(),
        clock=clock,
        budget_limits=_budget_limits(settings),
        times=_verification_times(settings),
        close=close,
        reload=partial(_reload, settings, registry, directory, record),
    )
    recurring.append(Recurring("configuration record", record.write, interval_seconds=_RECORD_INTERVAL_SECONDS))
    recurring += _recurring(worker, connection, about={"concurrency": settings.worker_concurrency, "model": model.name})
    for each in recurring:
        each.start()
    return worker


def _make_record(settings: Settings, policy: Policy, connection: redis.Redis) -> ConfigurationRecord:
    files = {name: getattr(settings, name) for name in type(settings).model_fields if name.endswith("_file")}
    told = told_settings(settings) | told_settings(policy, within="policy")
    return ConfigurationRecord(connection, program="worker", worker=settings.worker_name, files=files, settings=told)


def _reload(settings: Settings, registry: Registry, directory: InventoryInForce, record: ConfigurationRecord) -> None:
    """Read inventory and redaction rules again. Raises `ConfigurationError`, and leaves everything as it was."""
    inventory = load_inventory(settings)
    rules = _make_rules(settings, kept=inventory.names())
    detector = detector_of(rules)
    use_rules(rules)
    registry.mask_with(detector)
    directory.use(inventory)
    record.note("a worker reloads", names=_RELOADED_FILES)


def load_inventory(settings: Settings) -> Inventory:
    """Read the inventory. Raises `ConfigurationError`, also where no restart would ever fit into a deadline."""
    inventory = Inventory.load(settings.inventory_file, SystemClock(), environment=read_environment())
    longest_seconds = inventory.longest_restart_seconds()
    needed_seconds = longest_seconds + settings.verification_timeout_seconds
    if needed_seconds > settings.max_seconds:
        raise ConfigurationError(
            f"FIRSTLINE_MAX_SECONDS must be at least {needed_seconds:g}: by the inventory {settings.inventory_file} a "
            f"restart may take {longest_seconds:g} s, and its verification "
            f"{settings.verification_timeout_seconds:g} s; raise it, or lower restart_timeout_seconds there."
        )
    return inventory


def _recurring(worker: Worker, connection: redis.Redis, *, about: Mapping[str, str | float]) -> list[Recurring]:
    registry = worker.registry
    return [
        Recurring("heartbeat", lambda: registry.beat(about), interval_seconds=BEAT_INTERVAL_SECONDS),
        Recurring("sweeper", Sweeper(connection, bury=worker.bury).sweep, interval_seconds=_SWEEP_INTERVAL_SECONDS),
        Recurring(
            "queue order", lambda: queue_order.heed(registry.waiting_seconds()), interval_seconds=BEAT_INTERVAL_SECONDS
        ),
        Recurring("recorder", ResultsRecorder(connection).record, interval_seconds=_RECORD_INTERVAL_SECONDS),
        Recurring("trimmer", ResultsTrimmer(connection).trim, interval_seconds=_TRIM_INTERVAL_SECONDS),
    ]


def make_detector(settings: Settings, *, kept: frozenset[str] | None = None) -> Detector:
    """Return what finds secrets and personal data under the installation's rules; of names those `kept` stay.

    They are the inventory's where none are given. Raises `ConfigurationError`.
    """
    return detector_of(_make_rules(settings, kept=kept))


def _make_rules(settings: Settings, *, kept: frozenset[str] | None) -> RedactionRules:
    kept = load_inventory(settings).names() if kept is None else kept
    return read_rules(settings.redaction_file, kept=kept)


def make_placeholder_store(settings: Settings, connection: redis.Redis) -> PlaceholderStore | None:
    """Return where placeholders' values are kept, or None: without a key they are kept nowhere."""
    if settings.redaction_keys is None:
        return None
    keys = keys_read(settings.redaction_keys.get_secret_value())
    return PlaceholderStore(connection, Sealer(keys, random_bytes=os.urandom))


def check_configuration(settings: Settings) -> None:
    """Raise `ConfigurationError` for whatever would keep a worker from starting; reach for nothing."""
    Policy.load(settings.policy_file)
    make_detector(settings, kept=load_inventory(settings).names())
    _verification_times(settings)


def connect(settings: RedisSettings, *, connections: int = _CONNECTIONS) -> redis.Redis:
    """Return a client whose every call ends: timeouts on connect and reply, health checks on idle connections."""
    return redis.Redis.from_url(
        str(settings.redis_url),
        decode_responses=True,
        encoding_errors="backslashreplace",  # what is no text must be reported by whoever reads it, not raise here
        socket_timeout=5,
        socket_connect_timeout=3,
        socket_keepalive=True,
        health_check_interval=5,
        max_connections=connections,
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
        trip_after=rules.trip_after,
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
