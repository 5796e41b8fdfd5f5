"""A recorded server behind its own fence: the restart command of `deploy/target/`, run as sshd runs it.

Only its effect is recorded instead of real: the program in systemctl's place notes each restart in the server's
`restarts.jsonl`, with the incident and the fence that the host itself has written down. What the host answers stands in
`answers.jsonl`, so that a row can tell a refusal of the host from one of the worker.
"""

import json
import math
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.faults.traps import RESTART_SECONDS, Traps
from worker.contract.incident import Incident
from worker.errors import OrderRefused, SourceUnavailable
from worker.ports import Clock, Directory, RestartOrder, Server, ServiceManager

__all__ = ["BEFORE_COMMAND", "TOO_LATE", "FencedDirectory", "host_answers", "install_fence"]

BEFORE_COMMAND: Final = "before_command"
"""The trap behind the last look that a worker takes at its own clock: from here on, only the host can refuse."""

TOO_LATE: Final = 13
"""The host's exit code for an order whose time has passed."""

_FENCE: Final = Path(__file__).parents[2] / "deploy" / "target" / "firstline-restart"
_SURELY_NOTHING_HAPPENED: Final = range(10, 20)
_ANSWER_TIMEOUT_SECONDS: Final = 30
_RESTART_COMMAND: Final = "restart-command"
_STATE: Final = "fence"
_STUB: Final = """#!{interpreter} -IS
import datetime, json, os, time
with open({orders!r}, "rb") as file:
    order = [json.loads(line) for line in file.read().splitlines() if line.startswith(b"{{")][-1]
at = datetime.datetime.now(datetime.timezone.utc)
done_at = at + datetime.timedelta(seconds={seconds})
restart = {{"at": at.isoformat(), "done_at": done_at.isoformat(), "incident_id": order["incident"],
           "fence": order["fence"], "server_id": {server_id!r}}}
effects = os.open({effects!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
os.write(effects, (json.dumps(restart) + "\\n").encode())
os.fsync(effects)
time.sleep({seconds})
"""


def install_fence(folder: Path, *, restart_seconds: float) -> None:
    """Give the recorded server in a folder a restart command with an empty ledger, as its administrator does."""
    stub = folder / _RESTART_COMMAND
    (folder / _STATE).mkdir()
    text = _STUB.format(
        interpreter=sys.executable,
        orders=str(folder / _STATE / _unit(folder) / "orders"),
        effects=str(folder / "restarts.jsonl"),
        seconds=restart_seconds,
        server_id=folder.name,
    )
    stub.write_text(text)
    stub.chmod(0o755)
    subprocess.run([*_command(folder), "--create-state"], env={}, stdout=subprocess.DEVNULL, check=True)


def host_answers(folder: Path, incident_id: str) -> list[int]:
    """Return the exit codes with which a server's restart command has answered orders for an incident."""
    path = folder / "answers.jsonl"
    answers = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return [answer["code"] for answer in answers if answer["incident_id"] == incident_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class FencedDirectory:
    """An inventory in which the servers that have a restart command are restarted through it.

    Without the fence they are restarted by whoever comes, at any time: for the control.
    """

    directory: Directory
    folder: Path
    traps: Traps
    clock: Clock
    has_fence: bool

    def server_of(self, incident: Incident) -> Server | str:
        server = self.directory.server_of(incident)
        if isinstance(server, str) or not (self.folder / server.server_id / _RESTART_COMMAND).exists():
            return server
        return replace(server, service_manager=self._manager_of(server))

    def _manager_of(self, server: Server) -> ServiceManager:
        if not self.has_fence:
            return _Unfenced(server.service_manager, self.traps)
        return _Fenced(self.folder / server.server_id, self.traps, self.clock)


@dataclass(frozen=True, slots=True)
class _Fenced:
    folder: Path
    traps: Traps
    clock: Clock

    @property
    def restart_seconds(self) -> float:
        return RESTART_SECONDS

    def check(self) -> str:
        return self.folder.name

    def restart(self, order: RestartOrder) -> None:
        if self.clock.monotonic_seconds() > order.give_up_at:
            raise OrderRefused(f"The order to restart {self.folder.name} is too old; it was not sent.")
        self.traps.step_on(BEFORE_COMMAND, order.incident_id)
        request = f"restart {order.incident_id} {order.fence} {order.not_after.isoformat()}"
        answer = self._ask(request)
        with (self.folder / "answers.jsonl").open("a", encoding="ascii") as file:
            file.write(json.dumps({"incident_id": order.incident_id, "code": answer.returncode}) + "\n")
        if answer.returncode in _SURELY_NOTHING_HAPPENED:
            raise OrderRefused(f"{self.folder.name} refused: {answer.stderr.strip()}")
        if answer.returncode != 0:
            raise SourceUnavailable(f"{self.folder.name} could not say that it restarted: {answer.stderr.strip()}")

    def _ask(self, request: str) -> subprocess.CompletedProcess[str]:
        environment, timeout = {"SSH_ORIGINAL_COMMAND": request}, _ANSWER_TIMEOUT_SECONDS
        try:
            return subprocess.run(
                _command(self.folder), env=environment, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SourceUnavailable(f"{self.folder.name} did not answer in {timeout} s") from error


@dataclass(frozen=True, slots=True)
class _Unfenced:
    manager: ServiceManager
    traps: Traps

    @property
    def restart_seconds(self) -> float:
        return self.manager.restart_seconds

    def check(self) -> str:
        return self.manager.check()

    def restart(self, order: RestartOrder) -> None:
        self.traps.step_on(BEFORE_COMMAND, order.incident_id)
        self.manager.restart(replace(order, give_up_at=math.inf))


def _command(folder: Path) -> list[str]:
    """Return the forced command, as it stands in authorized_keys."""
    fixed = ("--unit", _unit(folder), "--state-directory", str(folder / _STATE))
    return [sys.executable, "-IS", str(_FENCE), *fixed, "--restart-command", str(folder / _RESTART_COMMAND)]


def _unit(folder: Path) -> str:
    return f"{folder.name}.service"
