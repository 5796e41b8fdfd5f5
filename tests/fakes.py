"""Fakes behind the ports: real classes, no patching. Each passes the suite that its real counterpart passes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from worker.contract.incident import Alert, Incident, Severity, identity
from worker.contract.observations import HealthReading, LogTail, ServiceStatus
from worker.contract.transcript import ModelReply, Step, ToolCall, Transcript, Usage
from worker.errors import OrderRefused, SourceUnavailable, StaleClaim
from worker.guardrails.verification import Ordered
from worker.infrastructure.log_files import tail_of
from worker.ports import Clock, HealthSource, RestartOrder, Server, ToolSpec
from worker.terms import RestartPolicy, Terms

START = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
SERVER_ID = "payment-server-01"
AUTO = Terms(restart_policy=RestartPolicy.AUTO)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    elapsed_seconds: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed_seconds)

    def monotonic_seconds(self) -> float:
        return self.elapsed_seconds

    def sleep(self, seconds: float) -> None:
        self.elapsed_seconds += max(seconds, 0)


def reading(
    clock: FakeClock,
    *,
    cpu: float | None = 5.0,
    memory: float | None = 20.0,
    status: ServiceStatus = ServiceStatus.RUNNING,
    started_at: datetime | None = None,
) -> HealthReading:
    return HealthReading(
        server_id=SERVER_ID,
        status=status,
        cpu_percent=cpu,
        memory_percent=memory,
        observed_at=clock.now(),
        service_started_at=started_at,
        source="fake",
    )


@dataclass
class FakeServer:
    """A service that is sick until it is restarted, then walks through `after_restart_cpu`, the last repeating."""

    clock: FakeClock
    sick_cpu: float = 98.0
    after_restart_cpu: Sequence[float] = (5.0,)
    log_lines: Sequence[str] = ("INFO started", "WARNING request threads hung")
    is_cured_by_restart: bool = True
    restart_failure: str | None = None
    restart_seconds: float = 10.0
    fails_after_restarting: bool = False
    health_failure: str | None = None
    log_failure: str | None = None
    orders: list[RestartOrder] = field(default_factory=list)
    restarts: int = 0
    asked_since: list[datetime | None] = field(default_factory=list)
    started_at: datetime = START - timedelta(days=9)
    _reads_since: int = 0

    def read_health(self) -> HealthReading:
        if self.health_failure is not None:
            raise SourceUnavailable(self.health_failure)
        cpu = self.sick_cpu
        if self.started_at > START and self.is_cured_by_restart:
            cpu = self.after_restart_cpu[min(self._reads_since, len(self.after_restart_cpu) - 1)]
            self._reads_since += 1
        return reading(self.clock, cpu=cpu, started_at=self.started_at)

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        self.asked_since.append(since)
        if self.log_failure is not None:
            raise SourceUnavailable(self.log_failure)
        return tail_of(
            "\n".join(self.log_lines).encode("utf-8", "surrogateescape"),
            has_older_bytes=False,
            lines=lines,
            server_id=SERVER_ID,
            observed_at=self.clock.now(),
            source="fake",
        )

    def check(self) -> str:
        if self.restart_failure is not None and not self.fails_after_restarting:
            raise SourceUnavailable(self.restart_failure)
        return "there"

    def restart(self, order: RestartOrder) -> None:
        self.orders.append(order)
        if self.clock.monotonic_seconds() > order.give_up_at:
            raise OrderRefused(f"The order to restart {SERVER_ID} is too old; nothing was restarted.")
        if self.restart_failure is not None and not self.fails_after_restarting:
            raise OrderRefused(self.restart_failure)
        self.clock.sleep(1)
        self.started_at = self.clock.now()
        self.restarts += 1
        self.clock.sleep(0.1)
        if self.restart_failure is not None:
            raise SourceUnavailable(self.restart_failure)

    def as_server(
        self,
        service: str = "payments",
        *,
        terms: Terms = AUTO,
        dependencies: Mapping[str, HealthSource] | None = None,
    ) -> Server:
        return Server(
            server_id=SERVER_ID,
            service=service,
            health=self,
            logs=self,
            service_manager=self,
            terms=terms,
            dependencies=dependencies or {},
        )


def ordered_now(clock: Clock) -> Ordered:
    """Return an order that was carried out at this moment."""
    now = clock.monotonic_seconds()
    return Ordered(began=now, ended=now, ended_at=clock.now())


@dataclass
class ScriptedModel:
    """Says what it is told to say, in order, and keeps what it was asked. An exception in the script is raised."""

    script: list[ModelReply | Exception]
    name: str = "scripted"
    is_llm: bool = True
    asked: list[Transcript] = field(default_factory=list)
    timeouts: list[float] = field(default_factory=list)
    specs: list[list[str]] = field(default_factory=list)

    def reply(self, transcript: Transcript, specs: Sequence[ToolSpec], *, timeout_seconds: float) -> ModelReply:
        self.asked.append(transcript)
        self.timeouts.append(timeout_seconds)
        self.specs.append([spec.name for spec in specs])
        said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(said, Exception):
            raise said
        return said


@dataclass
class MemoryJournal:
    """Keeps steps in a list; with `is_lost` it behaves like a lease that went to somebody else."""

    steps: list[Step] = field(default_factory=list)
    is_lost: bool = False
    coming: list[Sequence[Alert]] = field(default_factory=list)
    """What comes to the incident with each record."""
    alerts: list[Alert] = field(default_factory=list)

    @property
    def alerts_that_came(self) -> int:
        return len(self.alerts)

    def newest_alerts(self) -> tuple[Alert, ...]:
        return tuple(reversed(self.alerts))

    def record(self, step: Step) -> None:
        if self.is_lost:
            raise StaleClaim("the lease went to another worker")
        self.steps.append(step)
        self.alerts += self.coming.pop(0) if self.coming else ()


def says(text: str, *, tokens: int = 10) -> ModelReply:
    return ModelReply(text=text, usage=Usage(input_tokens=tokens, output_tokens=tokens))


def calls(name: str, arguments: str = f'{{"server_id": "{SERVER_ID}"}}', *, call_id: str = "c1") -> ModelReply:
    call = ToolCall(call_id=call_id, name=name, arguments=arguments)
    return ModelReply(tool_calls=(call,), usage=Usage(input_tokens=10, output_tokens=10))


def an_incident(text: str = "payment-server-01 is slow", *, server_id: str | None = SERVER_ID) -> Incident:
    return Incident(
        incident_id=identity(text, START.isoformat()),
        source="test",
        fingerprint="f" * 16,
        server_id=server_id,
        text=text,
        severity=Severity.WARNING,
        started_at=START,
        received_at=START,
    )


HEALTH = calls("get_server_health")
LOGS = calls("fetch_recent_logs", f'{{"server_id": "{SERVER_ID}", "lines": 50}}', call_id="c2")
RESTART = calls("restart_service", call_id="c3")
ESCALATE = calls("escalate_to_engineer", '{"summary": "The backend is down [E2]."}', call_id="c4")
RECOVERED = says('{"disposition": "recovered", "reason": "CPU is at 5 % again [E3]."}')
NO_ACTION = says('{"disposition": "no_action", "reason": "Healthy, and the log is clean."}')
