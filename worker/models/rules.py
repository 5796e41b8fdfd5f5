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
from worker.models.rules_limits import full_of

__all__ = ["Verdict", "Way", "figures_of", "weigh"]

_QUOTATION_BYTES: Final = 240
_LIKELY: Final = "a restart is likely to help"
_UNLIKELY: Final = "a restart is unlikely to help"
_UNSAID: Final = "nothing says that a restart would help"


class Way(StrEnum):
    """What should become of the incident."""

    RESTART = "restart"
    ESCALATE = "escalate"
    NO_ACTION = "no_action"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A way; what was seen that led to it, with its evidence cited; and what that says of a restart."""

    way: Way
    seen: str
    outlook: str

    @property
    def reason(self) -> str:
        """The verdict as one sentence."""
        return f"{self.seen}: {self.outlook}."


def weigh(health: HealthReading, logs: LogFindings, *, health_cited: str = "", logs_cited: str = "") -> Verdict:
    """Return the verdict. `health_cited` and `logs_cited` are citations such as ``[E1]``, put behind their facts."""
    state = _joined(_state(health), health_cited)
    shown = _shown(logs, logs_cited)
    clean = _joined(f"{counted(logs.scanned_lines, 'log line')} {_show(logs)} no error", logs_cited)
    if logs.dependency_failures:
        failure = _joined(f"the log shows a failing dependency, {_quoted(logs.dependency_failures)}", logs_cited)
        return _verdict(Way.ESCALATE, f"{failure}; {state}", _UNLIKELY)
    if _is_only_degraded(health) and not logs.newest_local_faults:
        return _verdict(Way.ESCALATE, f"{shown}, and {state}" if shown else f"{state}, but {clean}", _UNSAID)
    if health.symptoms:
        nothing_worse = f"no dependency failure in {counted(logs.scanned_lines, 'log line')}"
        return _verdict(Way.RESTART, f"{state}, and {shown or _joined(nothing_worse, logs_cited)}", _LIKELY)
    if (is_full := bool(full_of(health))) or shown:
        seen = f"{state}, and {shown or clean}" if is_full else f"{shown}; {state}"
        return _verdict(Way.ESCALATE, seen, _UNLIKELY)
    if not health.is_good:
        return _verdict(Way.ESCALATE, state, "without every figure nobody can say that it is well")
    return _verdict(Way.NO_ACTION, f"{state}, and {clean}", "nothing needs to be done")


def figures_of(health: HealthReading) -> str:
    """Return CPU and memory in words; what could not be read is called unknown."""
    cpu = "CPU unknown" if health.cpu_percent is None else f"CPU at {health.cpu_percent:g} %"
    memory = "memory unknown" if health.memory_percent is None else f"memory at {health.memory_percent:g} %"
    return f"{cpu}, {memory}"


def _verdict(way: Way, seen: str, outlook: str) -> Verdict:
    return Verdict(way, seen[:1].upper() + seen[1:], outlook)


def _state(health: HealthReading) -> str:
    """Return what is wrong, a full disk before all; else that CPU and memory are not, as far as they are known."""
    if wrong := (*full_of(health), *health.symptoms):
        return " and ".join(wrong)
    if not health.is_good:
        return figures_of(health)
    return f"CPU at {health.cpu_percent:g} % and memory at {health.memory_percent:g} % are within limits"


def _is_only_degraded(health: HealthReading) -> bool:
    return health.status is ServiceStatus.DEGRADED and len(health.symptoms) == 1


def _shown(logs: LogFindings, citation: str) -> str:
    """Return the line that tells most, of those that the evidence quotes; empty where there is none."""
    lines = logs.local_faults or logs.other_errors
    if not lines:
        return ""
    is_old = bool(logs.local_faults) and not logs.newest_local_faults
    return _joined(f"the log shows {_quoted(lines)}", citation) + (", but not of late" if is_old else "")


def _show(logs: LogFindings) -> str:
    return "shows" if logs.scanned_lines == 1 else "show"


def _quoted(lines: tuple[str, ...]) -> str:
    return quoted(lines[-1], _QUOTATION_BYTES)


def _joined(text: str, citation: str) -> str:
    return f"{text} {citation}" if citation else text
