"""The inventory's tables as types: the systems that servers are reached by, and what is said of a server.

Forms only: what one table says of another is checked in `inventory_mistakes.py`. Nothing here connects to anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints

from worker.terms import RestartPolicy

__all__ = [
    "ABILITIES",
    "OPTIONAL_KEYS",
    "FilesSystem",
    "InventoryFile",
    "LokiSystem",
    "PrometheusSystem",
    "ReplaySystem",
    "Role",
    "ServerTable",
    "SshSystem",
    "SupervisordSystem",
    "System",
    "WebSystem",
    "WindowTable",
]

_Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:][A-Za-z0-9.:_-]*$", max_length=253)]
_Unit = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:_.@-]*\.service$", max_length=200)]
_SshUser = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=64)]
_RestartSeconds = Annotated[float, Field(ge=5, le=150)]
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
    "files": {Role.LOGS: frozenset({"log_path"})},
    "ssh": {
        Role.HEALTH: frozenset({"host", "unit"}),
        Role.LOGS: frozenset({"host"}),  # and a log_path, or a unit for its journal
        Role.RESTART: frozenset({"host"}),
    },
}
"""What each kind of system can do, and the server's keys that it needs for it."""

OPTIONAL_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "supervisord": frozenset({"program", "memory_limit_mib"}),
    "prometheus": frozenset({"exporter", "unit"}),
    "ssh": frozenset({"log_path", "unit"}),
}


def _is_loopback_address(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _on_loopback(url: HttpUrl) -> HttpUrl:
    host = (url.host or "").strip("[]")
    if host != "localhost" and not _is_loopback_address(host):
        raise ValueError("must be on loopback: health is measured on this machine's own processes")
    return url


def _without_credentials(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("must hold no credentials: use `username` and `password_env`, or `token_env`")
    return url


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SupervisordSystem(_Table):
    """A supervisord on this machine; `password_env` names the environment variable that holds the password.

    Each kind's `restart_timeout_seconds` is how long its service manager is waited for.
    """

    kind: Literal["supervisord"]
    url: Annotated[HttpUrl, AfterValidator(_on_loopback), AfterValidator(_without_credentials)]
    username: _Name
    password_env: _Name
    restart_timeout_seconds: _RestartSeconds = 30.0


class ReplaySystem(_Table):
    """Recordings: `folder`, relative to the inventory's own, has one folder a server."""

    kind: Literal["replay"]
    folder: Path


class FilesSystem(_Table):
    """Plain log files on this machine, or mounted on it."""

    kind: Literal["files"]


class WebSystem(_Table):
    """A system behind an HTTP API: environment variables that hold its credentials, and a CA file of its own."""

    url: Annotated[HttpUrl, AfterValidator(_without_credentials)]
    username: _Name | None = None
    password_env: _Name | None = None
    token_env: _Name | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    timeout_seconds: Annotated[float, Field(ge=0.1, le=30)] = 3.0


class PrometheusSystem(WebSystem):
    """A Prometheus, or whatever answers its query API."""

    kind: Literal["prometheus"]


class LokiSystem(WebSystem):
    """A Grafana Loki; `tenant` is its X-Scope-OrgID."""

    kind: Literal["loki"]
    tenant: _Name | None = None


class SshSystem(_Table):
    """Servers behind sshd: a user who reads, and one whose key runs the command of deploy/target and nothing else."""

    kind: Literal["ssh"]
    user: _SshUser | None = None
    identity_file: Path | None = None
    restart_user: _SshUser = "firstline"
    restart_identity_file: Path | None = None
    known_hosts_file: Path
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    timeout_seconds: Annotated[float, Field(ge=0.1, le=30)] = 5.0
    restart_timeout_seconds: _RestartSeconds = 60.0


System = SupervisordSystem | ReplaySystem | FilesSystem | PrometheusSystem | LokiSystem | SshSystem


class WindowTable(_Table):
    """A maintenance window; without `days` it comes every day. A time is of the inventory's `time_zone`."""

    begins: time
    ends: time
    days: frozenset[_Day] | None = None


class ServerTable(_Table):
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
    dependencies: tuple[_Name, ...] = ()
    maintenance: tuple[WindowTable, ...] = ()
    cooldown_seconds: Annotated[float, Field(ge=0, le=604_800)] | None = None
    server_restarts: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    server_window_seconds: Annotated[float, Field(gt=0, le=604_800)] | None = None

    program: Annotated[str, StringConstraints(pattern=r"^[^\s:*]+(:[^\s:*]+)?$", max_length=253)] | None = None
    memory_limit_mib: Annotated[float, Field(gt=0)] | None = None
    host: _Host | None = None
    unit: _Unit | None = None
    metrics: _Words | None = None
    log_selector: _Words | None = None
    exporter: Literal["node", "cadvisor", "kube_state"] = "node"
    log_path: Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f]*$", max_length=1000)] | None = None

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
