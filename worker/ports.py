"""The seams: what the core asks of the world, as protocols and the values they exchange. No code lives here.

An adapter that reaches a server is made for one server and takes no server's name: the target of a restart is bound to
the incident by construction, and no text that a model writes can change it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from worker.contract.handling import Handled
from worker.contract.incident import Alert, Incident
from worker.contract.observations import HealthReading, LogTail
from worker.contract.result import TriageResult
from worker.contract.transcript import ModelReply, Observation, Step, ToolCall, Transcript
from worker.terms import Terms

__all__ = [
    "Clock",
    "Directory",
    "Follower",
    "HealthSource",
    "Journal",
    "LogSource",
    "Model",
    "Notifier",
    "RestartOrder",
    "Server",
    "ServiceManager",
    "Tool",
    "ToolSpec",
]


class Clock(Protocol):
    """Time, as the core may know it."""

    def now(self) -> datetime:
        """Return the aware time in UTC."""
        ...

    def monotonic_seconds(self) -> float:
        """Return seconds that never step back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; zero or less returns at once."""
        ...


class HealthSource(Protocol):
    """Where one server's health is read."""

    def read_health(self) -> HealthReading:
        """Look now. Raises `SourceUnavailable` within a few seconds; safe to call from many threads."""
        ...


class LogSource(Protocol):
    """Where one server's log is read."""

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` lines, oldest first, of those at or after `since` where the source knows.

        A log without times, such as a plain file, knows none of its lines' and returns the newest. Bounded in bytes
        and seconds, whatever the log's size. Raises `SourceUnavailable`; safe to call from many threads.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartOrder:
    """Permission to restart one server once: the guard's fence, and the time after which it must not be used.

    That time is the same moment by two clocks: `not_after` by Redis' own, for a server that compares it with its clock;
    `give_up_at` by `Clock.monotonic_seconds` of the worker that was given leave, whose wall clock may be wrong or jump.
    """

    incident_id: str
    fence: int
    not_after: datetime
    give_up_at: float


class ServiceManager(Protocol):
    """What restarts one server's service. Only the guarded restart calls it."""

    @property
    def restart_seconds(self) -> float:
        """How long `restart` may take at most. A deadline that is nearer, or a lease that is shorter, forbids it."""
        ...

    def check(self) -> str:
        """Say in a few words what an order would reach, and change nothing. Raises `SourceUnavailable`."""
        ...

    def restart(self, order: RestartOrder) -> None:
        """Restart, and return when the service manager says that it is done; not before it has started again.

        Raises `OrderRefused` when it certainly did not happen, any other `SourceUnavailable` when that is not known.
        Never tries twice.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server of the inventory: the way to it, its owners' terms, and the health of what it needs, by name.

    `target` is what its restart reaches, the same whatever name the inventory has for it; empty where that is its name.
    """

    server_id: str
    service: str
    health: HealthSource
    logs: LogSource
    service_manager: ServiceManager
    terms: Terms
    dependencies: Mapping[str, HealthSource]
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as a model is told of it; `parameters` is a strict JSON schema (all required, nothing additional)."""

    name: str
    description: str
    parameters: Mapping[str, object]


class Model(Protocol):
    """Whoever answers: an LLM behind an endpoint, or the rules."""

    @property
    def name(self) -> str:
        """The model's name, as results and transcripts record it."""
        ...

    @property
    def is_llm(self) -> bool:
        """Whether a language model answers; results say so."""
        ...

    def reply(self, transcript: Transcript, specs: Sequence[ToolSpec], *, timeout_seconds: float) -> ModelReply:
        """Answer within `timeout_seconds`, retries included. Raises `ModelUnavailable`; safe from many threads."""
        ...


class Tool(Protocol):
    """One thing that a model may ask for in one incident."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema."""
        ...

    def run(self, call: ToolCall, arguments: Mapping[str, object], transcript: Transcript) -> Observation:
        """Carry out a call whose arguments fit the schema. A refusal or a broken source is an observation too."""
        ...


class Journal(Protocol):
    """Where steps are recorded as they happen, and where one hears of what came to the incident meanwhile."""

    @property
    def alerts_that_came(self) -> int:
        """How many alerts came after the incident's own, further occurrences and ends; as of the last record."""
        ...

    def newest_alerts(self) -> tuple[Alert, ...]:
        """Return the newest of them, a bounded number, newest first. Raises `StaleClaim` when the lease is lost."""
        ...

    def record(self, step: Step) -> None:
        """Write one step, durably, before the next is taken. Raises `StaleClaim` when the lease is lost."""
        ...


class Notifier(Protocol):
    """A way to engineers."""

    def deliver(self, result: TriageResult) -> None:
        """Hand one result over; returning means that it arrived. May be called again with the same result.

        Raises `ContractError` for a result that it can't show, `NotDelivered` where its way did not take it.
        """
        ...


class Follower(Protocol):
    """A way to engineers that shows what they do, too: a page that is acknowledged, a ticket that is closed."""

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Show one action on what was delivered, and return True; an action that the way does not show is False.

        False says nothing of whether the way works: nothing was sent. May be called again with the same. Raises
        `NotDelivered`.
        """
        ...


class Directory(Protocol):
    """What is known of the fleet."""

    def server_of(self, incident: Incident) -> Server | str:
        """Return the incident's one server, or the reason why there is none, as a sentence."""
        ...
