"""The inventory's TOML form: its tables, and every mistake in them at once.

It decides nothing about incidents and connects to nothing. Called by `Inventory.load`; `deploy/inventory.example.toml`
shows the form.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, TypeAdapter
from pydantic import ValidationError as ShapeError

from worker.errors import ConfigurationError

__all__ = ["InventoryFile", "ReplaySystem", "ServerTable", "SupervisordSystem", "read_inventory_file"]

_KINDS: Final = frozenset({"supervisord", "replay"})
_Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_ServerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+(?:(?:\.|[-_]+)[A-Za-z0-9]+)*$", max_length=253)]


def _on_loopback(url: HttpUrl) -> HttpUrl:
    host = (url.host or "").strip("[]")
    if host != "localhost" and not _is_loopback_address(host):
        raise ValueError("must be on loopback: health is measured on this machine's own processes")
    if url.username or url.password:
        raise ValueError("must hold no credentials: use `username` and `password_env`")
    return url


def _is_loopback_address(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SupervisordSystem(_Table):
    """A supervisord on this machine; `password_env` names the environment variable that holds the password."""

    kind: Literal["supervisord"]
    url: Annotated[HttpUrl, AfterValidator(_on_loopback)]
    username: _Name
    password_env: _Name


class ReplaySystem(_Table):
    """Recordings: `folder`, relative to the inventory's own, has one folder a server."""

    kind: Literal["replay"]
    folder: Path


class ServerTable(_Table):
    """One server. `memory_limit_mib` and `program` are supervisord's: defaults are all memory, and the server's name.

    `program` names exactly one program: supervisord's `group:*` would restart more than this server.
    """

    service: _Name
    system: _Name
    memory_limit_mib: Annotated[float, Field(gt=0)] | None = None
    program: Annotated[str, StringConstraints(pattern=r"^[^\s:*]+(:[^\s:*]+)?$", max_length=253)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryFile:
    """A valid inventory: its path, its systems and its servers by name."""

    path: Path
    systems: Mapping[str, SupervisordSystem | ReplaySystem]
    servers: Mapping[str, ServerTable]

    def replay_folder(self, system: ReplaySystem, server_id: str) -> Path:
        """Return the folder of one recorded server."""
        return self.path.parent / system.folder / server_id


_SYSTEM: Final[TypeAdapter[SupervisordSystem | ReplaySystem]] = TypeAdapter(
    Annotated[SupervisordSystem | ReplaySystem, Field(discriminator="kind")]
)
_SERVER: Final = TypeAdapter(ServerTable)
_SERVER_ID: Final = TypeAdapter(_ServerId)
_Entry = TypeVar("_Entry")


def read_inventory_file(path: Path, *, environment: Mapping[str, str]) -> InventoryFile:
    """Read and check the file, `environment` for its passwords, and its replay folders.

    Raises `ConfigurationError` that names the file and lists every mistake by its key, with the remedy.
    """
    document = _read_toml(path)
    mistakes = [f"{key}: unknown table: remove it" for key in document if key not in {"systems", "servers"}]
    systems, servers = _tables_of(document, "systems", mistakes), _tables_of(document, "servers", mistakes)
    inventory = InventoryFile(
        path=path,
        systems=_parsed("systems", systems, _SYSTEM, mistakes),
        servers=_parsed("servers", servers, _SERVER, mistakes),
    )
    mistakes += _system_mistakes(inventory, environment)
    mistakes += _server_mistakes(inventory, systems)
    mistakes += _duplicates(inventory)
    if mistakes:
        raise ConfigurationError(f"The inventory {path} is wrong:\n" + "\n".join(f"  {each}" for each in mistakes))
    return inventory


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


def _tables_of(document: Mapping[str, object], name: str, mistakes: list[str]) -> Mapping[str, object]:
    tables = document.get(name)
    if isinstance(tables, dict) and tables:
        return tables
    mistakes.append(f"{name}: has no entry: add a table [{name}.…]")
    return {}


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
        keys = [str(key) for key in details["loc"] if key not in _KINDS]
        remedy = {
            "extra_forbidden": "unknown key: correct its spelling, or remove it",
            "missing": "is missing: add it",
        }.get(details["type"], details["msg"])
        yield "".join(f".{key}" for key in keys) + f": {remedy}"


def _system_mistakes(inventory: InventoryFile, environment: Mapping[str, str]) -> Iterator[str]:
    for name, system in inventory.systems.items():
        if isinstance(system, ReplaySystem):
            folder = inventory.path.parent / system.folder
            if not folder.is_dir():
                yield f"systems.{name}.folder: there is no folder {folder}: create it, or correct the path"
        elif not environment.get(system.password_env):
            yield (
                f"systems.{name}.password_env: the environment variable {system.password_env} is not set: "
                "set it to supervisord's password"
            )


def _server_mistakes(inventory: InventoryFile, systems: Mapping[str, object]) -> Iterator[str]:
    for server_id, server in inventory.servers.items():
        key = f"servers.{server_id}"
        try:
            _SERVER_ID.validate_python(server_id)
        except ShapeError:
            yield f"{key}: is no server name: letters and digits, joined by single dots, hyphens or underscores"
            continue
        if server.system not in systems:
            yield f"{key}.system: there is no [systems.{server.system}]: add it, or name one of {sorted(systems)}"
        system = inventory.systems.get(server.system)
        if isinstance(system, ReplaySystem):
            yield from _replay_mistakes(inventory, system, server_id)


def _replay_mistakes(inventory: InventoryFile, system: ReplaySystem, server_id: str) -> Iterator[str]:
    folder = inventory.replay_folder(system, server_id)
    if folder.parent.is_dir() and not folder.is_dir():
        yield f"servers.{server_id}: its recording is missing: create {folder} with health.json and service.log"
    for key in sorted(inventory.servers[server_id].model_fields_set & {"memory_limit_mib", "program"}):
        yield f"servers.{server_id}.{key}: has no meaning for a recording: remove it"


def _duplicates(inventory: InventoryFile) -> Iterator[str]:
    """Find two names for one thing: cooldowns and locks are per name, so such a thing could be restarted twice."""
    names: dict[str, str] = {}
    programs: dict[tuple[str, str], str] = {}
    for server_id, server in inventory.servers.items():
        first = names.setdefault(server_id.casefold(), server_id)
        if first != server_id:
            yield f"servers.{server_id}: differs from {first} only in case: keep one of them"
        other = programs.setdefault((server.system, server.program or server_id), server_id)
        if other != server_id:
            yield f"servers.{server_id}.program: is already the program of {other}: keep one of them"
