"""The product's own programs as real processes, for tests: started with a clean environment, ended by their pid."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["environment_of", "firstline", "running", "wait_until"]


def environment_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return an environment in which only these settings are made."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {f"FIRSTLINE_{name.upper()}": str(value) for name, value in settings.items()}


def firstline(
    *arguments: str, environment: Mapping[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run one command to its end."""
    command = [sys.executable, "-m", "worker.cli", *arguments]
    return subprocess.run(command, env=environment, input=stdin, capture_output=True, timeout=60, check=False)


@contextmanager
def running(
    *command: str, environment: Mapping[str, str], log: Path, grace_seconds: float = 10
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a program running; SIGTERM at the end, SIGKILL when it has not ended within the grace."""
    with log.open("ab") as output:
        program = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        yield program
    finally:
        program.send_signal(signal.SIGTERM)
        try:
            program.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def wait_until(is_so: Callable[[], bool], *, seconds: float, log: Path | None = None) -> None:
    """Wait for something that another process does; fails with the end of its log."""
    give_up = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > give_up:
            tail = log.read_text(errors="replace")[-3000:] if log else ""
            raise AssertionError(f"not within {seconds:g} s\n{tail}")
        time.sleep(0.05)
