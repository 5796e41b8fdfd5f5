"""The lab fleet: six real servers under a real supervisord, on loopback, and the requests that get them into trouble.

For the demo and the tests, so that health, logs and restarts are those of real processes. It must never listen beyond
loopback, nor leave a program behind. The servers themselves are in `deploy/lab/`, which only a checkout has.
"""

import http.client
import importlib.util
import json
import os
import secrets
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final, Self

from worker.embedded import end_program, free_loopback_ports
from worker.errors import ConfigurationError, SourceUnavailable
from worker.infrastructure.supervisord_api import SupervisordApi

if TYPE_CHECKING:
    import psutil

__all__ = ["LAB_SERVERS", "LabFleet", "LabServer"]

_SCRIPT: Final = Path(__file__).resolve().parents[1] / "deploy" / "lab" / "lab_server.py"
_USERNAME: Final = "firstline"
_PASSWORD_VARIABLE: Final = "FIRSTLINE_LAB_PASSWORD"  # noqa: S105 - the variable's name
_START_TIMEOUT_SECONDS: Final = 30.0
_TROUBLE_TIMEOUT_SECONDS: Final = 15.0
_STOP_TIMEOUT_SECONDS: Final = 8.0
_KILL_TIMEOUT_SECONDS: Final = 3.0
_REQUEST_TIMEOUT_SECONDS: Final = 2.0
_HANGING_REQUEST_SECONDS: Final = 0.1
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class LabServer:
    """One server of the fleet; `sign_of_trouble` is what its log says once it is in trouble, empty for the well one."""

    server_id: str
    service: str
    sign_of_trouble: str


LAB_SERVERS: Final = (
    LabServer("payment-server-01", "payments", "worker threads exhausted"),
    LabServer("search-index-09", "search", "connect failed"),
    LabServer("auth-server-02", "auth", "session cache full"),
    LabServer("report-server-04", "reports", "rendering queued report"),
    LabServer("web-server-03", "web", ""),
    LabServer("cache-server-05", "cache", "slab overrun"),
)


class LabFleet:
    """Six servers in `folder`, which keeps their logs, the configuration and the inventory.

    Give `environment` to whatever loads `inventory_file`. One thread starts the fleet and makes trouble; any thread
    may stop it, more than once, and while it starts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._password = secrets.token_urlsafe(24)
        self._control_port, self._backend_port, *ports = free_loopback_ports(2 + len(LAB_SERVERS))
        self._ports = {server.server_id: port for server, port in zip(LAB_SERVERS, ports, strict=True)}
        self._api = SupervisordApi(
            f"http://127.0.0.1:{self._control_port}/RPC2", username=_USERNAME, password=self._password
        )
        self._supervisord: subprocess.Popen[bytes] | None = None

    @property
    def inventory_file(self) -> Path:
        """The inventory of the six servers, written by `start`."""
        return self._folder / "inventory.toml"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that the inventory names: supervisord's password."""
        return {_PASSWORD_VARIABLE: self._password}

    @property
    def pid(self) -> int | None:
        """The process id of supervisord, which is its programs' session too; None while it is not started."""
        return self._supervisord.pid if self._supervisord else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start supervisord and return when all six servers run and listen.

        Raises `ConfigurationError` when something is not installed, or does not come up; nothing is left behind then.
        """
        _require_parts()
        configuration = self._write_files()
        try:
            self._supervisord = _start_supervisord(configuration)
            self._wait_until(self._is_up, "the lab fleet to start", timeout_seconds=_START_TIMEOUT_SECONDS)
        except BaseException:
            self.stop()
            raise

    def make_trouble(self) -> None:
        """Send the requests that break five of the servers; return when their trouble can be seen, in a few seconds.

        Raises `ConfigurationError` when trouble does not show.
        """
        self._send("web-server-03", ["/", "/basket", "/healthz"])
        self._send("report-server-04", ["/reports"], json.dumps({"rows": 5_000, "rows_per_page": 0}).encode())
        self._send("auth-server-02", ["/login"] * 66, b"user=42;")
        self._send("payment-server-01", ["/payments"], json.dumps({"amount": "12.00"}).encode())
        hanging = json.dumps({"amount": "12.005"}).encode()
        self._send("payment-server-01", ["/payments"] * 3, hanging, timeout_seconds=_HANGING_REQUEST_SECONDS)
        self._send("payment-server-01", ["/payments"] * 3, json.dumps({"amount": "9.00"}).encode())
        self._send("cache-server-05", ["/keys/a", "/keys/b"], b"v" * 1_000)
        self._send("cache-server-05", ["/keys/c"], b"v" * 70_000)
        self._wait_until(self._is_in_trouble, "the trouble to show", timeout_seconds=_TROUBLE_TIMEOUT_SECONDS)

    def stop(self) -> None:
        """End supervisord and every server; when this returns, none is left. A second call does nothing."""
        supervisord = self._supervisord
        if supervisord is None:
            return
        end_program(supervisord, timeout_seconds=_STOP_TIMEOUT_SECONDS)
        _kill_servers(session=supervisord.pid)
        self._supervisord = None

    def _write_files(self) -> Path:
        for folder in ("logs", "queue"):
            (self._folder / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / "supervisord.conf"
        values = {
            "control_port": str(self._control_port),
            "backend_port": str(self._backend_port),
            "password": self._password,
            "folder": str(self._folder).replace("%", "%%%%"),  # supervisord expands log files twice
            "run": shlex.join([sys.executable, "-u", str(_SCRIPT)]).replace("%", "%%"),
            **{f"{server.service}_port": str(self._ports[server.server_id]) for server in LAB_SERVERS},
        }
        self.inventory_file.write_text(_filled("inventory.toml", values), encoding="utf-8")
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(_filled("supervisord.conf", values), encoding="utf-8")
        return path

    def _log_of(self, server: LabServer) -> Path:
        return self._folder / "logs" / f"{server.server_id}.log"

    def _wait_until(self, has_happened: Callable[[], bool], what: str, *, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while not has_happened():
            supervisord = self._supervisord
            if supervisord is None or supervisord.poll() is not None:
                raise ConfigurationError(f"supervisord ended while waiting for {what}; see the logs in {self._folder}.")
            if time.monotonic() > deadline:
                raise ConfigurationError(f"Waited in vain for {what}; see the logs in {self._folder}.")
            time.sleep(_POLL_SECONDS)

    def _is_up(self) -> bool:
        return all(
            self._state_of(server.server_id) == "RUNNING" and _listens(self._ports[server.server_id])
            for server in LAB_SERVERS
        )

    def _is_in_trouble(self) -> bool:
        has_shown = all(
            server.sign_of_trouble in self._log_of(server).read_text(encoding="utf-8", errors="replace")
            for server in LAB_SERVERS
        )
        return has_shown and self._state_of("cache-server-05") == "EXITED"

    def _state_of(self, server_id: str) -> str:
        try:
            return self._api.program_info(server_id).statename
        except SourceUnavailable:
            return ""

    def _send(
        self,
        server_id: str,
        paths: Sequence[str],
        body: bytes = b"",
        *,
        timeout_seconds: float = _REQUEST_TIMEOUT_SECONDS,
    ) -> None:
        for path in paths:
            connection = http.client.HTTPConnection("127.0.0.1", self._ports[server_id], timeout=timeout_seconds)
            # A request that does its harm is not answered; whether it did is seen in the server's log.
            with suppress(OSError, http.client.HTTPException), closing(connection):
                connection.request("POST" if body else "GET", path, body)
                connection.getresponse().read()


def _filled(name: str, values: Mapping[str, str]) -> str:
    return Template((_SCRIPT.parent / f"{name}.template").read_text(encoding="utf-8")).substitute(values)


def _require_parts() -> None:
    if not _SCRIPT.is_file():
        raise ConfigurationError(
            f"The lab fleet is part of a checkout, and {_SCRIPT} is missing: clone the repository."
        )
    if missing := [name for name in ("psutil", "supervisor") if importlib.util.find_spec(name) is None]:
        raise ConfigurationError(f"The lab fleet needs {' and '.join(missing)}: pip install 'firstline[demo]'")


def _start_supervisord(configuration: Path) -> "subprocess.Popen[bytes]":
    with configuration.with_name("supervisord.err").open("wb") as errors:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and configuration file
            [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", configuration],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the same lines as in its log file
            stderr=errors,
            cwd=configuration.parent,
            start_new_session=True,  # a Ctrl-C in the terminal is for us; and the session finds every server again
        )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _kill_servers(*, session: int) -> None:
    """Kill the servers that supervisord left, as it does when it is killed itself, and wait until they are gone."""
    import psutil  # noqa: PLC0415 - an extra; `start` made sure of it

    left = [process for process in psutil.process_iter() if _is_server(process, session=session)]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=_KILL_TIMEOUT_SECONDS)


def _is_server(process: "psutil.Process", *, session: int) -> bool:
    import psutil  # noqa: PLC0415 - an extra; `start` made sure of it

    try:
        return os.getsid(process.pid) == session and str(_SCRIPT) in process.cmdline()
    except (OSError, psutil.Error):
        return False
