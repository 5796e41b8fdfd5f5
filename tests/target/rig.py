"""One server's restart command with a recorded restart, as real processes: what every test here starts from.

The stub in the place of systemctl notes its start and its end in an fsynced file, and nothing else is believed.
"""

import importlib.machinery
import importlib.util
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Final

__all__ = ["FENCE", "UNIT", "Target", "fence_module", "order", "until"]

FENCE: Final = Path(__file__).parents[2] / "deploy" / "target" / "firstline-restart"
UNIT: Final = "payments.service"

_STUB: Final = """#!{interpreter} -IS
import json, os, sys, time
folder = {folder!r}
def note(word):
    effects = os.open(os.path.join(folder, "effects"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(effects, (json.dumps([word, sys.argv[1:], dict(os.environ)]) + "\\n").encode())
    os.fsync(effects)
note("start")
give_up = time.monotonic() + 20
while os.path.exists(os.path.join(folder, "hold")) and time.monotonic() < give_up:
    time.sleep(0.01)
note("end")
{ending}
"""

_SHOWN: Final = """#!{interpreter} -IS
print("LoadState=loaded\\nActiveState=active\\nSubState=running")
"""


def order(incident: str = "inc-1", fence: int = 1, *, seconds_left: float = 30) -> str:
    """Return a command as the worker sends it."""
    return f"restart {incident} {fence} {until(seconds_left)}"


def until(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def fence_module() -> ModuleType:
    """Load the program without running it."""
    loader = importlib.machinery.SourceFileLoader("firstline_restart", str(FENCE))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server in a folder. `program` may be a weakened copy, for controls."""

    folder: Path
    program: Path = FENCE

    def install(self, *, ending: str = "sys.exit(0)") -> "Target":
        """Write the stub, whose last line is `ending`, and begin the unit's ledger."""
        self.stub.write_text(_STUB.format(interpreter=sys.executable, folder=str(self.folder), ending=ending))
        self.shown.write_text(_SHOWN.format(interpreter=sys.executable))
        for program in (self.stub, self.shown):
            program.chmod(0o755)
        created = subprocess.run([*self.command(), "--create-state"], capture_output=True, env={}, check=False)
        assert created.returncode == 0, created.stderr
        return self

    @property
    def stub(self) -> Path:
        return self.folder / "restart-stub"

    @property
    def shown(self) -> Path:
        return self.folder / "status-stub"

    @property
    def ledger(self) -> Path:
        return self.folder / UNIT / "orders"

    @property
    def hold(self) -> Path:
        """While this file exists, a restart lasts."""
        return self.folder / "hold"

    @property
    def effects(self) -> Path:
        return self.folder / "effects"

    def command(self, *options: str) -> list[str]:
        """Return the forced command, as it stands in authorized_keys."""
        fixed = ["--unit", UNIT, "--state-directory", str(self.folder), "--restart-command", str(self.stub)]
        fixed += ["--status-command", str(self.shown)]
        return [sys.executable, "-IS", str(self.program), *fixed, *options]

    def ask(
        self, request: str, *options: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Send one command and wait for its end, as ssh does."""
        return subprocess.run(
            self.command(*options),
            env={**(environment or {}), "SSH_ORIGINAL_COMMAND": request},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def begin(self, request: str, *before: str) -> subprocess.Popen[str]:
        """Send one command and don't wait; `before` is put in front of the forced command."""
        return subprocess.Popen(
            [*before, *self.command()],
            env={"SSH_ORIGINAL_COMMAND": request, "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def notes(self, word: str) -> int:
        """Return how many restarts have a start, or an end."""
        if not self.effects.exists():
            return 0
        return sum(line.startswith(f'["{word}"') for line in self.effects.read_text().splitlines())

    def wait_for(self, word: str) -> None:
        """Wait until a restart has a start, or an end."""
        give_up = time.monotonic() + 10
        while not self.notes(word):
            assert time.monotonic() < give_up, f"no {word} of a restart within 10 s"
            time.sleep(0.01)
