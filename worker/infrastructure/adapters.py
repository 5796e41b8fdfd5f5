"""Which adapter reaches a server: the tables of the inventory become health, logs and a service manager.

The only place of this room that names the adapters; those that need an extra are imported when a table names them. It
connects to nothing. Called by `Inventory`, by any number of threads.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol, assert_never

from worker.errors import ConfigurationError, OrderRefused
from worker.infrastructure.connections import Connections
from worker.infrastructure.docker import DockerContainer
from worker.infrastructure.http_health import HttpHealth
from worker.infrastructure.inventory_systems import (
    DockerSystem,
    FilesSystem,
    HttpSystem,
    KubernetesSystem,
    LokiSystem,
    PrometheusSystem,
    ReplaySystem,
    SshSystem,
    SupervisordSystem,
    System,
)
from worker.infrastructure.inventory_tables import InventoryFile, Role, ServerTable
from worker.infrastructure.kubernetes import KubernetesDeployment
from worker.infrastructure.log_files import PlainLogFile
from worker.infrastructure.loki import LokiLogs
from worker.infrastructure.prometheus import PrometheusHealth
from worker.infrastructure.replay import ReplayedServer
from worker.infrastructure.ssh import SshHost
from worker.infrastructure.ssh_health import SshHealth
from worker.infrastructure.ssh_logs import SshJournal, SshLogFile
from worker.infrastructure.ssh_restart import SshRestart
from worker.ports import Clock, HealthSource, LogSource, RestartOrder, ServiceManager

__all__ = ["Adapters"]

_MIB: Final = 1_048_576


class _AllInOne(HealthSource, LogSource, ServiceManager, Protocol):
    """Health, logs and restart by one adapter."""


class Adapters:
    """The adapters of one inventory's servers; their connections are shared."""

    def __init__(self, inventory: InventoryFile, *, clock: Clock, environment: Mapping[str, str]) -> None:
        self._inventory = inventory
        self._clock = clock
        self._environment = environment
        self._connections = Connections(inventory.path.parent, clock=clock, environment=environment)

    def close(self) -> None:
        """Close the connections to HTTP systems, once nobody asks any more."""
        self._connections.close()

    def health_of(self, server_id: str, table: ServerTable) -> HealthSource:
        """Return where the server's health is read."""
        name, system = self._system(table, Role.HEALTH)
        if isinstance(system, SshSystem):
            ssh = self._reading_host(name, system, table)
            return SshHealth(server_id, ssh=ssh, unit=table.unit or "", clock=self._clock)
        if isinstance(system, HttpSystem):
            api, path = self._connections.endpoint(name, system, table.health_url or "")
            return HttpHealth(server_id, api=api, path=path, clock=self._clock)
        if not isinstance(system, PrometheusSystem):
            return self._all_in_one(server_id, table, name, system)
        return PrometheusHealth(
            server_id,
            api=self._connections.system(name, system),
            selector=table.metrics or "",
            exporter=table.exporter,
            unit=table.unit,
            error_rate=table.error_rate,
            clock=self._clock,
        )

    def logs_of(self, server_id: str, table: ServerTable) -> LogSource:
        """Return where the server's log is read."""
        name, system = self._system(table, Role.LOGS)
        if isinstance(system, FilesSystem):
            return PlainLogFile(server_id, path=Path(table.log_path or ""), clock=self._clock)
        if isinstance(system, SshSystem):
            return self._logs_over_ssh(server_id, table, name, system)
        if isinstance(system, LokiSystem):
            selector = table.log_selector or ""
            return LokiLogs(server_id, api=self._connections.system(name, system), selector=selector, clock=self._clock)
        return self._all_in_one(server_id, table, name, system)

    def service_manager_of(self, server_id: str, table: ServerTable) -> ServiceManager:
        """Return what restarts the server; where the inventory names nothing, one that refuses."""
        if self._inventory.system_of(table, Role.RESTART) is None:
            return _NoServiceManager(server_id)
        name, system = self._system(table, Role.RESTART)
        if not isinstance(system, SshSystem):
            return self._all_in_one(server_id, table, name, system)
        if system.restart_identity_file is None:
            return _NoServiceManager(server_id)
        ssh = self._connections.host(
            name, system, table.host or "", user=system.restart_user, identity_file=system.restart_identity_file
        )
        return SshRestart(
            server_id,
            ssh=ssh,
            restart_seconds=system.restart_timeout_seconds,
            clock=self._clock,
            unit=table.unit,
        )

    def _system(self, table: ServerTable, role: Role) -> tuple[str, System]:
        name = table.system_of(role) or ""
        return name, self._inventory.systems[name]

    def _all_in_one(self, server_id: str, table: ServerTable, name: str, system: System) -> _AllInOne:
        """Return the one adapter of a system that has health, logs and restart together."""
        match system:
            case ReplaySystem():
                folder = self._inventory.replay_folder(system, server_id)
                return ReplayedServer(server_id, folder=folder, clock=self._clock)
            case SupervisordSystem():
                return self._supervised(server_id, table, system)
            case DockerSystem():
                return DockerContainer(
                    server_id,
                    container=table.container or "",
                    api=self._connections.docker(name, system),
                    restart_seconds=system.restart_timeout_seconds,
                    clock=self._clock,
                )
            case KubernetesSystem():
                return KubernetesDeployment(
                    server_id,
                    namespace=table.namespace or "",
                    deployment=table.deployment or "",
                    needed_ready=table.needed_ready,
                    api=self._connections.system(name, system),
                    restart_seconds=system.restart_timeout_seconds,
                    clock=self._clock,
                )
            case FilesSystem() | PrometheusSystem() | LokiSystem() | HttpSystem() | SshSystem():
                raise AssertionError(f"{name} has no adapter for this role")  # the inventory's check has refused it
            case _:
                assert_never(system)

    def _supervised(self, server_id: str, table: ServerTable, system: SupervisordSystem) -> _AllInOne:
        try:
            from worker.infrastructure.supervisord import SupervisedProgram  # noqa: PLC0415 - psutil is an extra
            from worker.infrastructure.supervisord_api import SupervisordApi  # noqa: PLC0415 - goes with it
        except ImportError as error:
            raise ConfigurationError(
                f"The system of {server_id} is supervisord, which needs psutil: pip install 'firstline[demo]'"
            ) from error
        password = self._environment[system.password_env]
        return SupervisedProgram(
            server_id,
            program=table.program or server_id,
            api=SupervisordApi(str(system.url), username=system.username, password=password),
            memory_limit_bytes=None if table.memory_limit_mib is None else int(table.memory_limit_mib * _MIB),
            restart_seconds=system.restart_timeout_seconds,
            clock=self._clock,
        )

    def _logs_over_ssh(self, server_id: str, table: ServerTable, name: str, system: SshSystem) -> LogSource:
        ssh = self._reading_host(name, system, table)
        if table.log_path is not None:
            return SshLogFile(server_id, ssh=ssh, path=table.log_path, clock=self._clock)
        return SshJournal(server_id, ssh=ssh, unit=table.unit or "", clock=self._clock)

    def _reading_host(self, name: str, system: SshSystem, table: ServerTable) -> SshHost:
        user, identity_file = system.user or "", system.identity_file or Path()
        return self._connections.host(name, system, table.host or "", user=user, identity_file=identity_file)


class _NoServiceManager:
    """Stands where the inventory names no way to restart: it refuses, always."""

    def __init__(self, server_id: str) -> None:
        self._server_id = server_id

    @property
    def restart_seconds(self) -> float:
        return 0.0

    def check(self) -> str:
        return "no way is named"

    def restart(self, order: RestartOrder) -> None:
        raise OrderRefused(f"The inventory names no way to restart {self._server_id}; nothing was restarted.")
