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
_OF_MEMBERS: Final = frozenset({".service: is missing: add it"})
"""What a group need not say; its members may."""

_FORMS: Final = {
    "extra_forbidden": "unknown key: correct its spelling, or remove it",
    "missing": "is missing: add it",
    "tuple_type": 'is no list: write ["…"]',
    "frozen_set_type": 'is no list: write ["…"]',
    "dict_type": "is no table",
    "model_type": "is no table",
    "model_attributes_type": "is no table",
    "string_type": "is no text: write it in quotation marks",
    "float_type": "is no number",
    "int_type": "is no whole number",
    "union_tag_not_found": f"has no kind: add one of {', '.join(sorted(ABILITIES))}",
    "union_tag_invalid": f"is of a kind that there is not: take one of {', '.join(sorted(ABILITIES))}",
}
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
    mistakes += _mistakes_of_groups(document)
    named = {server_id: _named(table, server_id.replace("*", "x")) for server_id, table in written.items()}
    of_servers: list[str] = []
    inventory = InventoryFile(
        path=path,
        zone=zone,
        systems=_parsed("systems", systems, _SYSTEM, mistakes),
        servers=_parsed("servers", named, _SERVER, of_servers),
        written=written,
    )
    mistakes += _not_of_groups(of_servers, mistakes, servers)
    mistakes += mistakes_between_tables(inventory, named_systems=frozenset(systems), environment=environment)
    if mistakes:
        raise ConfigurationError(f"The inventory {path} is wrong:\n" + "\n".join(f"  {each}" for each in mistakes))
    return inventory


def table_for(file: InventoryFile, pattern: str, server_id: str) -> ServerTable:
    """Return the table of one server whose name fits a pattern. Raises `ValueError` for a name that gives none."""
    return _SERVER.validate_python(_named(file.written[pattern], server_id))


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(
            f"The inventory {path} can't be read ({error.strerror}): copy deploy/inventory.example.toml there, "
            "or set FIRSTLINE_INVENTORY_FILE."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"The inventory {path} is not TOML: {str(error).rstrip('.')}.") from error


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


def _mistakes_of_groups(document: Mapping[str, object]) -> Iterator[str]:
    """Find what is wrong with a group by itself, once, and not again with each of its members."""
    groups = document.get("groups", {})
    for name, table in groups.items() if isinstance(groups, dict) else ():
        try:
            _SERVER.validate_python(_named(table, "x"))
        except ShapeError as error:
            yield from (f"groups.{name}{complaint}" for complaint in _complaints(error) if complaint not in _OF_MEMBERS)


def _not_of_groups(of_servers: list[str], mistakes: list[str], servers: Mapping[str, object]) -> Iterator[str]:
    """Return the mistakes of servers that are not told of their group already."""
    told = {mistake for mistake in mistakes if mistake.startswith("groups.")}
    for mistake in of_servers:
        server_id = next((name for name in servers if mistake.startswith(f"servers.{name}.")), "")
        table = servers.get(server_id)
        group = table.get("group") if isinstance(table, dict) else None
        if f"groups.{group}{mistake.removeprefix(f'servers.{server_id}')}" not in told:
            yield mistake


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
        remedy = _FORMS.get(details["type"], details["msg"].removeprefix("Value error, "))
        yield "".join(f".{key}" for key in keys) + f": {remedy}"
