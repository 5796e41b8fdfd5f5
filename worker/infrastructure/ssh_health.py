"""One host's health over ssh, without an agent: /proc and `df` for the machine, `systemctl show` for the unit.

One fixed script that only reads, in one command. Made by `Adapters`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from worker.contract.observations import HealthReading, ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.proc_files import (
    Sections,
    cpu_percent_of,
    measured,
    memory_percent_of,
    sections_of,
    uptime_seconds_of,
)
from worker.infrastructure.ssh_logs import Reader
from worker.ports import Clock

__all__ = ["SshHealth"]

_SCRIPT: Final = """
echo @cpu; head -n 1 /proc/stat; sleep 0.5; head -n 1 /proc/stat
echo @cores; grep -c ^processor /proc/cpuinfo
echo @memory; cat /proc/meminfo
echo @load; cat /proc/loadavg
echo @files; cat /proc/sys/fs/file-nr
echo @disks; df -P -k -l
echo @uptime; cat /proc/uptime
echo @unit; systemctl show "$1" --property=LoadState,ActiveState,NRestarts,ExecMainStartTimestampMonotonic
"""
_STATUS_OF: Final = {
    "active": ServiceStatus.RUNNING,
    "reloading": ServiceStatus.RUNNING,
    "activating": ServiceStatus.DEGRADED,
    "deactivating": ServiceStatus.DEGRADED,
    "failed": ServiceStatus.STOPPED,
    "inactive": ServiceStatus.STOPPED,
}
_MICROSECONDS: Final = 1e6
_LONGEST_MICROSECONDS: Final = 1e15
"""Over thirty years: no host runs for that long."""

_DIGITS: Final = 18


class SshHealth:
    """The health of one unit and its machine. CPU and memory are those of the whole machine. Many threads may call."""

    def __init__(self, server_id: str, *, ssh: Reader, unit: str, clock: Clock) -> None:
        self._server_id = server_id
        self._ssh = ssh
        self._unit = unit
        self._clock = clock

    def read_health(self) -> HealthReading:
        """Look for half a second. The unit's start is counted in the host's own seconds since its boot.

        So no wall clock of the host's matters; on a machine that was suspended the start is off by that time.
        """
        observed_at = self._clock.now()
        answer = self._ssh.read(["sh", "-c", _SCRIPT, "firstline", self._unit])
        if answer.is_cut:
            raise SourceUnavailable(f"The host of {self._server_id} said more than can be its health.")
        sections = sections_of(answer.stdout.decode("utf-8", "replace"))
        source = f"{self._unit} over ssh"
        measures, unread = measured(sections, source=source)
        unit = dict(line.split("=", 1) for line in sections.get("unit", ()) if "=" in line)
        cpu_percent, memory_percent = _or_none(cpu_percent_of, sections), _or_none(memory_percent_of, sections)
        started_at = _started_at(unit, sections, observed_at)
        values = {"CPU": cpu_percent, "memory": memory_percent, "start time": started_at}
        missing = [name for name, value in values.items() if value is None]
        return HealthReading(
            server_id=self._server_id,
            status=self._status(unit),
            cpu_percent=cpu_percent,
            memory_percent=memory_percent,
            figures={"restarts_by_systemd": _number(unit.get("NRestarts", ""))},
            measures=measures,
            unread=(*(f"{name}: the host did not say it in a form that is known" for name in missing), *unread),
            service_started_at=started_at,
            observed_at=observed_at,
            source=source,
        )

    def _status(self, unit: dict[str, str]) -> ServiceStatus:
        if unit.get("LoadState") == "not-found":
            raise SourceUnavailable(f"systemd of {self._server_id} has no unit {self._unit}: correct it.")
        status = _STATUS_OF.get(unit.get("ActiveState", ""))
        if status is None:
            raise SourceUnavailable(f"systemd of {self._server_id} did not say how {self._unit} is.")
        return status


def _started_at(unit: dict[str, str], sections: Sections, observed_at: datetime) -> datetime | None:
    """Return the start, or None for one that can't be: before the host's boot, or after the look."""
    started = _number(unit.get("ExecMainStartTimestampMonotonic", ""))
    uptime_seconds = _or_none(uptime_seconds_of, sections)
    if not started or uptime_seconds is None or not started <= uptime_seconds * _MICROSECONDS < _LONGEST_MICROSECONDS:
        return None
    return observed_at - timedelta(seconds=uptime_seconds - started / _MICROSECONDS)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def _or_none(read: Callable[[Sections], float], sections: Sections) -> float | None:
    try:
        return read(sections)
    except (KeyError, IndexError, ValueError, ArithmeticError):
        return None
