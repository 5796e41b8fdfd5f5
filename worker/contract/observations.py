"""What the tools see: health readings and log tails, each with its source and its time.

A figure that could not be read is None: it is named, never guessed. Who judges the figures (the rules model, the
restart policy, the proof of a recovery) judges them by `HealthReading.symptoms`, so that there is one
meaning of "good".
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from worker.contract.base import Frozen

__all__ = ["CPU_PRESSURE_PERCENT", "MEMORY_PRESSURE_PERCENT", "HealthReading", "LogTail", "Measure", "ServiceStatus"]

CPU_PRESSURE_PERCENT: Final = 80.0
"""From this share of what it may use a service counts as CPU-bound: node-exporter mixins warn from 80 to 90 %."""

MEMORY_PRESSURE_PERCENT: Final = 90.0
"""At or above this share of its memory limit a service counts as about to run out."""


class ServiceStatus(StrEnum):
    """What the service manager says of the service."""

    RUNNING = "running"
    STOPPED = "stopped"
    DEGRADED = "degraded"


class Measure(Frozen):
    """One figure with its unit: how it is now, how old that is, and, where the source keeps a past, how it was.

    `unit` is a unit of measurement or of counting in full (``percent``, ``bytes``, ``seconds``, ``count``,
    ``per second``). `age_seconds` is counted at the reading's `observed_at`. `half_an_hour_before` has the same unit.
    """

    name: str
    value: float
    unit: str
    source: str
    age_seconds: Annotated[float, Field(ge=0)] = 0.0
    half_an_hour_before: float | None = None


class HealthReading(Frozen):
    """One look at one server: CPU and memory as percentages of what the service may use, and what else was measured.

    That is one core for a process and all cores for a machine or a container; the memory limit, or all memory.
    `figures` are words and numbers of one system's own, whose names hold their units. `unread` names what could not be
    read, each as a sentence with the reason: a missing figure is never guessed.
    `service_started_at` tells a restart apart from a recovery; `observed_at` is the time of the look. Both are by one
    clock, the worker's: what a server says by its own is translated by whoever reads it.
    """

    server_id: str
    status: ServiceStatus
    cpu_percent: Annotated[float, Field(ge=0)] | None
    memory_percent: Annotated[float, Field(ge=0)] | None
    figures: Mapping[str, float | str | bool | None] = Field(default_factory=dict)
    measures: tuple[Measure, ...] = ()
    unread: tuple[str, ...] = ()
    service_started_at: AwareDatetime | None = None
    observed_at: AwareDatetime
    source: str

    @property
    def running_seconds(self) -> float | None:
        """How long the service had been running, whatever the clock's hands said; None when that is not known."""
        if self.service_started_at is None:
            return None
        return (self.observed_at - self.service_started_at).total_seconds()

    @property
    def symptoms(self) -> tuple[str, ...]:
        """What is wrong with the service itself, in words with values; empty when nothing is."""
        found = []
        if self.status is not ServiceStatus.RUNNING:
            found.append(f"the service is {self.status}")
        if self.cpu_percent is not None and self.cpu_percent >= CPU_PRESSURE_PERCENT:
            found.append(f"CPU at {self.cpu_percent:g} %")
        if self.memory_percent is not None and self.memory_percent >= MEMORY_PRESSURE_PERCENT:
            found.append(f"memory at {self.memory_percent:g} %")
        return tuple(found)

    @property
    def is_good(self) -> bool:
        """Whether the service is proven well: it runs, CPU and memory are known, and neither is under pressure."""
        return not self.symptoms and self.cpu_percent is not None and self.memory_percent is not None


class LogTail(Frozen):
    """The newest lines of one log, oldest first, each already bounded in bytes by its source.

    `older_lines_exist` says that the log goes further back than what was read; `is_recorded` that its lines' times are
    of a recording, so that they make no line old.
    """

    server_id: str
    lines: tuple[str, ...]
    older_lines_exist: bool
    is_recorded: bool = False
    observed_at: AwareDatetime
    source: str
