"""A host's login shell in the place of ssh: what a host would be told is run on this machine."""

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from worker.infrastructure.ssh import READ_LIMIT_BYTES, SshAnswer

__all__ = ["LocalShell"]


@dataclass
class LocalShell:
    """Runs what a host would be told on this machine, with `programs` first on the path."""

    programs: Path
    commands: list[Sequence[str]] = field(default_factory=list)

    def read(self, command: Sequence[str], *, limit_bytes: int = READ_LIMIT_BYTES) -> SshAnswer:
        self.commands.append(command)
        path = f"{self.programs}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", "-c", shlex.join(command)], env={"PATH": path}, capture_output=True, timeout=20, check=False
        )
        is_cut = len(done.stdout) > limit_bytes
        code = None if is_cut else done.returncode
        return SshAnswer(code, done.stdout[:limit_bytes], tuple(done.stderr.decode().splitlines()), is_cut=is_cut)
