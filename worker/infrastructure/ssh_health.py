"""One host's health over ssh, without an agent: /proc and `df` for the machine, systemd and its cgroup for the unit.

One fixed script that only reads, in one command. Made by `Adapters`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from worker.contract.observations import HealthReading, Measure, ServiceStatus
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
from worker.infrastructure.systemd_unit import (
    NotAccounted,
    number_in,
    properties_of,
    unit_cpu_percent_of,
    unit_memory_percent_of,
)
from worker.ports import Clock

__all__ = ["SshHealth"]

_SCRIPT: Final = """
unit=$1
look() { echo "@$1"; systemctl show "$unit" --property=CPUUsageNSec; cat /proc/uptime; }
look unit_before
echo @cpu; head -n 1 /proc/stat; sleep 0.5; head -n 1 /proc/stat
look unit_after
echo @cores; grep -c ^processor /proc/cpuinfo
echo @memory; cat /proc/meminfo
echo @load; cat /proc/loadavg
echo @files; cat /proc/sys/fs/file-nr
echo @disks; df -P -k -l
echo @group
group=$(systemctl show "$unit" --property=ControlGroup | sed -n 's/^ControlGroup=//p')
for kind in "" /memory; do test -n "$group" && cat "/sys/fs/cgroup$kind$group/memory.stat" 2>/dev/null; done
echo @uptime; cat /proc/uptime
echo @unit; systemctl show "$unit" --property=LoadState,ActiveState,NRestarts,ExecMainStartTimestampMonotonic,\
MemoryCurrent,MemoryMax,MemoryLimit,CPUQuotaPerSecUSec
"""
_STATUS_OF: Final = {
    "active": ServiceStatus.RUNNING,
    "reloading": ServiceStatus.RUNNING,
    "activating": ServiceStatus.DEGRADED,
    "deactivating": ServiceStatus.DEGRADED,
    "failed": ServiceStatus.STOPPED,
    "inactive": ServiceStatus.STOPPED,
}
_UNIT, _MACHINE = "the unit", "the whole machine"
_MICROSECONDS: Final = 1e6
_LONGEST_MICROSECONDS: Final = 1e15
"""Over thirty years: no host runs for that long."""


class SshHealth:
    """The health of one unit and its machine. Many threads may call.

    CPU and memory are the unit's own where systemd accounts for them, as it does unless that is switched off, and where
    its memory.stat may be read; then the machine's are measures. Otherwise they are those of the whole machine, with
    all that runs beside the unit. The figures `cpu_percent_of` and `memory_percent_of` say which.
    """

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
        unit = properties_of(sections.get("unit", ()))
        cpu_percent, cpu_of = _of_unit_or_machine(unit_cpu_percent_of, cpu_percent_of, sections)
        memory_percent, memory_of = _of_unit_or_machine(unit_memory_percent_of, memory_percent_of, sections)
        started_at = _started_at(unit, sections, observed_at)
        values = {"CPU": cpu_percent, "memory": memory_percent, "start time": started_at}
        missing = [name for name, value in values.items() if value is None]
        return HealthReading(
            server_id=self._server_id,
            status=self._status(unit),
            cpu_percent=cpu_percent,
            memory_percent=memory_percent,
            figures={
                "cpu_percent_of": cpu_of,
                "memory_percent_of": memory_of,
                "restarts_by_systemd": number_in(unit.get("NRestarts", "")),
            },
            measures=(*measures, *_of_the_machine(sections, cpu_of=cpu_of, memory_of=memory_of)),
            unread=(*(f"{name}: the host did not say it in a form that is known" for name in missing), *unread),
            service_started_at=started_at,
            observed_at=observed_at,
            source=source,
        )

    def _status(self, unit: Mapping[str, str]) -> ServiceStatus:
        if unit.get("LoadState") == "not-found":
            raise SourceUnavailable(f"systemd of {self._server_id} has no unit {self._unit}: correct it.")
        status = _STATUS_OF.get(unit.get("ActiveState", ""))
        if status is None:
            raise SourceUnavailable(f"systemd of {self._server_id} did not say how {self._unit} is.")
        return status


def _started_at(unit: Mapping[str, str], sections: Sections, observed_at: datetime) -> datetime | None:
    """Return the start, or None for one that can't be: before the host's boot, or after the look."""
    started = number_in(unit.get("ExecMainStartTimestampMonotonic", ""))
    uptime_seconds = _or_none(uptime_seconds_of, sections)
    if not started or uptime_seconds is None or not started <= uptime_seconds * _MICROSECONDS < _LONGEST_MICROSECONDS:
        return None
    return observed_at - timedelta(seconds=uptime_seconds - started / _MICROSECONDS)


def _or_none(read: Callable[[Sections], float], sections: Sections) -> float | None:
    try:
        return read(sections)
    except (KeyError, IndexError, ValueError, ArithmeticError):
        return None


def _of_unit_or_machine(
    of_unit: Callable[[Sections], float], of_machine: Callable[[Sections], float], sections: Sections
) -> tuple[float | None, str]:
    """Return the unit's figure, or the machine's where none is accounted; and whose it is."""
    try:
        return _or_none(of_unit, sections), _UNIT
    except NotAccounted:
        return _or_none(of_machine, sections), _MACHINE


def _of_the_machine(sections: Sections, *, cpu_of: str, memory_of: str) -> Iterator[Measure]:
    """Yield the machine's figures where the unit's own stand in their place."""
    for name, read, whose in (("CPU", cpu_percent_of, cpu_of), ("memory", memory_percent_of, memory_of)):
        value = _or_none(read, sections)
        if whose == _UNIT and value is not None:
            yield Measure(name=f"{name} of the whole machine", value=value, unit="percent", source="/proc over ssh")
