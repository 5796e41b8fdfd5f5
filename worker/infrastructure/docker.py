"""One container by Docker's Engine API: its health, its log, its restart. Not run against a real one in CI.

Four documented calls are all that it may ever send; the SDK would bring every right of the socket with it. It must
never reach another container than its own. Made from the inventory, called by the tools and the guarded restart.
Source: https://docs.docker.com/reference/api/engine/version/v1.47/
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import quote

from pydantic import AliasChoices, AliasPath, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from worker.contract.observations import HealthReading, LogTail, ServiceStatus
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.log_files import tail_of
from worker.infrastructure.web_api import WebApi
from worker.ports import Clock, RestartOrder

__all__ = ["DockerContainer"]

_STOP_SHARE: Final = 3
"""Of the time that a restart may take, the service has this part to end before Docker kills it."""

_WINDOW_LIMIT_SECONDS: Final = 10.0
"""Docker takes its two looks one second apart; what is further apart says nothing of now."""

_LONGEST_SECONDS: Final = 1e9
"""Docker is younger. Go's zero time, the year 1, is no start."""

_LOG_TRIES, _SHRINK = 4, 8
"""After a cut answer the number of lines is divided by this: four tries go from 5,000 lines to nine."""

_FRAME_HEADER_BYTES, _STREAMS = 8, range(4)
_MIB: Final = 1_048_576

_STATUS_OF: Final = {
    "running": ServiceStatus.RUNNING,
    "restarting": ServiceStatus.DEGRADED,
    "paused": ServiceStatus.DEGRADED,
    "created": ServiceStatus.STOPPED,
    "exited": ServiceStatus.STOPPED,
    "removing": ServiceStatus.STOPPED,
    "dead": ServiceStatus.STOPPED,
}
_WITH_STATS: Final = frozenset({"running", "paused"})
_NOT_WELL: Final = frozenset({"starting", "unhealthy"})

_CACHE: Final = AliasChoices(
    AliasPath("memory_stats", "stats", "total_inactive_file"),  # cgroup v1, whose `inactive_file` leaves children out
    AliasPath("memory_stats", "stats", "inactive_file"),
)
_Count = Annotated[int, Field(ge=0, lt=2**64)]
_Figure = float | str | bool | None


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Container(_Told):
    """What `/json` says; a figure that is not there is None."""

    status: str = Field(validation_alias=AliasPath("State", "Status"))
    has_terminal: bool = Field(validation_alias=AliasPath("Config", "Tty"))
    health_check: str | None = Field(None, validation_alias=AliasPath("State", "Health", "Status"))
    started_at: AwareDatetime | None = Field(None, validation_alias=AliasPath("State", "StartedAt"))
    oom_killed: bool | None = Field(None, validation_alias=AliasPath("State", "OOMKilled"))
    exit_code: int | None = Field(None, validation_alias=AliasPath("State", "ExitCode"))
    restarts: _Count | None = Field(None, validation_alias=AliasPath("RestartCount"))


class _Cpu(_Told):
    """Nanoseconds since the container, or the host, has started."""

    used: _Count | None = Field(None, validation_alias=AliasPath("cpu_usage", "total_usage"))
    used_by_all: _Count | None = Field(None, validation_alias=AliasPath("system_cpu_usage"))
    cores: _Count | None = Field(None, validation_alias=AliasPath("online_cpus"))


class _Stats(_Told):
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
class _Measured:
    """What the stats say; the defaults stand for none."""

    cpu_percent: float | None = None
    memory_percent: float | None = None
    window_seconds: float = 0.0
    running_seconds: float | None = None
    figures: Mapping[str, _Figure] = field(default_factory=dict)
    unread: tuple[str, ...]


class DockerContainer:
    """One container: health source, log source and service manager.

    Every failure is `SourceUnavailable` in one sentence. Any number of threads may call at once.
    """

    def __init__(self, server_id: str, *, container: str, api: WebApi, restart_seconds: float, clock: Clock) -> None:
        self._server_id = server_id
        self._container = container
        self._path = f"/containers/{quote(container, safe='')}"
        self._api = api
        self._restart_seconds = restart_seconds
        self._clock = clock

    @property
    def restart_seconds(self) -> float:
        """How long Docker is waited for."""
        return self._restart_seconds

    def read_health(self) -> HealthReading:
        """Ask for the state, and where something runs for one second of its figures.

        CPU is a share of one core, memory a share of the limit, without the file cache that can be dropped; where no
        limit is set, that is the host's memory. A container whose health check has not passed yet counts as degraded.
        `observed_at` is before the second that was measured. How long it has been running is by Docker's own clock.
        """
        asked_at = self._clock.now()
        container = self._inspected()
        measured = self._measured(container)
        observed_at, running_seconds = asked_at - timedelta(seconds=measured.window_seconds), measured.running_seconds
        figures, unread = _figures_of(container)
        return HealthReading(
            server_id=self._server_id,
            status=self._status(container),
            cpu_percent=measured.cpu_percent,
            memory_percent=measured.memory_percent,
            figures={**figures, **measured.figures},
            unread=(*unread, *measured.unread),
            service_started_at=None if running_seconds is None else observed_at - timedelta(seconds=running_seconds),
            observed_at=observed_at,
            source=f"{self._api.name} container {self._container}",
        )

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` lines of stdout and stderr, each with its time by Docker's clock.

        An answer that was cut has lost its newest lines, so fewer are asked for until they fit. `since` is taken to
        the second, and by Docker's clock.
        """
        observed_at = self._clock.now()
        has_terminal = self._inspected().has_terminal
        log, is_shortened = self._log(lines + 1, since)
        try:
            window = log if has_terminal else b"".join(_payloads(log))
        except ValueError as error:
            raise SourceUnavailable(f"{self._api.name} gave no usable log of {self._server_id}.") from error
        source = f"{self._api.name} log of container {self._container}"
        about = {"server_id": self._server_id, "source": source}
        tail = tail_of(window, has_older_bytes=False, lines=lines, observed_at=observed_at, **about)
        # What stands before `since`, or did not fit, was not asked for.
        return tail.model_copy(update={"older_lines_exist": True}) if is_shortened or since is not None else tail

    def restart(self, order: RestartOrder) -> None:
        """Stop the container, by force after a third of the time, and start it; return when Docker says that it runs.

        How far the fence reaches: the order's time is checked here, on the worker, right before the request. Docker
        knows no fencing token, so an order that is delayed between this check and the engine is carried out.
        """
        if self._clock.monotonic_seconds() > order.give_up_at:
            raise OrderRefused(f"The order to restart {self._server_id} is too old; nothing was restarted.")
        stop_seconds = int(self._restart_seconds / _STOP_SHARE)
        self._api.order("POST", f"{self._path}/restart?t={stop_seconds}", timeout_seconds=self._restart_seconds)

    def _inspected(self) -> _Container:
        answer = self._api.get_json(f"{self._path}/json")
        try:
            return _Container.model_validate(answer)
        except ValidationError as error:
            raise self._nonsense() from error

    def _measured(self, container: _Container) -> _Measured:
        missing = "CPU, memory, processes and start time"
        if container.status not in _WITH_STATS:
            return _Measured(unread=(f"{missing}: {self._container} is {container.status}, and does not run.",))
        try:
            answer = self._api.get_json(f"{self._path}/stats", {"stream": "false", "one-shot": "false"})
            return _measured_of(_Stats.model_validate(answer), started_at=container.started_at)
        except SourceUnavailable as failure:
            return _Measured(unread=(f"{missing}: {failure}",))
        except ValidationError:
            return _Measured(unread=(f"{missing}: {self._nonsense()}",))

    def _status(self, container: _Container) -> ServiceStatus:
        status = _STATUS_OF.get(container.status)
        if status is None:
            raise self._nonsense()
        if status is ServiceStatus.RUNNING and container.health_check in _NOT_WELL:
            return ServiceStatus.DEGRADED
        return status

    def _log(self, wanted: int, since: datetime | None) -> tuple[bytes, bool]:
        """Return the log as it was sent, and whether fewer lines than `wanted` had to be asked for."""
        parameters = {"stdout": "1", "stderr": "1", "timestamps": "1"}
        if since is not None:
            parameters["since"] = str(int(since.timestamp()))
        tail = wanted
        for _ in range(_LOG_TRIES):
            answer = self._api.get(f"{self._path}/logs", {**parameters, "tail": str(tail)})
            if not answer.is_cut:
                return answer.body, tail < wanted
            tail = max(tail // _SHRINK, 1)
        raise SourceUnavailable(
            f"{self._api.name} has lines in the log of {self._server_id} that are too long to read."
        )

    def _nonsense(self) -> SourceUnavailable:
        return SourceUnavailable(f"{self._api.name} gave no usable answer about {self._server_id}.")


def _figures_of(container: _Container) -> tuple[Mapping[str, _Figure], list[str]]:
    """Return what the state says in words and numbers, and what it does not say."""
    figures: dict[str, _Figure] = {"docker_state": container.status}
    if container.health_check is not None:
        figures["health_check"] = container.health_check
    told = container.model_dump(include={"restarts", "oom_killed", "exit_code"})
    figures.update({name: value for name, value in told.items() if value is not None})
    return figures, [f"{name}: Docker does not say it." for name, value in told.items() if value is None]


def _measured_of(stats: _Stats, *, started_at: datetime | None) -> _Measured:
    window_seconds = (stats.read - stats.preread).total_seconds()
    is_window = 0 < window_seconds <= _WINDOW_LIMIT_SECONDS
    used_bytes, running_seconds = _used_bytes(stats), _running_seconds(stats, started_at)
    values = {
        "CPU": _cpu_percent(stats) if is_window else None,
        "memory": _percent(used_bytes, stats.limit_bytes),
        "processes": stats.processes,
        "start time": running_seconds,
    }
    figures = {"processes": values["processes"], "memory_mib": None if used_bytes is None else used_bytes / _MIB}
    return _Measured(
        cpu_percent=values["CPU"],
        memory_percent=values["memory"],
        window_seconds=window_seconds if is_window else 0.0,
        running_seconds=running_seconds,
        figures={name: round(value, 1) for name, value in figures.items() if value is not None},
        unread=tuple(f"{name}: Docker's stats do not say it." for name, value in values.items() if value is None),
    )


def _running_seconds(stats: _Stats, started_at: datetime | None) -> float | None:
    """Return how long it has been running, by Docker's clock alone, or None for an impossible start."""
    running_seconds = None if started_at is None else (stats.read - started_at).total_seconds()
    return running_seconds if running_seconds is not None and 0 <= running_seconds < _LONGEST_SECONDS else None


def _cpu_percent(stats: _Stats) -> float | None:
    """Return the share of one core, by the formula of Docker's documentation."""
    now, before = stats.cpu_stats, stats.precpu_stats
    used = _difference(now.used, before.used)
    if used is None or not now.cores:
        return None
    return _percent(used * now.cores, _difference(now.used_by_all, before.used_by_all))


def _difference(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def _used_bytes(stats: _Stats) -> int | None:
    used_bytes = _difference(stats.memory_bytes, stats.cache_bytes)
    return None if used_bytes is None else max(used_bytes, 0)


def _percent(part: int | None, whole: int | None) -> float | None:
    if part is None or whole is None or part < 0 or whole <= 0:
        return None
    return round(100 * part / whole, 1)


def _payloads(framed: bytes) -> Iterator[bytes]:
    """Yield the payloads of a multiplexed stream: a byte of stream, three zeros, four bytes of length, the payload.

    A line that is longer than a frame goes on in the next one of its stream; where the other stream's comes between,
    the line ends there. Raises `ValueError` for anything else.
    """
    position, is_line_open, open_stream = 0, False, 0
    while position < len(framed):
        header = framed[position : position + _FRAME_HEADER_BYTES]
        position += _FRAME_HEADER_BYTES
        payload = framed[position : position + int.from_bytes(header[4:], "big")]
        position += int.from_bytes(header[4:], "big")
        if header[0] not in _STREAMS or header[1:4] != bytes(3) or position > len(framed):
            raise ValueError("no frame of a multiplexed stream")
        if is_line_open and header[0] != open_stream:
            yield b"\n"
        yield payload
        if payload:
            is_line_open, open_stream = not payload.endswith(b"\n"), header[0]
