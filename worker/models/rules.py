"""The weighing of health against logs: whether a restart is likely to help, in whole sentences with values.

Pure, and by typed fields only: no word of a log is interpreted here beyond the findings that were made of it. In doubt
the verdict is to escalate, for in public incident data a restart alone is rarely right. `RulesModel` calls it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from worker.contract.counting import counted
from worker.contract.observations import HealthReading, ServiceStatus
from worker.contract.quoting import quoted
from worker.contract.result import LogFindings

__all__ = ["Verdict", "Way", "figures_of", "weigh"]

_QUOTATION_BYTES: Final = 240


class Way(StrEnum):
    """What should become of the incident."""

    RESTART = "restart"
    ESCALATE = "escalate"
    NO_ACTION = "no_action"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A way, and the reason for it as one sentence that cites its evidence."""

    way: Way
    reason: str


def weigh(health: HealthReading, logs: LogFindings, *, health_cited: str = "", logs_cited: str = "") -> Verdict:
    """Return the verdict. `health_cited` and `logs_cited` are citations such as ``[E1]``, put behind their facts."""
    no_pressure = f"no local pressure on {health.server_id} ({figures_of(health)})"
    state = _joined(" and ".join(health.symptoms) or no_pressure, health_cited)
    if logs.dependency_failures:
        failure = _joined(f"the log shows a failing dependency, {_quoted(logs.dependency_failures)}", logs_cited)
        return _verdict(Way.ESCALATE, f"{failure}; {state}: a restart is unlikely to help.")
    if _is_only_degraded(health) and not logs.newest_local_faults:
        no_fault = _joined(f"{_where_no_fault_is(logs)} no local fault", logs_cited)
        return _verdict(Way.ESCALATE, f"{state}, but {no_fault}: nothing says that a restart would help.")
    if health.symptoms:
        local_faults = _joined(_local_faults(logs), logs_cited)
        return _verdict(Way.RESTART, f"{state}, and {local_faults}: a restart is likely to help.")
    if faults := (*logs.other_errors, *logs.local_faults):
        found = _joined(f"the log shows {_quoted(faults)}", logs_cited)
        return _verdict(Way.ESCALATE, f"{state}, but {found}: a restart is unlikely to help.")
    if not health.is_good:
        return _verdict(Way.ESCALATE, f"{state}, but without every figure nobody can say that it is well.")
    clean = _joined(f"{_all_lines_show(logs)} no error", logs_cited)
    return _verdict(Way.NO_ACTION, f"{state}, and {clean}: nothing needs to be done.")


def figures_of(health: HealthReading) -> str:
    """Return CPU and memory in words; what could not be read is called unknown."""
    cpu = "CPU unknown" if health.cpu_percent is None else f"CPU at {health.cpu_percent:g} %"
    memory = "memory unknown" if health.memory_percent is None else f"memory at {health.memory_percent:g} %"
    return f"{cpu}, {memory}"


def _verdict(way: Way, reason: str) -> Verdict:
    return Verdict(way, reason[:1].upper() + reason[1:])


def _is_only_degraded(health: HealthReading) -> bool:
    return health.status is ServiceStatus.DEGRADED and len(health.symptoms) == 1


def _local_faults(logs: LogFindings) -> str:
    nothing_worse = f"no dependency failure in {counted(logs.scanned_lines, 'log line')}"
    return f"{_quoted(logs.newest_local_faults)}, {nothing_worse}" if logs.newest_local_faults else nothing_worse


def _where_no_fault_is(logs: LogFindings) -> str:
    return "the newest log lines show" if logs.local_faults else _all_lines_show(logs)


def _all_lines_show(logs: LogFindings) -> str:
    return f"{counted(logs.scanned_lines, 'log line')} {'shows' if logs.scanned_lines == 1 else 'show'}"


def _quoted(lines: tuple[str, ...]) -> str:
    return quoted(lines[-1], _QUOTATION_BYTES)


def _joined(text: str, citation: str) -> str:
    return f"{text} {citation}" if citation else text
