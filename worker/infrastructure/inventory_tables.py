"""The inventory's tables as types: what is said of a server, and the whole file.

Forms only: what one table says of another is checked in `inventory_mistakes.py`. Nothing here connects to anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

from worker.infrastructure.inventory_forms import (
    ContainerName,
    Host,
    KubernetesName,
    LogPath,
    ProgramName,
    Seconds,
    Unit,
    Url,
    WallTime,
    in_form,
)
from worker.infrastructure.inventory_systems import ReplaySystem, System, Table
from worker.terms import RestartPolicy

__all__ = [
    "ABILITIES",
    "OPTIONAL_KEYS",
    "InventoryFile",
    "Role",
    "ServerTable",
    "WindowTable",
]

_Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Person = Annotated[str, in_form(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}", "is no name of an account")]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Role(StrEnum):
    """What a system does for a server."""

    HEALTH = "health"
    LOGS = "logs"
    RESTART = "restart"


ABILITIES: Final[Mapping[str, Mapping[Role, frozenset[str]]]] = {
    "supervisord": {Role.HEALTH: frozenset(), Role.LOGS: frozenset(), Role.RESTART: frozenset()},
    "replay": {Role.HEALTH: frozenset(), Role.LOGS: frozenset(), Role.RESTART: frozenset()},
    "prometheus": {Role.HEALTH: frozenset({"metrics"})},
    "loki": {Role.LOGS: frozenset({"log_selector"})},
    "http": {Role.HEALTH: frozenset({"health_url"})},
    "files": {Role.LOGS: frozenset({"log_path"})},
    "docker": dict.fromkeys(Role, frozenset({"container"})),
    "kubernetes": dict.fromkeys(Role, frozenset({"namespace", "deployment"})),
    "ssh": {
        Role.HEALTH: frozenset({"host", "unit"}),
        Role.LOGS: frozenset({"host"}),  # and a log_path, or a unit for its journal
        Role.RESTART: frozenset({"host"}),
    },
}
"""What each kind of system can do, and the server's keys that it needs for it."""

OPTIONAL_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "supervisord": frozenset({"program", "memory_limit_mib"}),
    "prometheus": frozenset({"exporter", "unit", "error_rate"}),
    "kubernetes": frozenset({"needed_ready"}),
    "ssh": frozenset({"log_path", "unit"}),
}


class WindowTable(Table):
    """A maintenance window; without `days` it comes every day. A time is of the inventory's `time_zone`."""

    begins: WallTime
    ends: WallTime
    days: Annotated[frozenset[_Day], Field(min_length=1)] | None = None


class ServerTable(Table):
    """One server: `system` stands for all of `health`, `logs` and `restart` that are not named on their own.

    The three limits are this server's own, in the place of the policy file's. What follows them are addresses; each
    kind of system needs its own (`ABILITIES`, `OPTIONAL_KEYS`).
    `program` names exactly one program: supervisord's `group:*` would restart more than this server.
    """

    service: _Name
    system: _Name | None = None
    health: _Name | None = None
    logs: _Name | None = None
    restart: _Name | None = None
    restart_policy: RestartPolicy = RestartPolicy.NEVER
    owner: _Name | None = None
    tier: _Name | None = None
    approvers: tuple[_Person, ...] = ()
    dependencies: tuple[_Name, ...] = ()
    maintenance: tuple[WindowTable, ...] = ()
    cooldown_seconds: Annotated[Seconds, Field(ge=0)] | None = None
    server_restarts: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    server_window_seconds: Annotated[Seconds, Field(gt=0)] | None = None

    program: ProgramName | None = None
    memory_limit_mib: Annotated[float, Field(strict=True, gt=0)] | None = None
    host: Host | None = None
    unit: Unit | None = None
    metrics: _Words | None = None
    log_selector: _Words | None = None
    exporter: Literal["node", "cadvisor", "kube_state"] = "node"
    error_rate: _Words | None = None
    health_url: Url | None = None
    container: ContainerName | None = None
    namespace: KubernetesName | None = None
    deployment: KubernetesName | None = None
    needed_ready: Annotated[int, Field(strict=True, ge=1, le=1000)] = 2
    log_path: LogPath | None = None

    def system_of(self, role: Role) -> str | None:
        """Return the name of the system that plays a role for this server, or None."""
        named: Mapping[Role, str | None] = {
            Role.HEALTH: self.health,
            Role.LOGS: self.logs,
            Role.RESTART: self.restart,
        }
        return named[role] or self.system


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryFile:
    """A valid inventory: its path, its time zone, its systems, and its servers by name or name pattern.

    `written` are the servers' tables with those of their groups, as they stand in the file.
    """

    path: Path
    zone: ZoneInfo
    systems: Mapping[str, System]
    servers: Mapping[str, ServerTable]
    written: Mapping[str, object]

    def replay_folder(self, system: ReplaySystem, server_id: str) -> Path:
        """Return the folder of one recorded server."""
        return self.path.parent / system.folder / server_id

    def system_of(self, server: ServerTable, role: Role) -> System | None:
        """Return the system that plays a role for a server, or None where it has none that can."""
        system = self.systems.get(server.system_of(role) or "")
        return system if system is not None and role in ABILITIES[system.kind] else None
