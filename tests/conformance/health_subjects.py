"""Every health source in its surroundings, each well and in the same kinds of trouble."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conformance.subjects import (
    CLOCK,
    MISSING,
    PATIENCE_SECONDS,
    SERVER_ID,
    HealthSubject,
    SshSite,
    lab_fleet,
    recorded_server,
    running_ssh_site,
    server_of,
    silent_port,
    supervised_at,
)
from tests.conformance.talkers import talking
from tests.conformance.web_health_subjects import by_http, by_prometheus, docked, in_kubernetes
from tests.fakes import FakeClock, FakeServer
from tests.target.sshd import free_port
from worker.infrastructure.ssh_health import SshHealth
from worker.ports import HealthSource

__all__ = ["HEALTH", "REAL_HEALTH"]

_RECORDED = {"status": "running", "cpu_percent": 12.5, "memory_percent": 40, "threads": 8}


@contextmanager
def faked(folder: Path) -> Iterator[HealthSubject]:
    clock = FakeClock()
    server = FakeServer(clock, sick_cpu=5.0)
    missing = FakeServer(clock, health_failure=f"Nobody knows {MISSING}.")
    yield HealthSubject(
        source=server,
        missing=missing,
        unreachable=missing,
        silent=None,
        from_the_future=None,
        server_id=server.as_server().server_id,
        clock=clock,
    )


@contextmanager
def replayed(folder: Path) -> Iterator[HealthSubject]:
    server = recorded_server(folder, SERVER_ID, health=json.dumps(_RECORDED))
    missing = recorded_server(folder, MISSING, health="")
    (folder / "replay" / MISSING / "health.json").unlink()
    early = recorded_server(folder, "early", health=json.dumps(_RECORDED))
    restart = {"at": f"{CLOCK.now() + timedelta(hours=1)}", "incident_id": "i", "fence": 1, "server_id": "early"}
    (folder / "replay" / "early" / "restarts.jsonl").write_text(json.dumps(restart) + "\n")
    yield HealthSubject(
        source=server.health,
        missing=missing.health,
        unreachable=missing.health,
        silent=None,
        from_the_future=early.health,
        figures=frozenset({"threads"}),
        tells_why_no_start=False,  # it was not restarted yet, as its recording has it
    )


@contextmanager
def supervised(folder: Path) -> Iterator[HealthSubject]:
    with (
        lab_fleet(folder) as (_, inventory),
        silent_port() as port,
        talking(b" ", pause_seconds=0.05) as slow,
        talking(b" " * 65_536, pause_seconds=0) as endless,
    ):
        yield HealthSubject(
            source=server_of(inventory, "web-server-03").health,
            missing=server_of(inventory, MISSING).health,
            unreachable=supervised_at(free_port()),
            silent=supervised_at(port),
            slow=supervised_at(slow.port),
            endless=supervised_at(endless.port),
            taken_bytes=lambda: endless.taken_bytes,
            from_the_future=None,  # the time of a start is the system's own
            server_id="web-server-03",
            system="supervisord",
            figures=frozenset({"memory_mib", "threads", "open_files", "uptime_seconds", "supervisord_state"}),
        )


_SYSTEMCTL = """#!/bin/sh
case "$2" in
web.service) started_ago=60;;
future.service) started_ago=-3600;;
slow.service) while printf x; do sleep 0.05; done;;
endless.service) exec yes;;
*) echo LoadState=not-found; echo ActiveState=inactive; exit 0;;
esac
echo LoadState=loaded; echo ActiveState=active; echo NRestarts=2
awk -v ago="$started_ago" '{printf "ExecMainStartTimestampMonotonic=%.0f\\n", ($1 - ago) * 1e6}' /proc/uptime
"""


@contextmanager
def over_ssh(folder: Path) -> Iterator[HealthSubject]:
    if sys.platform != "linux":
        pytest.skip("reads /proc")

    def health(site: SshSite, server_id: str, unit: str, *, port: int | None = None) -> HealthSource:
        ssh = site.host(port=port, timeout_seconds=PATIENCE_SECONDS if port or unit == "slow.service" else 20)
        return SshHealth(server_id, ssh=ssh, unit=unit, clock=CLOCK)

    with running_ssh_site(folder) as site, silent_port() as port:
        site.install("systemctl", _SYSTEMCTL)
        yield HealthSubject(
            source=health(site, SERVER_ID, "web.service"),
            missing=health(site, MISSING, "other.service"),
            unreachable=health(site, MISSING, "web.service", port=free_port()),
            silent=health(site, MISSING, "web.service", port=port),
            slow=health(site, SERVER_ID, "slow.service"),
            endless=health(site, SERVER_ID, "endless.service"),
            from_the_future=health(site, SERVER_ID, "future.service"),
            system="ssh to 127.0.0.1",
            figures=frozenset({"restarts_by_systemd"}),
        )


HEALTH: Mapping[str, Callable[[Path], AbstractContextManager[HealthSubject]]] = {
    "fake": faked,
    "replay": replayed,
    "supervisord": supervised,
    "ssh": over_ssh,
    "prometheus": by_prometheus,
    "docker": docked,
    "kubernetes": in_kubernetes,
    "http": by_http,
}
REAL_HEALTH = frozenset({"supervisord", "ssh", "prometheus"})
