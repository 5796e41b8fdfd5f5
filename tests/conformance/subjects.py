"""What the suites of adapters share: the ways into trouble that every source has, and the parts to make a subject of.

A subject is one adapter in its surroundings: a real server on loopback where there is one, else a stand-in that keeps
the documented exchange. Health, logs and restarts have a family of subjects each.
"""

import getpass
import shlex
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.conformance.talkers import Talker, talking
from tests.fakes import an_incident
from tests.infrastructure.demo_extra import require_demo_extra
from tests.target.sshd import free_port, make_keys, pin, require_sshd, running_sshd
from worker.clock import SystemClock
from worker.errors import SourceUnavailable
from worker.infrastructure import Inventory
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.ssh import SshHost
from worker.infrastructure.web_api import WebApi
from worker.lab import LabFleet
from worker.ports import Clock, HealthSource, RestartOrder, Server

if TYPE_CHECKING:
    from worker.infrastructure.supervisord import SupervisedProgram

__all__ = [
    "CLOCK",
    "MISSING",
    "PATIENCE_SECONDS",
    "READS",
    "SERVER_ID",
    "SLACK_SECONDS",
    "HealthSubject",
    "SshSite",
    "an_order",
    "api_at",
    "client_of",
    "lab_fleet",
    "parameters",
    "recorded_server",
    "running_ssh_site",
    "server_of",
    "silent_port",
    "silent_socket",
    "supervised_at",
    "talking_ways",
    "unavailable",
    "web_ways",
]

CLOCK = SystemClock()
SERVER_ID, MISSING = "web-01", "broken"
"""A server that is well, and one whose target does not exist."""

PATIENCE_SECONDS = 0.5
"""The time limit of reads that get no answer, which is the inventory's to set."""

SLACK_SECONDS = 4.0
"""What a busy machine, and a second try of a read, may take beside it."""

READS = 'PATH={path}:$PATH /bin/sh -c \\"$SSH_ORIGINAL_COMMAND\\"'
"""A forced command that runs what it is told: root may come by a forced command only."""


def parameters(
    builders: Mapping[str, Callable[[Path], AbstractContextManager[Any]]], *, real: frozenset[str]
) -> list[Any]:
    """Return one parameter for each subject; those on real servers are marked."""
    marked = {name: [pytest.mark.integration] if name in real else [] for name in builders}
    return [pytest.param(builder, id=name, marks=marked[name]) for name, builder in builders.items()]


def unavailable(use: Callable[[], object], *, named: str) -> SourceUnavailable:
    """Return how it fails: in one sentence that names the server or its source."""
    with pytest.raises(SourceUnavailable) as raised:
        use()
    sentence = str(raised.value)
    assert named in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return raised.value


def an_order(clock: Clock, *, fence: int = 1, seconds_left: float = 30) -> RestartOrder:
    return RestartOrder(
        incident_id=f"inc-{fence}",
        fence=fence,
        not_after=clock.now() + timedelta(seconds=max(seconds_left, 30)),
        give_up_at=clock.monotonic_seconds() + seconds_left,
    )


@contextmanager
def client_of(path: Path | None = None) -> Iterator[httpx2.Client]:
    """Give an HTTP client, of the unix socket at `path` where there is one."""
    transport = None if path is None else httpx2.HTTPTransport(uds=str(path))
    with httpx2.Client(transport=transport, trust_env=False) as client:
        yield client


def api_at(url: str, client: httpx2.Client, *, name: str, timeout_seconds: float = 10) -> WebApi:
    breaker = CircuitBreaker(name, CLOCK)
    return WebApi(name, url, client=client, breaker=breaker, timeout_seconds=timeout_seconds)


def web_ways(stack: ExitStack, url: str, *, name: str) -> tuple[WebApi, WebApi, WebApi]:
    """Return the way to a system, to a port where nothing is, and to one that never answers."""
    client = stack.enter_context(client_of())
    port = stack.enter_context(silent_port())
    return (
        api_at(url, client, name=name),
        api_at(f"http://127.0.0.1:{free_port()}", client, name=name),
        api_at(f"http://127.0.0.1:{port}", client, name=name, timeout_seconds=PATIENCE_SECONDS),
    )


def talking_ways(stack: ExitStack, *, name: str) -> tuple[WebApi, WebApi, Talker]:
    """Return the way to a system that answers slowly, and to one that answers without end, which counts."""
    client = stack.enter_context(client_of())
    slow = stack.enter_context(talking(b" ", pause_seconds=0.05))
    endless = stack.enter_context(talking(b" " * 65_536, pause_seconds=0))
    return (
        api_at(f"http://127.0.0.1:{slow.port}", client, name=name, timeout_seconds=PATIENCE_SECONDS),
        api_at(f"http://127.0.0.1:{endless.port}", client, name=name),
        endless,
    )


@contextmanager
def silent_port() -> Iterator[int]:
    """Give a port that takes connections and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        yield silent.getsockname()[1]


@contextmanager
def silent_socket(path: Path) -> Iterator[Path]:
    """Keep the same at a path."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen(64)
        yield path


def recorded_server(folder: Path, server_id: str, *, health: str, log: str = "") -> Server:
    """Record one server, and return it as the inventory makes it."""
    recording = folder / "replay" / server_id
    recording.mkdir(parents=True)
    (recording / "health.json").write_text(health)
    (recording / "service.log").write_text(log)
    inventory = folder / f"{server_id}.toml"
    inventory.write_text(
        '[systems.recorded]\nkind = "replay"\nfolder = "replay"\n'
        f'[servers.{server_id}]\nservice = "web"\nsystem = "recorded"\n'
    )
    return server_of(Inventory.load(inventory, CLOCK), server_id)


def server_of(inventory: Inventory, server_id: str) -> Server:
    server = inventory.server_of(an_incident(server_id=server_id))
    assert isinstance(server, Server)
    return server


@contextmanager
def lab_fleet(folder: Path) -> Iterator[tuple[LabFleet, Inventory]]:
    """Give the lab under its supervisord, with a server beside it whose program nobody knows."""
    require_demo_extra("psutil", "supervisor")
    with LabFleet(folder) as lab:
        path = lab.inventory_file.with_name("with_broken.toml")
        path.write_text(lab.inventory_file.read_text() + f'[servers.{MISSING}]\nservice = "web"\nsystem = "lab"\n')
        yield lab, Inventory.load(path, CLOCK, environment=lab.environment)


@dataclass(frozen=True, kw_only=True)
class HealthSubject:
    """One adapter: well, and in trouble. None stands for a trouble that it can't have."""

    source: HealthSource
    missing: HealthSource
    """Its target does not exist."""
    unreachable: HealthSource | None
    """Nothing is where its system should be."""
    silent: HealthSource | None
    """Its system takes the question and never answers."""
    slow: HealthSource | None = None
    """Its system answers a byte at a time."""
    endless: HealthSource | None = None
    """Its system answers without end, as fast as it is taken."""
    taken_bytes: Callable[[], int] = lambda: 0
    """How much of that was taken."""
    from_the_future: HealthSource | None
    """By its system, the service starts in an hour."""
    server_id: str = SERVER_ID
    clock: Clock = CLOCK
    named: str = MISSING
    """What the sentence about a missing target names: the server, or the system that was asked about it."""
    system: str = ""
    """What the sentences about a system in trouble name."""
    age_seconds: float = 0.0
    """How old at least what was measured is, by its system's own account."""
    oldest_seconds: float = 0.0
    """How far a reading may lie back, by the age of what was measured."""
    figures: frozenset[str] = frozenset()
    """Words and numbers of the system's own that are always among what it tells."""
    tells_why_no_start: bool = True
    tells_cpu_and_memory: bool = True


def supervised_at(port: int, *, restart_seconds: float = 10) -> "SupervisedProgram":
    """Return the program that nobody knows, of a supervisord that may be none."""
    from worker.infrastructure.supervisord import SupervisedProgram  # noqa: PLC0415 - psutil is an extra
    from worker.infrastructure.supervisord_api import SupervisordApi  # noqa: PLC0415 - goes with it

    url = f"http://127.0.0.1:{port}/RPC2"
    api = SupervisordApi(url, username="x", password="x", read_timeout_seconds=PATIENCE_SECONDS)
    return SupervisedProgram(
        MISSING, program=MISSING, api=api, memory_limit_bytes=None, restart_seconds=restart_seconds, clock=CLOCK
    )


@dataclass(frozen=True, kw_only=True)
class SshSite:
    """A host behind an sshd of its own; what is in `programs` is found first there."""

    folder: Path
    port: int

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    def host(self, *, key: str = "look", port: int | None = None, timeout_seconds: float = 20) -> SshHost:
        """Return the way to it, or to another port of loopback that claims to be it."""
        if port is not None:
            pinned = (self.folder / "known_hosts").read_text()
            other = pinned.replace(f":{self.port} ", f":{port} ")
            (self.folder / f"known_hosts_{port}").write_text(other)
        return SshHost(
            "ssh to 127.0.0.1",
            host="127.0.0.1",
            port=port or self.port,
            user=getpass.getuser(),
            identity_file=self.folder / key,
            known_hosts_file=self.folder / (f"known_hosts_{port}" if port else "known_hosts"),
            breaker=CircuitBreaker("ssh to 127.0.0.1", CLOCK),
            timeout_seconds=timeout_seconds,
        )

    def install(self, name: str, script: str) -> None:
        """Put a program on the host, in the place of the system's own."""
        (self.programs / name).write_text(script)
        (self.programs / name).chmod(0o755)


@contextmanager
def running_ssh_site(folder: Path, *, restart_command: list[str] | None = None) -> Iterator[SshSite]:
    """Keep a host with two keys: `look` runs what it is told, `key` runs the restart command alone."""
    require_sshd()
    make_keys(folder, "key", "look", "host_key")
    (folder / "programs").mkdir()
    look = f'command="{READS.format(path=folder / "programs")}",restrict {(folder / "look.pub").read_text()}'
    restart = f'command="{shlex.join(restart_command or ["false"])}",restrict {(folder / "key.pub").read_text()}'
    (folder / "authorized_keys").write_text(look + restart)
    with running_sshd(folder) as port:
        pin(folder, port, "host_key")
        yield SshSite(folder=folder, port=port)
