"""The inventory: which servers there are, what runs on them, and the way to each.

It binds an incident to its one server, in code; what it can't bind with certainty it names in a sentence, and the
incident is escalated. It never guesses, and never takes a server's name from a model. Loaded once, at start-up.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self, assert_never

from worker.contract.incident import Incident
from worker.contract.text import cut_to_bytes, visible
from worker.errors import ConfigurationError
from worker.infrastructure.inventory_file import (
    InventoryFile,
    ReplaySystem,
    ServerTable,
    SupervisordSystem,
    read_inventory_file,
)
from worker.infrastructure.replay import ReplayedServer
from worker.ports import Clock, Server

__all__ = ["Inventory"]

_MIB: Final = 1_048_576
_QUOTED_NAME_BYTES: Final = 100
_NAMES_LISTED: Final = 5
_NAME_IN_TEXT: Final = re.compile(r"[\w-]+(?:\.[\w-]+)*")
"""A whole name: `payment-server-01` is not found in `payment-server-012`, nor in `payment-server-01.example.com`."""


class Inventory:
    """The servers of one inventory file. It never changes, so any number of threads may ask it at once."""

    def __init__(self, path: Path, servers: Mapping[str, Server]) -> None:
        self._path = path
        self._servers = dict(servers)
        self._names = {server_id.casefold(): server_id for server_id in servers}

    @classmethod
    def load(cls, path: Path, clock: Clock, *, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the file and make an adapter for each server; `environment` holds the passwords. Connects to nothing.

        Raises `ConfigurationError` that lists every mistake of the file.
        """
        inventory = read_inventory_file(path, environment=environment)
        servers = {
            server_id: _server(inventory, server_id, table, clock=clock, environment=environment)
            for server_id, table in inventory.servers.items()
        }
        return cls(path, servers)

    def server_of(self, incident: Incident) -> Server | str:
        """Return the server that the alert names, or that its text names alone; else the reason, as a sentence.

        A name in the text counts as a whole word in any case; a dot or a hyphen continues a word.
        """
        if incident.server_id is not None:
            return self._servers.get(incident.server_id) or (
                f'The inventory ({self._path}) has no server "{_quoted(incident.server_id)}": '
                "add it, or correct the alert."
            )
        named = self._named_in(incident.text)
        if not named:
            return (
                f"The alert names no server, and its text names none of the inventory ({self._path}): "
                "name the server in the alert, or add it to the inventory."
            )
        if len(named) > 1:
            return f"The text names several servers ({_listed(named)}): only one server is triaged in one incident."
        return self._servers[named[0]]

    def names(self) -> frozenset[str]:
        """Return the names of all servers and services, which are never masked: a model has to name its target."""
        return frozenset(self._servers) | {server.service for server in self._servers.values()}

    def _named_in(self, text: str) -> list[str]:
        words = (word.strip("-_").casefold() for word in _NAME_IN_TEXT.findall(text))
        return sorted({self._names[word] for word in words if word in self._names})


def _server(
    inventory: InventoryFile, server_id: str, table: ServerTable, *, clock: Clock, environment: Mapping[str, str]
) -> Server:
    system = inventory.systems[table.system]
    match system:
        case ReplaySystem():
            folder = inventory.replay_folder(system, server_id)
            recorded = ReplayedServer(server_id, folder=folder, clock=clock)
            return Server(
                server_id=server_id, service=table.service, health=recorded, logs=recorded, service_manager=recorded
            )
        case SupervisordSystem():
            password = environment[system.password_env]
            return _supervised_server(server_id, table, system, password=password, clock=clock)
        case _:
            assert_never(system)


def _supervised_server(
    server_id: str, table: ServerTable, system: SupervisordSystem, *, password: str, clock: Clock
) -> Server:
    try:
        from worker.infrastructure.supervisord import SupervisedProgram  # noqa: PLC0415 - psutil is an extra
        from worker.infrastructure.supervisord_api import SupervisordApi  # noqa: PLC0415 - goes with it
    except ImportError as error:
        raise ConfigurationError(
            f"The system of {server_id} is supervisord, which needs psutil: pip install 'firstline[demo]'"
        ) from error
    program = SupervisedProgram(
        server_id,
        program=table.program or server_id,
        api=SupervisordApi(str(system.url), username=system.username, password=password),
        memory_limit_bytes=None if table.memory_limit_mib is None else int(table.memory_limit_mib * _MIB),
        clock=clock,
    )
    return Server(server_id=server_id, service=table.service, health=program, logs=program, service_manager=program)


def _quoted(name: str) -> str:
    return cut_to_bytes(visible(" ".join(name.split())), _QUOTED_NAME_BYTES)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_LISTED} more" if len(names) > _NAMES_LISTED else ""
    return ", ".join(names[:_NAMES_LISTED]) + more
