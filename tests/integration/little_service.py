"""A service on a made-up server for tests: a real little process that can fail, and what node_exporter says of it.

No test machine has a systemd that it may use, so `start` stands in the place of `systemctl restart`, and `status` in
that of `systemctl show`. Whether the service is active is asked of the kernel; when it started, it wrote down itself.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["LittleService"]

_STATES: Final = ("active", "activating", "deactivating", "failed", "inactive")

_PROGRAM: Final = """
import os, signal, sys, time
def give_up(*_):
    print("ERROR worker threads exhausted, giving up", flush=True)
    sys.exit(1)
signal.signal(signal.SIGTERM, give_up)
print("INFO started", flush=True)
with open("starts", "a") as starts:
    starts.write(f"{os.getpid()} {time.time()}\\n")
while True:
    signal.pause()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LittleService:
    """One unit's process in a folder of its own."""

    folder: Path
    unit: str

    def install(self) -> "LittleService":
        """Write the programs that start the service and tell its state; whoever runs them may end before it does."""
        self.folder.mkdir(parents=True)
        (self.folder / "program.py").write_text(_PROGRAM)
        folder, python = shlex.quote(str(self.folder)), shlex.quote(sys.executable)
        start = f"#!/bin/sh\ncd {folder}\nsetsid {python} -IS program.py </dev/null >>service.log 2>&1 &\n"
        self.start_program.write_text(start)
        status = (
            f"#!/bin/sh\npid=$(tail -n 1 {folder}/starts | cut -d ' ' -f 1)\n"
            'if kill -0 "$pid"; then echo ActiveState=active; else echo ActiveState=failed; fi\n'
        )
        self.status_program.write_text(status)
        for program in (self.start_program, self.status_program):
            program.chmod(0o755)
        return self

    @property
    def start_program(self) -> Path:
        return self.folder / "start"

    @property
    def status_program(self) -> Path:
        return self.folder / "status"

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    def start(self) -> None:
        subprocess.run([self.start_program], check=True, timeout=10)

    def fail(self) -> None:
        """Let it end as a service does that has had enough: with a word in its log, and exit code 1."""
        os.kill(self._starts()[-1][0], signal.SIGTERM)

    def end(self) -> None:
        """End every process of it that still runs."""
        for pid, _ in self._starts():
            if _is_running(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    @property
    def is_active(self) -> bool:
        starts = self._starts()
        return bool(starts) and _is_running(starts[-1][0])

    @property
    def start_count(self) -> int:
        return len(self._starts())

    def metrics(self, seconds: float) -> Mapping[str, float]:
        """Return what a node_exporter with its systemd collector says, `seconds` after it began, on a quiet machine."""
        state = "active" if self.is_active else "failed"
        started_at = self._starts()[-1][1] if self.is_active else 0.0
        return {
            "node_memory_MemTotal_bytes": 8e9,
            "node_memory_MemAvailable_bytes": 6e9,
            "node_memory_SwapTotal_bytes": 1e9,
            "node_memory_SwapFree_bytes": 1e9,
            'node_cpu_seconds_total{mode="idle",cpu="0"}': 0.9 * seconds,
            'node_cpu_seconds_total{mode="user",cpu="0"}': 0.1 * seconds,
            "node_time_seconds": time.time(),
            "node_load1": 0.1,
            "node_filefd_allocated": 1e3,
            "node_filefd_maximum": 1e6,
            'node_filesystem_avail_bytes{fstype="ext4",mountpoint="/"}': 6e10,
            'node_filesystem_size_bytes{fstype="ext4",mountpoint="/"}': 1e11,
            **{
                f'node_systemd_unit_state{{name="{self.unit}",state="{each}"}}': float(each == state)
                for each in _STATES
            },
            f'node_systemd_unit_start_time_seconds{{name="{self.unit}"}}': started_at,
            f'node_systemd_service_restart_total{{name="{self.unit}"}}': 0,
        }

    def _starts(self) -> list[tuple[int, float]]:
        """Return process id and time of every start, oldest first."""
        file = self.folder / "starts"
        lines = file.read_text().splitlines(keepends=True) if file.exists() else []
        rows = (line.split() for line in lines if line.endswith("\n"))
        return [(int(pid), float(started_at)) for pid, started_at in rows]


def _is_running(pid: int) -> bool:
    """Ask the kernel; a process that has ended and was not yet taken leave of runs no more."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
