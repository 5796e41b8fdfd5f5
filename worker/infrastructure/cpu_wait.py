"""How long a process has waited for a core: what a CPU percentage alone does not tell on a busy machine.

A service that is bound by CPU uses half a core where two of its kind share one; it looks healthy then, and is not.
Linux counts the time that each thread was ready to run and had to wait. Called by the supervisord adapter.
"""

from pathlib import Path
from typing import Final

__all__ = ["waited_seconds"]

_NANOSECONDS: Final = 1e9


def waited_seconds(pid: int) -> float | None:
    """Return the seconds that the threads of `pid` have waited for a core so far; None where nobody counts.

    Source: the second figure of /proc/PID/task/TID/schedstat, https://docs.kernel.org/scheduler/sched-stats.html
    """
    try:
        lines = [path.read_text("ascii") for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        return sum(int(line.split()[1]) for line in lines) / _NANOSECONDS if lines else None
    except (OSError, ValueError, IndexError):
        return None
