"""What systemd and the kernel account for one unit: its share of CPU and memory. Pure: text in, figures out.

Only a unit with accounting on has such figures: without it there is none here, and never the machine's. Called by the
health over ssh. Sources: org.freedesktop.systemd1(5), and the kernel's documentation of memory.stat for both cgroups.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from worker.infrastructure.proc_files import Sections, memory_total_bytes_of

__all__ = ["NotAccounted", "number_in", "properties_of", "unit_cpu_percent_of", "unit_memory_percent_of"]

_CPU: Final = "CPUUsageNSec"
_NANOSECONDS: Final = 1e9
_DIGITS: Final = 18
"""systemd says that there is no figure with one that has more."""

_LIMITS: Final = ("MemoryMax", "MemoryLimit")
_CACHES: Final = ("total_inactive_file", "inactive_file")
"""cgroup v1 leaves a unit's children out of the second."""

_SECONDS_OF: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0}
_SPAN: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(us|ms|s|min)", re.ASCII)


class NotAccounted(Exception):  # noqa: N818 - the state, not an accident
    """The host accounts no such figure for the unit."""


def properties_of(lines: Sequence[str]) -> Mapping[str, str]:
    """Return what `systemctl show` printed, by name."""
    return dict(line.split("=", 1) for line in lines if "=" in line)


def unit_cpu_percent_of(sections: Sections) -> float:
    """Return the share that the unit used, between two looks, of the cores that it may use.

    Raises `NotAccounted`, and for a unit that has begun anew meanwhile or broken text what that makes Python raise.
    """
    before, after = sections.get("unit_before", ()), sections.get("unit_after", ())
    used_before, used_after = (number_in(properties_of(lines).get(_CPU, "")) for lines in (before, after))
    if used_before is None or used_after is None:
        raise NotAccounted
    spent_seconds = (used_after - used_before) / _NANOSECONDS
    window_seconds = float(after[-1].split()[0]) - float(before[-1].split()[0])
    cores = min(int(sections["cores"][0]), _quota(properties_of(sections["unit"])))
    if spent_seconds < 0 or window_seconds <= 0:
        raise ValueError("counters that ran backwards")
    return round(100 * spent_seconds / window_seconds / cores, 1)


def unit_memory_percent_of(sections: Sections) -> float:
    """Return the share of its limit, or of all memory, that the unit holds, without the file cache that can be dropped.

    Raises likewise.
    """
    unit, of_group = properties_of(sections.get("unit", ())), sections.get("group", ())
    held_bytes = number_in(unit.get("MemoryCurrent", ""))
    kinds = {name: int(value) for name, value in (line.split() for line in of_group)}
    cache_bytes = next((kinds[name] for name in _CACHES if name in kinds), None)
    if held_bytes is None or cache_bytes is None:
        raise NotAccounted
    limits = [limit for name in _LIMITS if (limit := number_in(unit.get(name, ""))) is not None]
    limit_bytes = min([memory_total_bytes_of(sections), *limits])
    if not 0 <= cache_bytes <= held_bytes:
        raise ValueError("a cache that is larger than all")
    return round(100 * (held_bytes - cache_bytes) / limit_bytes, 1)


def number_in(text: str) -> int | None:
    """Return a property's number, or None for one that is not set."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def _quota(unit: Mapping[str, str]) -> float:
    """Return how many cores' time the unit may use, as in `1s 500ms` a second."""
    spans = unit.get("CPUQuotaPerSecUSec", "infinity")
    if spans == "infinity":
        return math.inf
    quota = 0.0
    for span in spans.split():
        found = _SPAN.fullmatch(span)
        if found is None:
            raise ValueError("no span of time")
        quota += float(found[1]) * _SECONDS_OF[found[2]]
    return quota
