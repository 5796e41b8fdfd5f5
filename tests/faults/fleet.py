"""Programs under supervision: each is started again when it ends, as a service manager would, until the test is over.

Every program is ended by its own process id.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals
from threading import Event, Lock, Thread
from typing import Final, Self

__all__ = ["Fleet"]

_LOOK_INTERVAL_SECONDS: Final = 0.05
_RESTART_PAUSE_SECONDS: Final = 0.3
_ROOT: Final = Path(__file__).parents[2]


class Fleet:
    """`with Fleet(...) as fleet:` keeps one program running per environment. Safe from several threads."""

    def __init__(self, command: Sequence[str], environments: Sequence[Mapping[str, str]], *, logs: Path) -> None:
        self._command = command
        self._environments = environments
        self._logs = logs
        self._programs: list[subprocess.Popen[bytes]] = []
        self._changing = Lock()
        self._is_over = Event()
        self._thread = Thread(target=self._tend, name="fleet", daemon=True)
        self.exits = 0
        """How many programs have ended and were started again."""

    def __enter__(self) -> Self:
        self._programs = [self._spawn(number) for number in range(len(self._environments))]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        for program in self._programs:
            program.kill()
            program.wait()

    def send(self, number: int, sent: Signals) -> int:
        """Send a signal to one program, and return its process id."""
        with self._changing:
            program = self._programs[number]
            program.send_signal(sent)
            return program.pid

    def send_to_pid(self, pid: int, sent: Signals) -> None:
        """Send a signal to the program of this process id, if it is still ours."""
        with self._changing:
            for program in self._programs:
                if program.pid == pid:
                    program.send_signal(sent)

    def pids(self) -> list[int]:
        """Return the process ids, in the order of the environments."""
        with self._changing:
            return [program.pid for program in self._programs]

    def count_in_logs(self, words: str) -> int:
        """Count the log lines that have these words."""
        return sum(path.read_text(errors="replace").count(words) for path in self._logs.glob("*.log"))

    def _tend(self) -> None:
        while not self._is_over.wait(_LOOK_INTERVAL_SECONDS):
            with self._changing:
                ended = [number for number, program in enumerate(self._programs) if program.poll() is not None]
            for number in ended:
                self.exits += 1
                time.sleep(_RESTART_PAUSE_SECONDS)
                with self._changing:
                    self._programs[number] = self._spawn(number)

    def _spawn(self, number: int) -> subprocess.Popen[bytes]:
        with suppress(FileExistsError):
            self._logs.mkdir(parents=True)
        with (self._logs / f"{number}.log").open("ab") as log:
            return subprocess.Popen(
                self._command,
                env=self._environments[number],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
