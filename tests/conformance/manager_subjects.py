"""Every service manager in its surroundings, each with a target that counts and in the same kinds of trouble."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.conformance.ordered import ManagerSubject
from tests.conformance.subjects import (
    CLOCK,
    MISSING,
    SERVER_ID,
    SshSite,
    lab_fleet,
    recorded_server,
    running_ssh_site,
    server_of,
    supervised_at,
)
from tests.conformance.web_manager_subjects import docked, in_kubernetes
from tests.fakes import FakeClock, FakeServer
from tests.faults.proxy import Proxy
from tests.target.rig import Target
from tests.target.sshd import free_port
from worker.infrastructure.ssh_restart import SshRestart
from worker.ports import RestartOrder, ServiceManager

__all__ = ["MANAGERS", "REAL_MANAGERS"]

_WELL = json.dumps({"status": "running", "cpu_percent": 1, "memory_percent": 1})


@contextmanager
def faked(folder: Path) -> Iterator[ManagerSubject]:
    clock = FakeClock()
    server = FakeServer(clock)
    cut_off = FakeServer(clock, restart_failure="The answer was lost.", fails_after_restarting=True)
    yield ManagerSubject(
        manager=server,
        restarts=lambda: server.restarts,
        fence_reaches=False,
        missing=FakeServer(clock, restart_failure=f"Nobody knows {MISSING}."),
        unreachable=None,
        cut_off=cut_off,
        cut_off_restarts=lambda: cut_off.restarts,
        health=server,
        clock=clock,
    )


@contextmanager
def replayed(folder: Path) -> Iterator[ManagerSubject]:
    server, missing, cut_off = (
        recorded_server(folder, server_id, health=_WELL) for server_id in (SERVER_ID, MISSING, "cut")
    )
    recordings = folder / "replay"
    (recordings / "cut" / "restart.json").write_text('{"fails": "after"}')
    for file in ("health.json", "service.log"):
        (recordings / MISSING / file).unlink()
    (recordings / MISSING).rmdir()

    def noted(server_id: str) -> int:
        notes = recordings / server_id / "restarts.jsonl"
        return len(notes.read_text().splitlines()) if notes.exists() else 0

    yield ManagerSubject(
        manager=server.service_manager,
        restarts=lambda: noted(SERVER_ID),
        fence_reaches=False,
        missing=missing.service_manager,
        unreachable=None,
        cut_off=cut_off.service_manager,
        cut_off_restarts=lambda: noted("cut"),
        health=server.health,
    )


@contextmanager
def supervised(folder: Path) -> Iterator[ManagerSubject]:
    with lab_fleet(folder) as (_, inventory), _speechless_server() as (port, asked):
        server = server_of(inventory, "web-server-03")
        yield ManagerSubject(
            manager=server.service_manager,
            restarts=lambda: (folder / "supervisord.log").read_text().count("spawned: 'web-server-03'"),
            fence_reaches=False,
            missing=server_of(inventory, MISSING).service_manager,
            unreachable=supervised_at(free_port()),
            cut_off=supervised_at(port, restart_seconds=2),
            cut_off_restarts=lambda: sum(b"stopProcess" in request or b"startProcess" in request for request in asked),
            health=server.health,
            system="supervisord",
        )


@contextmanager
def _speechless_server() -> Iterator[tuple[int, list[bytes]]]:
    """Take requests, keep them, and break the connection instead of an answer."""
    asked: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join(5)


@dataclass(frozen=True, kw_only=True)
class _CutOff:
    """Orders over ssh, and breaks the connection once the restart has begun."""

    site: SshSite
    target: Target
    restart_seconds: float = 30

    def check(self) -> str:
        return "there"

    def restart(self, order: RestartOrder) -> None:
        self.target.hold.touch()
        with Proxy(self.site.port) as proxy, ThreadPoolExecutor(1) as pool:
            ssh = self.site.host(key="key", port=proxy.port)
            manager = SshRestart(SERVER_ID, ssh=ssh, restart_seconds=self.restart_seconds, clock=CLOCK)
            pending = pool.submit(manager.restart, order)
            try:
                self.target.wait_for("start")
                assert proxy.cut() == 1
                pending.result(20)
            finally:
                self.target.hold.unlink()


@contextmanager
def over_ssh(folder: Path) -> Iterator[ManagerSubject]:
    (folder / "other").mkdir()
    target, cut_off = Target(folder=folder).install(), Target(folder=folder / "other").install()

    def manager(site: SshSite, *, key: str = "key", port: int | None = None) -> ServiceManager:
        ssh = site.host(key=key, port=port)
        return SshRestart(SERVER_ID if key == "key" else MISSING, ssh=ssh, restart_seconds=30, clock=CLOCK)

    with (
        running_ssh_site(folder, restart_command=target.command()) as site,
        running_ssh_site(folder / "other", restart_command=cut_off.command()) as other,
    ):
        yield ManagerSubject(
            manager=manager(site),
            restarts=lambda: target.notes("start"),
            fence_reaches=True,
            missing=manager(site, key="look"),  # behind which no restart command stands
            unreachable=manager(site, port=free_port()),
            cut_off=_CutOff(site=other, target=cut_off),
            cut_off_restarts=lambda: cut_off.notes("start"),
            system="ssh to 127.0.0.1",
        )


MANAGERS: Mapping[str, Callable[[Path], AbstractContextManager[ManagerSubject]]] = {
    "fake": faked,
    "replay": replayed,
    "supervisord": supervised,
    "ssh": over_ssh,
    "docker": docked,
    "kubernetes": in_kubernetes,
}
REAL_MANAGERS = frozenset({"supervisord", "ssh"})
