"""One program under a supervisord on this machine: its health by psutil, its stdout log, its restart.

It must never reach another program than its own, nor a supervisord elsewhere, whose process ids mean nothing here.
Made by `Inventory` from a system of kind `supervisord`; the only module that imports psutil (the `demo` extra).
"""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psutil

from worker.contract.observations import HealthReading, LogTail, ServiceStatus
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.cpu_wait import waited_seconds
from worker.infrastructure.log_files import read_file_tail
from worker.infrastructure.supervisord_api import SupervisordApi
from worker.ports import Clock, RestartOrder

__all__ = ["SupervisedProgram"]

_CPU_WINDOW_SECONDS: Final = 0.7
_LOOK_AGAIN_SECONDS: Final = 0.5
_START_SECONDS: Final = 1.0
"""The least that a start is waited for."""

_MIB: Final = 1_048_576

_STATUS_OF: Final = {
    "RUNNING": ServiceStatus.RUNNING,
    "STARTING": ServiceStatus.DEGRADED,
    "BACKOFF": ServiceStatus.DEGRADED,
    "STOPPING": ServiceStatus.DEGRADED,
    "EXITED": ServiceStatus.STOPPED,
    "STOPPED": ServiceStatus.STOPPED,
    "FATAL": ServiceStatus.STOPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """What psutil says of a process; the defaults stand for no process."""

    cpu_percent: float = 0.0
    resident_bytes: int = 0
    started_at: datetime | None = None
    figures: Mapping[str, float | str | bool | None]


class SupervisedProgram:
    """One program: health source, log source and service manager.

    Every failure is `SourceUnavailable` in one sentence. Any number of threads may call at once.
    """

    def __init__(
        self,
        server_id: str,
        *,
        program: str,
        api: SupervisordApi,
        memory_limit_bytes: int | None,
        restart_seconds: float,
        clock: Clock,
    ) -> None:
        self._server_id = server_id
        self._program = program
        self._api = api
        self._memory_limit_bytes = memory_limit_bytes or psutil.virtual_memory().total
        self._restart_seconds = restart_seconds
        self._clock = clock

    @property
    def restart_seconds(self) -> float:
        """How long supervisord is waited for: half of it for the stop's answer, and the rest for the start."""
        return self._restart_seconds

    def read_health(self) -> HealthReading:
        """Look at the program's process for 0.7 s; memory is a share of the limit.

        CPU is the share of one core that it used, and that its threads were ready to use and had to wait for (the
        figure `cpu_waited_percent`; on Linux only): a service bound by CPU is seen to be bound on a busy machine, too.
        Only the process that supervisord started is counted, not its children. Where none runs, CPU and memory are 0.
        `observed_at` is when the look began, so that no part of a reading is older than it says.
        """
        observed_at = self._clock.now()
        info = self._api.program_info(self._program)
        status = _STATUS_OF.get(info.statename)
        if status is None:
            raise SourceUnavailable(f"supervisord does not know the state of {self._program} ({info.statename}).")
        seen = self._measure(info.pid) if info.pid else _Measured(figures={"exit_status": info.exitstatus})
        return HealthReading(
            server_id=self._server_id,
            status=status,
            cpu_percent=seen.cpu_percent,
            memory_percent=round(100 * seen.resident_bytes / self._memory_limit_bytes, 1),
            figures={"supervisord_state": info.statename, **seen.figures},
            service_started_at=seen.started_at,
            observed_at=observed_at,
            source=f"supervisord program {self._program}",
        )

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` lines of the program's stdout log, wherever supervisord keeps it."""
        path = Path(self._api.program_info(self._program).stdout_logfile)
        if not path.is_absolute():  # a relative one is relative to supervisord's folder, which nobody tells
            raise SourceUnavailable(
                f"supervisord names no absolute path of the log of {self._program}: set its stdout_logfile."
            )
        return read_file_tail(
            path,
            lines=lines,
            server_id=self._server_id,
            source=f"stdout of supervisord program {self._program}",
            observed_at=self._clock.now(),
        )

    def check(self) -> str:
        """Say what supervisord says of the program."""
        return f"supervisord has {self._program} as {self._api.program_info(self._program).statename}"

    def restart(self, order: RestartOrder) -> None:
        """Stop the program if it runs, and start it; return when supervisord counts it as running again.

        How far the fence reaches: the order's time is checked here, on the worker, right before the stop.
        supervisord knows no fencing token, so an order that is delayed between this check and the socket is carried
        out. Once stopped, the program is started even if its time has passed meanwhile: down would be worse. A stop
        without an answer is waited for likewise, since it goes on by itself.
        """
        began = self._clock.monotonic_seconds()
        if began > order.give_up_at:
            raise OrderRefused(f"The order to restart {self._server_id} is too old; nothing was restarted.")
        give_up = began + self._restart_seconds
        try:
            self._api.stop_program(self._program, timeout_seconds=self._restart_seconds / 2)
        except OrderRefused:
            raise
        except SourceUnavailable as error:
            self._wait_for_its_stop(error, give_up=give_up - _START_SECONDS)
        seconds_left = max(give_up - self._clock.monotonic_seconds(), _START_SECONDS)
        try:
            self._api.start_program(self._program, timeout_seconds=seconds_left)
        except SourceUnavailable as error:
            raise SourceUnavailable(f"{self._program} was stopped and may be down: {error}") from error

    def _wait_for_its_stop(self, unanswered: SourceUnavailable, *, give_up: float) -> None:
        """Look until the program has stopped; raise `SourceUnavailable` when that isn't seen in its time."""
        seen = str(unanswered)
        while (seconds_left := give_up - self._clock.monotonic_seconds()) > 0:
            try:
                info = self._api.program_info(self._program, timeout_seconds=seconds_left)
            except SourceUnavailable as error:
                seen = str(error)
            else:
                if _STATUS_OF.get(info.statename) is ServiceStatus.STOPPED:
                    return
                seen = f"supervisord has it as {info.statename}."
            self._clock.sleep(_LOOK_AGAIN_SECONDS)
        raise SourceUnavailable(
            f"{self._program} was told to stop and was not seen to, so it was not started, and may go down yet: {seen}"
        ) from unanswered

    def _measure(self, pid: int) -> _Measured:
        try:
            process = psutil.Process(pid)
            waited_before = waited_seconds(pid)
            cpu_used_percent = process.cpu_percent(interval=_CPU_WINDOW_SECONDS)
            cpu_waited_percent = _percent_of_window(waited_before, waited_seconds(pid))
            resident_bytes = process.memory_info().rss
            started_at = _started_at(process, now=self._clock.now())
            figures: dict[str, float | str | bool | None] = {
                "cpu_waited_percent": cpu_waited_percent,
                "memory_mib": round(resident_bytes / _MIB, 1),
                "threads": process.num_threads(),
                "open_files": _open_files(process),
                "uptime_seconds": round((self._clock.now() - started_at).total_seconds()),
            }
        except psutil.Error as error:
            raise SourceUnavailable(f"{self._program} could not be measured: {error}.") from error
        cpu_percent = round(cpu_used_percent + (cpu_waited_percent or 0.0), 1)
        return _Measured(cpu_percent=cpu_percent, resident_bytes=resident_bytes, started_at=started_at, figures=figures)


def _percent_of_window(before: float | None, after: float | None) -> float | None:
    if before is None or after is None:
        return None
    return round(100 * max(after - before, 0.0) / _CPU_WINDOW_SECONDS, 1)


def _started_at(process: psutil.Process, *, now: datetime) -> datetime:
    """Return when the process started, at most one clock tick late and never early.

    supervisord and Linux's boot time have whole seconds only, rounded down: a start right after an order would seem to
    be older than the order. Linux's own clock since boot is exact.
    """
    if sys.platform != "linux":
        return datetime.fromtimestamp(process.create_time(), UTC)
    since_boot_seconds = process.create_time() - psutil.boot_time() + 1 / os.sysconf("SC_CLK_TCK")
    return now - timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot_seconds)


def _open_files(process: psutil.Process) -> int | None:
    """Return the number of open descriptors, or None where another user's process doesn't show it."""
    try:
        return process.num_fds()
    except psutil.Error:
        return None
