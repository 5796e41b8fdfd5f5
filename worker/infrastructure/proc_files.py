"""What Linux says of itself in /proc and `df`, as measures. Pure: text in, figures out; what can't be read is named.

Sources: proc(5) for stat, meminfo, loadavg and sys/fs/file-nr; POSIX for the format of `df -P`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from worker.contract.observations import Measure

__all__ = [
    "Sections",
    "cpu_percent_of",
    "measured",
    "memory_percent_of",
    "memory_total_bytes_of",
    "sections_of",
    "uptime_seconds_of",
]

Sections = Mapping[str, Sequence[str]]
"""Lines by the name of their section."""

_KIB: Final = 1024
_IDLE_FIELDS: Final = (4, 5)  # idle and iowait
_DF_COLUMNS: Final = 6
_NOT_DISKS: Final = ("tmpfs", "devtmpfs", "overlay", "udev", "shm")


def sections_of(text: str) -> Sections:
    """Split text whose sections begin with a line ``@name``; what stands before the first is left out."""
    sections: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("@"):
            name = line[1:]
            sections[name] = []
        elif name:
            sections[name].append(line)
    return sections


def cpu_percent_of(sections: Sections) -> float:
    """Return the share of all cores that was busy between two looks. Raises what broken text makes Python raise."""
    before, after = (list(map(int, line.split()[1:])) for line in sections["cpu"][:2])
    spent = sum(after) - sum(before)
    idle = sum(after[field - 1] - before[field - 1] for field in _IDLE_FIELDS)
    if not idle <= spent:
        raise ValueError("more idle than there was time")
    return round(min(100 * (1 - idle / spent), 100.0), 1)


def memory_percent_of(sections: Sections) -> float:
    """Return the share of memory that is not available. Raises likewise."""
    memory = _meminfo(sections)
    if not 0 <= memory["MemAvailable"] <= memory["MemTotal"]:
        raise ValueError("more available than there is")
    return round(100 * (1 - memory["MemAvailable"] / memory["MemTotal"]), 1)


def memory_total_bytes_of(sections: Sections) -> int:
    """Return how much memory the machine has. Raises likewise."""
    return _meminfo(sections)["MemTotal"] * _KIB


def uptime_seconds_of(sections: Sections) -> float:
    """Return how long the host has been up. Raises likewise."""
    return float(sections["uptime"][0].split()[0])


def measured(sections: Sections, *, source: str) -> tuple[tuple[Measure, ...], tuple[str, ...]]:
    """Return what could be measured beside CPU and memory, and a sentence for each figure that could not."""
    found, unread = [], []
    for name, (unit, read) in _FIGURES.items():
        try:
            found.append(Measure(name=name, value=_finite(read(sections)), unit=unit, source=source))
        except (KeyError, IndexError, ValueError, ArithmeticError):
            unread.append(f"{name}: the host did not say it in a form that is known")
    return tuple(found), tuple(unread)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("no number")
    return round(value, 3)


def _meminfo(sections: Sections) -> Mapping[str, int]:
    return {line.partition(":")[0]: int(line.split()[1]) for line in sections["memory"]}


def _fullest_disk(sections: Sections) -> float:
    rows = [line.split() for line in sections["disks"][1:]]
    disks = [row for row in rows if len(row) >= _DF_COLUMNS and row[0] not in _NOT_DISKS]
    return max(float(row[4].removesuffix("%")) for row in disks)


def _load(sections: Sections) -> float:
    return float(sections["load"][0].split()[0]) / int(sections["cores"][0])


def _swap(sections: Sections) -> float:
    memory = _meminfo(sections)
    return float(memory["SwapTotal"] - memory["SwapFree"]) * _KIB


def _file_handles(sections: Sections) -> float:
    allocated, _, maximum = map(int, sections["files"][0].split())
    return 100 * allocated / maximum


_FIGURES: Final[Mapping[str, tuple[str, Callable[[Sections], float]]]] = {
    "fullest disk": ("percent", _fullest_disk),
    "load of one minute by core": ("count", _load),
    "swap in use": ("bytes", _swap),
    "file handles": ("percent", _file_handles),
}
