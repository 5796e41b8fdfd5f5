"""What a row of the matrix stands on: kinds of servers, limits, and how its workers differ from the product's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.endpoint import Manner
from tests.faults.fenced import install_fence
from tests.faults.ledger import Limits
from tests.house import SICK, WELL, record, write_house

__all__ = ["GENEROUS", "WORKERS", "Servers", "Setup", "server_name", "write_servers"]

WORKERS: Final = 2
_THREADS: Final = 4
_GUARD_LEASE_SECONDS: Final = 5

GENEROUS: Final = Limits(
    cooldown_seconds=2,
    server_restarts=10_000,
    server_window_seconds=3600,
    fleet_restarts=100_000,
    fleet_window_seconds=600,
    fleet_concurrency=10_000,
)
_RATE_LIMITS: Final = "".join(
    f"[rate_limits.{tool}]\nper_server = 100000\nfleet = 1000000\n"
    for tool in ("get_server_health", "fetch_recent_logs", "restart_service")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """A kind of recorded server: how many there are, how a restart of one goes, and whether it helps.

    A fenced one is restarted through the host's own restart command; one with an `approver` with that person's word.
    """

    number: int
    restart_seconds: float = 0.2
    fails: str | None = None
    health: Mapping[str, object] = field(default_factory=lambda: SICK)
    is_cured: bool = True
    is_fenced: bool = False
    approver: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """What rows with the same needs share. `worker_clocks` has one clock a worker; `faults` are `FaultSettings`."""

    servers: Mapping[str, Servers]
    limits: Limits = GENEROUS
    manner: Manner | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    faults: Mapping[str, object] = field(default_factory=dict)
    worker_clocks: tuple[str, ...] = ("right",) * WORKERS
    trip_after: int = 1_000_000
    """By default the kill switch sleeps: most rows have restarts that help nobody."""
    settle_seconds: float = 75.0


def server_name(kind: str, number: int) -> str:
    """Return the name of one server of a kind."""
    return f"{kind}-{number:03}"


def write_servers(folder: Path, setup: Setup) -> dict[str, Any]:
    """Write every server of a setup, the inventory and the policy into a folder; return the settings."""
    services, approver_of = {}, {}
    for kind, servers in setup.servers.items():
        for number in range(servers.number):
            server_id = server_name(kind, number)
            services[server_id] = "payments"
            if servers.approver is not None:
                approver_of[server_id] = servers.approver
            _write_server(folder / server_id, servers)
    policy = _policy(setup.limits, setup.trip_after)
    return write_house(folder, services, policy=policy, approver_of=approver_of) | {
        "verification_interval_seconds": 0.05,
        "verification_hold_seconds": 0.15,
        "verification_timeout_seconds": 0.6,
        "worker_concurrency": _THREADS,
    }


def _write_server(folder: Path, servers: Servers) -> None:
    after = WELL if servers.is_cured else None
    record(folder, servers.health, "WARNING request threads hung\n", after_restart=after)
    manner = {"seconds": servers.restart_seconds, "fails": servers.fails}
    (folder / "restart.json").write_text(json.dumps(manner))
    if servers.is_fenced:
        install_fence(folder, restart_seconds=servers.restart_seconds)


def _policy(limits: Limits, trip_after: int) -> str:
    lines = {
        "cooldown_seconds": limits.cooldown_seconds,
        "server_restarts": limits.server_restarts,
        "server_window_seconds": limits.server_window_seconds,
        "fleet_restarts": limits.fleet_restarts,
        "fleet_window_seconds": limits.fleet_window_seconds,
        "fleet_concurrency": limits.fleet_concurrency,
        "lease_seconds": _GUARD_LEASE_SECONDS,
        "trip_after": trip_after,
    }
    return "\n".join([*(f"{name} = {value}" for name, value in lines.items()), _RATE_LIMITS])
