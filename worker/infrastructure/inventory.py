"""The inventory: which servers there are, what runs on them, and the way to each.

It binds an incident to its one server, in code; what it can't bind with certainty it names in a sentence, and the
incident is escalated. It never guesses, and never takes a server's name from a model. Loaded at start-up and on SIGHUP.
"""

import os
import re
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Final, Self

from worker.contract.incident import Incident
from worker.contract.text import cut_to_bytes, visible
from worker.infrastructure.adapters import Adapters
from worker.infrastructure.inventory_file import read_inventory_file, table_for
from worker.infrastructure.inventory_mistakes import SERVER_ID, form_of, is_pattern, thing_restarted
from worker.infrastructure.inventory_tables import InventoryFile, ServerTable, WindowTable
from worker.ports import Clock, HealthSource, Server
from worker.terms import EVERY_DAY, MaintenanceWindow, OwnLimits, RestartPolicy, Terms

__all__ = ["Inventory"]

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_QUOTED_NAME_BYTES: Final = 100
_NAMES_LISTED: Final = 5
_NAME_IN_TEXT: Final = re.compile(r"[\w-]+(?:\.[\w-]+)*")
"""A whole name: `payment-server-01` is not found in `payment-server-012`, nor in `payment-server-01.example.com`."""


_AS_A_NUMBER: Final = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|[0-9]+)")
"""An address in one of its spellings: whoever sends an alert must not choose where a pattern's credentials go."""


class Inventory:
    """The servers of one inventory file. It never changes, so any number of threads may ask it at once."""

    def __init__(self, file: InventoryFile, adapters: Adapters) -> None:
        self._file = file
        self._adapters = adapters
        self._servers = {
            server_id: self._server(server_id, table)
            for server_id, table in file.servers.items()
            if not is_pattern(server_id)
        }
        things = (thing_restarted(file, server_id, file.servers[server_id]) for server_id in self._servers)
        self._things_restarted = frozenset(thing.identity for thing in things if thing is not None)
        self._names = {server_id.casefold(): server_id for server_id in self._servers}
        self._patterns = {form_of(pattern): pattern for pattern in file.servers if is_pattern(pattern)}

    @classmethod
    def load(cls, path: Path, clock: Clock, *, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the file and make the adapters of each server; `environment` holds the passwords. Connects to nothing.

        Raises `ConfigurationError` that lists every mistake of the file.
        """
        file = read_inventory_file(path, environment=environment)
        return cls(file, Adapters(file, clock=clock, environment=environment))

    def close(self) -> None:
        """Close the connections of its servers' systems."""
        self._adapters.close()

    def server_of(self, incident: Incident) -> Server | str:
        """Return the server that the alert names, or that its text names alone; else the reason, as a sentence.

        A name in the text counts as a whole word in any case; a dot or a hyphen continues a word. Only an alert's own
        name is held against the patterns: any word may look like one.
        """
        if incident.server_id is not None:
            return self.named(incident.server_id) or (
                f'The inventory ({self._file.path}) has no server "{_quoted(incident.server_id)}": '
                "add it, or correct the alert."
            )
        named = self._named_in(incident.text)
        if not named:
            return (
                f"The alert names no server, and its text names none of the inventory ({self._file.path}): "
                "name the server in the alert, or add it to the inventory."
            )
        if len(named) > 1:
            return f"The text names several servers ({_listed(named)}): only one server is triaged in one incident."
        return self._servers[named[0]]

    def names(self) -> frozenset[str]:
        """Return the names of all servers and services, which are never masked: a model has to name its target."""
        return frozenset(self._servers) | {server.service for server in self._servers.values()}

    def servers(self) -> tuple[Server, ...]:
        """Return the servers that are listed by name, in the order of the file."""
        return tuple(self._servers.values())

    def named(self, server_id: str) -> Server | None:
        """Return the server of this name: one that is listed, or one that fits a pattern, the first of the file.

        A pattern gives no second name to what a listed server's restart reaches.
        """
        if not server_id.isascii():
            return None  # some other letters become ours in small letters
        name = server_id.casefold()
        if name in self._names:
            return self._servers[self._names[name]]
        table = self._table_by_pattern(name)
        return None if table is None else self._server(name, table)

    def patterns(self) -> tuple[str, ...]:
        """Return the patterns, which stand for servers that are listed nowhere."""
        return tuple(self._patterns.values())

    def longest_restart_seconds(self) -> float:
        """Return how long a restart may take at most, of all that are allowed; 0 where none is."""
        managers = (
            self._adapters.service_manager_of(server_id, table)
            for server_id, table in self._file.servers.items()
            if table.restart_policy in (RestartPolicy.AUTO, RestartPolicy.APPROVE)
        )
        return max((manager.restart_seconds for manager in managers), default=0.0)

    def said_of(self, server_id: str) -> dict[str, object] | None:
        """Return what the file says of a server, as JSON values, groups and defaults included; None for no server."""
        server = self.named(server_id)
        if server is None:
            return None
        table = self._file.servers.get(server.server_id) or self._table_by_pattern(server.server_id)
        said = {} if table is None else table.model_dump(mode="json", exclude_none=True)
        return {"server": server.server_id, **said}

    def _table_by_pattern(self, name: str) -> ServerTable | None:
        if SERVER_ID.fullmatch(name) is None or _AS_A_NUMBER.fullmatch(name):
            return None
        pattern = next((pattern for form, pattern in self._patterns.items() if form.fullmatch(name)), None)
        if pattern is None:
            return None
        try:
            table = table_for(self._file, pattern, name)
        except ValueError:
            return None
        thing = thing_restarted(self._file, name, table)
        return None if thing is not None and thing.identity in self._things_restarted else table

    def _server(self, server_id: str, table: ServerTable) -> Server:
        return Server(
            server_id=server_id,
            service=table.service,
            health=self._adapters.health_of(server_id, table),
            logs=self._adapters.logs_of(server_id, table),
            service_manager=self._adapters.service_manager_of(server_id, table),
            terms=_terms_of(table, self._file.zone),
            dependencies={name: self._health_of(name) for name in table.dependencies},
            target="" if (thing := thing_restarted(self._file, server_id, table)) is None else str(thing),
        )

    def _health_of(self, server_id: str) -> HealthSource:
        return self._adapters.health_of(server_id, self._file.servers[server_id])

    def _named_in(self, text: str) -> list[str]:
        words = (word.strip("-_").casefold() for word in _NAME_IN_TEXT.findall(text))
        return sorted({self._names[word] for word in words if word in self._names})


def _terms_of(table: ServerTable, zone: tzinfo) -> Terms:
    return Terms(
        restart_policy=table.restart_policy,
        owner=table.owner,
        tier=table.tier,
        approvers=frozenset(table.approvers),
        maintenance=tuple(_window_of(window, zone) for window in table.maintenance),
        limits=OwnLimits(
            cooldown_seconds=table.cooldown_seconds,
            restarts=table.server_restarts,
            window_seconds=table.server_window_seconds,
        ),
    )


def _window_of(table: WindowTable, zone: tzinfo) -> MaintenanceWindow:
    days = EVERY_DAY if table.days is None else frozenset(_DAYS.index(day) for day in table.days)
    return MaintenanceWindow(begins=table.begins, ends=table.ends, zone=zone, days=days)


def _quoted(name: str) -> str:
    return cut_to_bytes(visible(" ".join(name.split())), _QUOTED_NAME_BYTES)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_LISTED} more" if len(names) > _NAMES_LISTED else ""
    return ", ".join(names[:_NAMES_LISTED]) + more
