"""What Docker's Engine API says of a container, as types, and what its stats mean. No questions are asked here.

Source: https://docs.docker.com/reference/api/engine/version/v1.47/ (ContainerInspect and ContainerStats).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final

from pydantic import AliasChoices, AliasPath, AwareDatetime, BaseModel, ConfigDict, Field

from worker.contract.text import visible

__all__ = ["Complaint", "Container", "Figure", "Measured", "Stats", "figures_of", "measured_of"]

_WINDOW_LIMIT_SECONDS: Final = 10.0
"""Docker takes its two looks one second apart; what is further apart says nothing of now."""

_LONGEST_SECONDS: Final = 1e9
"""Docker is younger. Go's zero time, the year 1, is no start."""

_MIB: Final = 1_048_576

_CACHE: Final = AliasChoices(
    AliasPath("memory_stats", "stats", "total_inactive_file"),  # cgroup v1, whose `inactive_file` leaves children out
    AliasPath("memory_stats", "stats", "inactive_file"),
)
_Count = Annotated[int, Field(ge=0, lt=2**64)]
_ExitCode = Annotated[int, Field(ge=-(2**31), lt=2**32)]
_Quota = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_Word = Annotated[str, Field(max_length=64)]
Figure = float | str | bool | None


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Complaint(_Told):
    """What stands in an answer that is none."""

    message: str


class Container(_Told):
    """What `/json` says; a figure that is not there is None."""

    status: _Word = Field(validation_alias=AliasPath("State", "Status"))
    has_terminal: bool = Field(validation_alias=AliasPath("Config", "Tty"))
    health_check: _Word | None = Field(None, validation_alias=AliasPath("State", "Health", "Status"))
    started_at: AwareDatetime | None = Field(None, validation_alias=AliasPath("State", "StartedAt"))
    oom_killed: bool | None = Field(None, validation_alias=AliasPath("State", "OOMKilled"))
    exit_code: _ExitCode | None = Field(None, validation_alias=AliasPath("State", "ExitCode"))
    restarts: _Count | None = Field(None, validation_alias=AliasPath("RestartCount"))
    cpu_limit_billionths: _Count = Field(0, validation_alias=AliasPath("HostConfig", "NanoCpus"))
    cpu_quota: _Quota = Field(0, validation_alias=AliasPath("HostConfig", "CpuQuota"))
    cpu_period: _Count = Field(0, validation_alias=AliasPath("HostConfig", "CpuPeriod"))

    @property
    def cpu_limit_cores(self) -> float | None:
        """How many cores it may use, or None where nothing limits it; Docker's own period is a tenth of a second."""
        if self.cpu_limit_billionths:
            return self.cpu_limit_billionths / 1e9
        return self.cpu_quota / (self.cpu_period or 100_000) if self.cpu_quota > 0 else None


class _Cpu(_Told):
    """Nanoseconds since the container, or the host, has started."""

    used: _Count | None = Field(None, validation_alias=AliasPath("cpu_usage", "total_usage"))
    used_by_all: _Count | None = Field(None, validation_alias=AliasPath("system_cpu_usage"))
    cores: _Count | None = Field(None, validation_alias=AliasPath("online_cpus"))


class Stats(_Told):
    """What `/stats` says; `read` and `preread` are the times of two looks, by Docker's clock."""

    read: AwareDatetime
    preread: AwareDatetime
    cpu_stats: _Cpu
    precpu_stats: _Cpu
    memory_bytes: _Count | None = Field(None, validation_alias=AliasPath("memory_stats", "usage"))
    limit_bytes: _Count | None = Field(None, validation_alias=AliasPath("memory_stats", "limit"))
    cache_bytes: _Count | None = Field(None, validation_alias=_CACHE)
    processes: _Count | None = Field(None, validation_alias=AliasPath("pids_stats", "current"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What the stats say; the defaults stand for none."""

    cpu_percent: float | None = None
    memory_percent: float | None = None
    window_seconds: float = 0.0
    running_seconds: float | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    unread: tuple[str, ...]


def figures_of(container: Container) -> tuple[Mapping[str, Figure], list[str]]:
    """Return what the state says in words and numbers, and what it does not say."""
    figures: dict[str, Figure] = {"docker_state": visible(container.status)}
    if container.health_check is not None:
        figures["health_check"] = visible(container.health_check)
    told = container.model_dump(include={"restarts", "oom_killed", "exit_code"})
    figures.update({name: value for name, value in told.items() if value is not None})
    return figures, [f"{name}: Docker does not say it." for name, value in told.items() if value is None]


def measured_of(stats: Stats, container: Container) -> Measured:
    """Return what the stats mean; what they do not say, or say impossibly, is named in `unread`."""
    window_seconds = (stats.read - stats.preread).total_seconds()
    is_window = 0 < window_seconds <= _WINDOW_LIMIT_SECONDS
    used_bytes, running_seconds = _used_bytes(stats), _running_seconds(stats, container.started_at)
    values = {
        "CPU": _cpu_percent(stats, container.cpu_limit_cores) if is_window else None,
        "memory": _percent(used_bytes, stats.limit_bytes),
        "processes": stats.processes,
        "start time": running_seconds,
    }
    figures = {"processes": values["processes"], "memory_mib": None if used_bytes is None else used_bytes / _MIB}
    return Measured(
        cpu_percent=values["CPU"],
        memory_percent=values["memory"],
        window_seconds=window_seconds if is_window else 0.0,
        running_seconds=running_seconds,
        figures={name: round(value, 1) for name, value in figures.items() if value is not None},
        unread=tuple(f"{name}: Docker's stats do not say it." for name, value in values.items() if value is None),
    )


def _running_seconds(stats: Stats, started_at: datetime | None) -> float | None:
    """Return how long it has been running, by Docker's clock alone, or None for an impossible start."""
    running_seconds = None if started_at is None else (stats.read - started_at).total_seconds()
    return running_seconds if running_seconds is not None and 0 <= running_seconds < _LONGEST_SECONDS else None


def _cpu_percent(stats: Stats, limit_cores: float | None) -> float | None:
    """Return the share of the cores it may use, by the formula of Docker's documentation; all where none are named."""
    now, before = stats.cpu_stats, stats.precpu_stats
    used, used_by_all = _difference(now.used, before.used), _difference(now.used_by_all, before.used_by_all)
    if used is None or not now.cores:
        return None
    of_one_core = _percent(used * now.cores, used_by_all)
    return None if of_one_core is None else round(of_one_core / (limit_cores or now.cores), 1)


def _difference(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def _used_bytes(stats: Stats) -> int | None:
    """Return what is in use without the cache; a cache that is greater than what is in use can't be."""
    used_bytes = _difference(stats.memory_bytes, stats.cache_bytes)
    return used_bytes if used_bytes is None or used_bytes >= 0 else None


def _percent(part: int | None, whole: int | None) -> float | None:
    if part is None or whole is None or part < 0 or whole <= 0:
        return None
    return round(100 * part / whole, 1)
