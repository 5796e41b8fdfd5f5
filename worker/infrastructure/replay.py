"""Recorded infrastructure: one folder a server, from which health and logs are read and to which restarts are written.

For evaluation and for trying Firstline without servers. It touches nothing but the folder; a restart is only noted.
Made by `Inventory` from a system of kind `replay`.

    health.json                  an object, or a list of objects that successive reads walk through
    service.log
    after_restart/health.json    optional; these two are used once a restart is recorded
    after_restart/service.log    optional
    restart.json                 optional: how a restart goes, {"seconds": 0.3, "fails": "before", "after" or null}
    restarts.jsonl               written here: one restart a line; delete it, and the positions, to rewind
    .health_position             written here and in after_restart/: the next element of a list

A recorded restart takes no time and succeeds, unless `restart.json` says otherwise. With it, a restart that is begun is
on disk at once with its start (`at`) and its end (`done_at`), as a service manager carries out an order whatever
becomes of who gave it; the caller waits for the end. It fails `before` anything happened, or says that it failed
`after` it happened.
"""

import fcntl
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from worker.contract.base import Frozen
from worker.contract.observations import HealthReading, LogTail, ServiceStatus
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.log_files import read_file_tail
from worker.ports import Clock, RestartOrder

__all__ = ["ReplayedServer"]

_AFTER_RESTART: Final = "after_restart"
_LONGEST_SECONDS: Final = 10.0
_Percent = Annotated[float, Field(ge=0, strict=True)]
_Figure = Annotated[float, Field(strict=True)] | Annotated[str, Field(strict=True)] | bool | None


class _RecordedHealth(BaseModel):
    """One element of `health.json`; null stands for a figure that could not be read."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, _Figure]

    status: ServiceStatus
    cpu_percent: _Percent | None
    memory_percent: _Percent | None


class _RecordedRestart(Frozen):
    """One line of `restarts.jsonl`."""

    at: AwareDatetime
    incident_id: str
    fence: int
    server_id: str
    done_at: AwareDatetime | None = None

    @property
    def started_at(self) -> datetime:
        """When the service runs again."""
        return self.done_at or self.at


class _RestartManner(BaseModel):
    """The whole of `restart.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seconds: Annotated[float, Field(ge=0, le=_LONGEST_SECONDS, strict=True)] = 0.0
    fails: Literal["before", "after"] | None = None


_RECORDING: Final = TypeAdapter(Annotated[list[_RecordedHealth], Field(min_length=1)])


class ReplayedServer:
    """One recorded server: health source, log source and service manager over its folder.

    Every method raises `SourceUnavailable` that names the file, and the key where there is one, when the recording
    is broken. Threads and processes may call at once: positions and restarts are written under a file lock.
    """

    def __init__(self, server_id: str, *, folder: Path, clock: Clock) -> None:
        self._server_id = server_id
        self._folder = folder
        self._clock = clock

    def read_health(self) -> HealthReading:
        """Return the next recorded reading, the last one for ever; `service_started_at` is the last restart's time."""
        observed_at = self._clock.now()
        restarts = self._restarts(until=observed_at)
        path = self._current("health.json", is_restarted=bool(restarts))
        recorded = _next_reading(path)
        return HealthReading(
            server_id=self._server_id,
            status=recorded.status,
            cpu_percent=recorded.cpu_percent,
            memory_percent=recorded.memory_percent,
            figures=recorded.__pydantic_extra__,
            service_started_at=restarts[-1].started_at if restarts else None,
            observed_at=observed_at,
            source=f"replay of {path}",
        )

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` lines of the recorded log."""
        observed_at = self._clock.now()
        path = self._current("service.log", is_restarted=bool(self._restarts(until=observed_at)))
        tail = read_file_tail(
            path, lines=lines, server_id=self._server_id, source=f"replay of {path}", observed_at=observed_at
        )
        return tail.model_copy(update={"is_recorded": True})

    @property
    def restart_seconds(self) -> float:
        """How long a recorded restart may take at most."""
        return _LONGEST_SECONDS

    def check(self) -> str:
        """Say whether the recording can be read, and where restarts would be noted."""
        self._restart_manner()
        if not self._folder.is_dir():
            raise SourceUnavailable(f"There is no folder {self._folder} with the recording of {self._server_id}.")
        return f"would be noted in {self._folder / 'restarts.jsonl'}"

    def restart(self, order: RestartOrder) -> None:
        """Note one restart durably; an order past its time is refused and nothing is noted.

        How far the fence reaches: the time is checked here, on the worker; the fencing token is written down for the
        reader, and not compared.
        """
        manner = self._restart_manner()
        now = self._clock.now()
        if self._clock.monotonic_seconds() > order.give_up_at:
            raise OrderRefused(f"The order to restart {self._server_id} is too old; nothing was restarted.")
        if manner is None:
            self._note(order, at=now, done_at=None)
            return
        if manner.fails != "before":
            self._note(order, at=now, done_at=now + timedelta(seconds=manner.seconds))
        self._clock.sleep(manner.seconds)
        if manner.fails is not None:
            raise SourceUnavailable(f"The restart of {self._server_id} failed, as its recording has it.")

    def _note(self, order: RestartOrder, *, at: datetime, done_at: datetime | None) -> None:
        restart = _RecordedRestart(
            at=at, incident_id=order.incident_id, fence=order.fence, server_id=self._server_id, done_at=done_at
        )
        _append_line(self._folder / "restarts.jsonl", restart.model_dump_json(exclude_none=True))

    def _restart_manner(self) -> _RestartManner | None:
        path = self._folder / "restart.json"
        if not path.exists():
            return None
        try:
            return _RestartManner.model_validate_json(_read(path))
        except ValidationError as error:
            raise SourceUnavailable(f"{path}: {_complaint(error)}.") from error

    def _restarts(self, *, until: datetime) -> list[_RecordedRestart]:
        """Return the restarts, but for one that still goes on."""
        path = self._folder / "restarts.jsonl"
        if not path.exists():
            return []
        restarts = []
        for number, line in enumerate(_read(path).splitlines(), start=1):
            try:
                restarts.append(_RecordedRestart.model_validate_json(line))
            except ValidationError as error:
                raise SourceUnavailable(f"{path}, line {number}: {_complaint(error)}.") from error
        return [restart for restart in restarts if restart.started_at <= until]

    def _current(self, name: str, *, is_restarted: bool) -> Path:
        later = self._folder / _AFTER_RESTART / name
        return later if is_restarted and later.exists() else self._folder / name


def _next_reading(path: Path) -> _RecordedHealth:
    readings = _recorded_readings(path)
    if len(readings) == 1:
        return readings[0]
    return readings[_take_position(path.with_name(".health_position"), last=len(readings) - 1)]


def _recorded_readings(path: Path) -> list[_RecordedHealth]:
    try:
        recording = from_json(_read(path))
        return _RECORDING.validate_python(recording if isinstance(recording, list) else [recording])
    except ValidationError as error:
        raise SourceUnavailable(f"{path}: {_complaint(error)}.") from error
    except ValueError as error:
        raise SourceUnavailable(f"{path} is not JSON: {error}.") from error


def _take_position(path: Path, *, last: int) -> int:
    """Return the position that is due and move the file on by one, at most to `last`."""
    try:
        with path.open("a+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            position = min(int(file.read() or "0"), last)
            file.truncate(0)
            file.write(str(min(position + 1, last)))
            return position
    except (OSError, ValueError) as error:
        raise SourceUnavailable(f"The position in {path} can't be kept ({error}): delete the file.") from error


def _append_line(path: Path, line: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(f"{line}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SourceUnavailable(f"The restart may not be recorded: {path} can't be written: {error}.") from error


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise SourceUnavailable(f"The recording {path} can't be read: it is no plain file.")
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"The recording {path} can't be read: {error.strerror}.") from error


def _complaint(error: ValidationError) -> str:
    """Say what is wrong first, with its key: `1.cpu_percent: Input should be …`."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
