"""The demo as a stranger runs it: it ends well, and stopped at any moment it leaves no process behind."""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests.programs import environment_of, wait_until

pytestmark = pytest.mark.integration

DEMO = (sys.executable, "-m", "worker.cli", "demo")


def environment(folder: Path) -> dict[str, str]:
    return environment_of({}) | {"TMPDIR": str(folder), "COLUMNS": "160"}


@pytest.fixture
def folder() -> str:
    """A folder of a short name: it marks every process of this run in its command line."""
    return tempfile.mkdtemp(prefix="fl-test-")


def processes_of(folder: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if folder in words or folder in process.environ().get("TMPDIR", ""):
                found.append(f"{process.pid} {words}")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_the_demo_ends_with_every_incident_settled(folder: str) -> None:
    started = time.monotonic()
    done = subprocess.run(
        DEMO, env=environment(Path(folder)), capture_output=True, timeout=100, check=False, cwd=folder
    )
    output = done.stdout.decode()
    assert done.returncode == 0, output + done.stderr.decode()
    assert "7 results reached the escalation desk: 3 recovered, 3 escalated, 1 no action" in output
    assert "ESCALATED · search-index-09" in output
    assert processes_of(folder) == []
    assert list(Path(folder).iterdir()) == []
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_seconds", [0.7, 1.5, 3.0, 8.0])
def test_a_signal_at_any_moment_leaves_no_process_behind(
    folder: str, number: signal.Signals, after_seconds: float
) -> None:
    demo = subprocess.Popen(
        DEMO,
        env=environment(Path(folder)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=folder,
    )
    try:
        demo.wait(after_seconds)
    except subprocess.TimeoutExpired:
        demo.send_signal(number)
    _, complaint = demo.communicate(timeout=30)
    assert demo.returncode in (128 + number, -number), complaint.decode()
    assert b"Traceback" not in complaint
    wait_until(lambda: processes_of(folder) == [], seconds=2)
    assert list(Path(folder).iterdir()) == []
