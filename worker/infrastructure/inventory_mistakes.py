"""What can be wrong between the inventory's tables, each a sentence with its key and the remedy.

It looks at names, the environment, and whether files and folders are there; it connects to nothing. Called when the
inventory is read.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from worker.infrastructure.inventory_systems import (
    DockerSystem,
    HttpSystem,
    KubernetesSystem,
    PrometheusSystem,
    ReplaySystem,
    SshSystem,
    SupervisordSystem,
    System,
    WebAccess,
)
from worker.infrastructure.inventory_tables import ABILITIES, OPTIONAL_KEYS, InventoryFile, Role, ServerTable
from worker.terms import RestartPolicy

__all__ = ["SERVER_ID", "form_of", "is_pattern", "mistakes_between_tables", "thing_restarted"]

SERVER_ID: Final = re.compile(r"[A-Za-z0-9]+(?:(?:\.|[-_]+)[A-Za-z0-9]+)*")
_SERVER_ID_LENGTH: Final = 253
_QUOTED: Final = 80
_PATTERN: Final = re.compile(r"[a-z0-9*]+(?:(?:\.|[-_]+)[a-z0-9*]+)*")
_ADDRESSES: Final = (
    frozenset().union(*(keys for roles in ABILITIES.values() for keys in roles.values())).union(*OPTIONAL_KEYS.values())
)


def is_pattern(server_id: str) -> bool:
    """Say whether a server's key stands for all names of its form."""
    return "*" in server_id


def mistakes_between_tables(
    tables: InventoryFile, *, named_systems: frozenset[str], environment: Mapping[str, str]
) -> Iterator[str]:
    """Return every mistake; `named_systems` are those of the file, whether their own form is right or not."""
    for name, system in tables.systems.items():
        yield from (f"systems.{name}.{mistake}" for mistake in _system_mistakes(tables, system, environment))
    for server_id, server in tables.servers.items():
        if not _is_name(server_id):
            yield (
                f"servers.{server_id[:_QUOTED]}: is no server name: letters and digits, joined by single dots, hyphens "
                "or underscores; a pattern has small letters and *"
            )
            continue
        mistakes = _server_mistakes(tables, server_id, server, named_systems)
        yield from (f"servers.{server_id}{mistake}" for mistake in mistakes)
    yield from _duplicates(tables)
    yield from _patterns_never_reached(tables)


def _is_name(server_id: str) -> bool:
    form = _PATTERN if is_pattern(server_id) else SERVER_ID
    return len(server_id) <= _SERVER_ID_LENGTH and form.fullmatch(server_id) is not None


def _system_mistakes(tables: InventoryFile, system: System, environment: Mapping[str, str]) -> Iterator[str]:
    match system:
        case ReplaySystem():
            folder = tables.path.parent / system.folder
            if not folder.is_dir():
                yield f"folder: there is no folder {folder}: create it, or correct the path"
        case SupervisordSystem():
            yield from _unset_variables({"password_env": system.password_env}, environment)
        case SshSystem():
            for key in ("identity_file", "restart_identity_file", "known_hosts_file"):
                yield from _missing_file(tables, key, getattr(system, key))
            if (system.user is None) != (system.identity_file is None):
                yield "user: goes with identity_file: give both or none"
        case WebAccess():
            names = {"password_env": system.password_env, "token_env": system.token_env}
            yield from _unset_variables(names, environment)
            for key in ("token_file", "ca_file"):
                yield from _missing_file(tables, key, getattr(system, key))
            if (system.username is None) != (system.password_env is None):
                yield "username: goes with password_env: give both or none"
        case _:
            pass


def _unset_variables(names: Mapping[str, str | None], environment: Mapping[str, str]) -> Iterator[str]:
    for key, variable in names.items():
        if variable is not None and not environment.get(variable):
            yield f"{key} names the variable {variable}, which is not set: set it to this system's password or token"


def _missing_file(tables: InventoryFile, key: str, path: Path | None) -> Iterator[str]:
    if path is not None and not (tables.path.parent / path).is_file():
        yield f"{key}: there is no file {tables.path.parent / path}: create it, or correct the path"


def _server_mistakes(
    tables: InventoryFile, server_id: str, server: ServerTable, named_systems: frozenset[str]
) -> Iterator[str]:
    for role in Role:
        yield from _role_mistakes(tables, server, role, named_systems)
    for dependency in server.dependencies:
        if dependency not in tables.servers or is_pattern(dependency) or dependency == server_id:
            yield f".dependencies: {dependency} is no other server of this inventory: add it, or correct the name"
    system = tables.system_of(server, Role.HEALTH)
    if isinstance(system, ReplaySystem):
        folder = tables.replay_folder(system, server_id)
        if folder.parent.is_dir() and not folder.is_dir():
            yield f": its recording is missing: create {folder} with health.json and service.log"
    if _may_be_restarted(server) and not _can_prove(system, server):
        yield (
            f".health: tells no CPU and memory of the service, so no recovery is ever proven: name another source, or "
            f"lower restart_policy from {server.restart_policy} to observe"
        )
    yield from _needless_keys(tables, server)


def _can_prove(system: System | None, server: ServerTable) -> bool:
    """Say whether health from there can be proven good after a restart; three that can't be would halt the fleet."""
    match system:
        case HttpSystem():
            return False
        case PrometheusSystem():
            return server.exporter == "cadvisor" or (server.exporter == "node" and server.unit is not None)
        case _:
            return True


def _role_mistakes(
    tables: InventoryFile, server: ServerTable, role: Role, named_systems: frozenset[str]
) -> Iterator[str]:
    name = server.system_of(role)
    if name is None:
        if role is not Role.RESTART:
            yield f".{role}: is missing: name the system that has it, or one for all by `system`"
        elif _may_be_restarted(server):
            yield f".restart: is missing: without it restart_policy can't be {server.restart_policy}"
    elif name in tables.systems:
        yield from _ability_mistakes(server, role, name, tables.systems[name])
    elif name not in named_systems and (getattr(server, role) or role is Role.HEALTH):  # once for all three
        key = role if getattr(server, role) else "system"
        yield f".{key}: there is no [systems.{name}]: add it, or name one of {sorted(named_systems)}"


def _ability_mistakes(server: ServerTable, role: Role, name: str, system: System) -> Iterator[str]:
    needed = ABILITIES[system.kind].get(role)
    if needed is None:
        if getattr(server, role) or role is not Role.RESTART or _may_be_restarted(server):
            yield f".{role}: {name} is of kind {system.kind}, which has none: name another system by `{role}`"
        return
    for key in sorted(needed):
        if getattr(server, key) is None:
            yield f".{key}: is missing: {role} by {name} needs it"
    if isinstance(system, SshSystem):
        yield from _ssh_mistakes(server, role, name, system)


def _ssh_mistakes(server: ServerTable, role: Role, name: str, system: SshSystem) -> Iterator[str]:
    if role is not Role.RESTART and system.identity_file is None:
        yield f".{role}: {name} has no user and identity_file to read with: add them there"
    if role is Role.LOGS and server.unit is None and server.log_path is None:
        yield f".unit: is missing: logs by {name} need it, or a log_path"
    if role is Role.RESTART and system.restart_identity_file is None and _may_be_restarted(server):
        yield f".restart: {name} has no restart_identity_file: add it there, or lower restart_policy"


def _may_be_restarted(server: ServerTable) -> bool:
    return server.restart_policy in (RestartPolicy.AUTO, RestartPolicy.APPROVE)


def _needless_keys(tables: InventoryFile, server: ServerTable) -> Iterator[str]:
    if any((name := server.system_of(role)) and name not in tables.systems for role in Role):
        return  # of which kind that one is meant to be is not known
    kinds = {system.kind for role in Role if (system := tables.system_of(server, role)) is not None}
    used = {key for kind in kinds for keys in ABILITIES[kind].values() for key in keys}
    used |= {key for kind in kinds for key in OPTIONAL_KEYS.get(kind, ())}
    if kinds:
        for key in sorted(server.model_fields_set & (_ADDRESSES - used)):
            yield f".{key}: has no meaning for {' and '.join(sorted(kinds))}: remove it"


def _duplicates(tables: InventoryFile) -> Iterator[str]:
    """Find two names for one thing: cooldowns and locks are per name, so such a thing could be restarted twice."""
    names: dict[str, str] = {}
    things: dict[tuple[str | int, ...], str] = {}
    for server_id, server in tables.servers.items():
        first = names.setdefault(server_id.casefold(), server_id)
        if first != server_id:
            yield f"servers.{server_id}: differs from {first} only in case: keep one of them"
        thing = thing_restarted(tables, server_id, server)
        if thing is None:
            continue
        if is_pattern(server_id) and not _differs_by_name(tables.written[server_id], key=thing.key):
            yield f"servers.{server_id}.{thing.key}: is one for all servers of the pattern: write {{server}} in it"
        other = things.setdefault(thing.identity, server_id)
        if other != server_id:
            yield f"servers.{server_id}.{thing.key}: is already the {thing.key} of {other}: keep one of them"


def _patterns_never_reached(tables: InventoryFile) -> Iterator[str]:
    """Find patterns of which an earlier one has every name: a stricter policy in them would never hold."""
    earlier: list[str] = []
    for pattern in filter(is_pattern, tables.servers):
        cover = next((each for each in earlier if form_of(each, also="*").fullmatch(pattern)), None)
        if cover is not None:
            yield f"servers.{pattern}: is never reached, for {cover} stands above it: put it before {cover}"
        earlier.append(pattern)


def form_of(pattern: str, *, also: str = "") -> re.Pattern[str]:
    """Return the form of the names that a pattern stands for; `also` are further letters in the place of a star."""
    return re.compile(re.escape(pattern).replace(r"\*", f"[a-z0-9_{re.escape(also)}-]+"))


def _differs_by_name(table: object, *, key: str) -> bool:
    keys = ("namespace", key) if key == "deployment" else (key,)
    return not isinstance(table, dict) or any(each not in table or "{server}" in str(table[each]) for each in keys)


class Thing(NamedTuple):
    """What a restart reaches: the server's key that names it, and where it is."""

    key: str
    address: tuple[str | int, ...]

    def __str__(self) -> str:
        """Return one text for it, the same for every way in which it is written."""
        return ":".join(map(str, (self.key, *self.identity)))

    @property
    def identity(self) -> tuple[str | int, ...]:
        """The address in one spelling: host names have no case, and a dot at their end changes nothing."""
        if self.key != "host":
            return self.address
        host, *further = self.address
        return (str(host).casefold().rstrip("."), *further)


def thing_restarted(tables: InventoryFile, server_id: str, server: ServerTable) -> Thing | None:
    """Return what a restart of this server reaches; by its address, for one system may stand there under two names."""
    match tables.system_of(server, Role.RESTART):
        case SupervisordSystem(url=url):
            return Thing("program", (str(url), server.program or server_id))
        case SshSystem() as ssh:
            return Thing("host", (server.host or "", ssh.port, ssh.restart_user, str(ssh.restart_identity_file)))
        case DockerSystem(socket=socket):
            return Thing("container", (str(socket.resolve()), server.container or ""))
        case KubernetesSystem(url=url):
            return Thing("deployment", (str(url), f"{server.namespace}/{server.deployment}"))
        case _:
            return None
