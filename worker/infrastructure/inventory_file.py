"""The inventory's TOML form: its tables put together, and every mistake in them at once.

It decides nothing about incidents and connects to nothing. Called by `Inventory.load`; `deploy/inventory.example.toml`
shows the form.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter
from pydantic import ValidationError as ShapeError

from worker.errors import ConfigurationError
from worker.infrastructure.inventory_mistakes import mistakes_between_tables
from worker.infrastructure.inventory_systems import System
from worker.infrastructure.inventory_tables import ABILITIES, InventoryFile, ServerTable

__all__ = ["read_inventory_file", "table_for"]

_TABLES: Final = frozenset({"systems", "groups", "servers"})
_SYSTEM: Final[TypeAdapter[System]] = TypeAdapter(Annotated[System, Field(discriminator="kind")])
_SERVER: Final = TypeAdapter(ServerTable)
_Entry = TypeVar("_Entry")


def read_inventory_file(path: Path, *, environment: Mapping[str, str]) -> InventoryFile:
    """Read and check the file, `environment` for its passwords, and the files and folders that it names.

    Raises `ConfigurationError` that names the file and lists every mistake by its key, with the remedy.
    """
    document = _read_toml(path)
    mistakes = [f"{key}: unknown table: remove it" for key in document if key not in _TABLES | {"time_zone"}]
    zone = _zone_of(document.get("time_zone", "UTC"), mistakes)
    systems, servers = _tables_of(document, "systems", mistakes), _tables_of(document, "servers", mistakes)
    written = _with_groups(document, servers, mistakes)
    named = {server_id: _named(table, server_id.replace("*", "x")) for server_id, table in written.items()}
    inventory = InventoryFile(
        path=path,
        zone=zone,
        systems=_parsed("systems", systems, _SYSTEM, mistakes),
        servers=_parsed("servers", named, _SERVER, mistakes),
        written=written,
    )
    mistakes += mistakes_between_tables(inventory, named_systems=frozenset(systems), environment=environment)
    if mistakes:
        raise ConfigurationError(f"The inventory {path} is wrong:\n" + "\n".join(f"  {each}" for each in mistakes))
    return inventory


def table_for(file: InventoryFile, pattern: str, server_id: str) -> ServerTable:
    """Return the table of one server whose name fits a pattern. Raises `ValueError` for a name that gives none."""
    return _SERVER.validate_python(_named(file.written[pattern], server_id))


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigurationError(
            f"The inventory {path} can't be read ({error.strerror}): copy deploy/inventory.example.toml there, "
            "or set FIRSTLINE_INVENTORY_FILE."
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"The inventory {path} is not TOML: {error}.") from error


def _zone_of(name: object, mistakes: list[str]) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (OSError, ValueError, KeyError):
        mistakes.append(f"time_zone: there is no {name!r}: give a name such as Europe/Berlin")
    return ZoneInfo("UTC")


def _tables_of(document: Mapping[str, object], name: str, mistakes: list[str]) -> Mapping[str, object]:
    tables = document.get(name)
    if isinstance(tables, dict) and tables:
        return tables
    mistakes.append(f"{name}: has no entry: add a table [{name}.…]")
    return {}


def _with_groups(
    document: Mapping[str, object], servers: Mapping[str, object], mistakes: list[str]
) -> Mapping[str, object]:
    """Return the servers with what their groups say of all their members; a server's own word goes before."""
    groups = document.get("groups", {})
    if not isinstance(groups, dict):
        mistakes.append("groups: is no table: write [groups.NAME]")
        groups = {}
    whole: dict[str, object] = {}
    for server_id, table in servers.items():
        whole[server_id] = table
        if not isinstance(table, dict) or "group" not in table:
            continue
        group = groups.get(str(table["group"]))
        if isinstance(group, dict):
            whole[server_id] = {**group, **{key: value for key, value in table.items() if key != "group"}}
        else:
            mistakes.append(f"servers.{server_id}.group: there is no [groups.{table['group']}]: add it")
            whole[server_id] = {key: value for key, value in table.items() if key != "group"}
    return whole


def _named(table: object, server_id: str) -> object:
    """Return a server's table with its name in the place of each `{server}`."""
    if not isinstance(table, dict):
        return table
    return {
        key: value.replace("{server}", server_id) if isinstance(value, str) else value for key, value in table.items()
    }


def _parsed(
    name: str, tables: Mapping[str, object], form: TypeAdapter[_Entry], mistakes: list[str]
) -> dict[str, _Entry]:
    """Return the entries that have the right form, and add what is wrong with the others to `mistakes`."""
    entries = {}
    for key, table in tables.items():
        try:
            entries[key] = form.validate_python(table)
        except ShapeError as error:
            mistakes.extend(f"{name}.{key}{complaint}" for complaint in _complaints(error))
    return entries


def _complaints(error: ShapeError) -> Iterator[str]:
    for details in error.errors(include_url=False, include_input=False):
        keys = [str(key) for key in details["loc"] if key not in ABILITIES]
        remedy = {
            "extra_forbidden": "unknown key: correct its spelling, or remove it",
            "missing": "is missing: add it",
        }.get(details["type"], details["msg"].removeprefix("Value error, "))
        yield "".join(f".{key}" for key in keys) + f": {remedy}"
