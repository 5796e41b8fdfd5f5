"""`firstline inventory check` and `show`: whether the ways to the servers work, tried read-only, and what is said.

What a source answers may be anything, so it is made visible and cut before it is printed.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from worker.bootstrap import load_inventory
from worker.cli.words import one_line
from worker.errors import FirstlineError, SourceUnavailable
from worker.infrastructure import Inventory
from worker.ports import Server
from worker.redaction import STATELESS_MASKER
from worker.settings import Settings
from worker.terms import RestartPolicy

__all__ = ["check_inventory", "show_server"]

_AT_ONCE: Final = 16
_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class _Checked:
    """What came of one server's three questions; words for a person, and whether all were answered in full."""

    server_id: str
    restart_policy: str
    health: str
    logs: str
    restart: str
    is_whole: bool


def check_inventory(settings: Settings, names: Sequence[str], *, as_json: bool) -> bool:
    """Print a row for each listed server, or those named; return whether all are whole. Raises `FirstlineError`."""
    inventory = load_inventory(settings)
    servers, rows = _asked_for(inventory, names), []
    console = Console(stderr=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        checked: Iterator[_Checked] = pool.map(_checked, servers)
        bar = track(
            checked, "reading", total=len(servers), console=console, transient=True, disable=not console.is_terminal
        )
        for row in bar:
            rows.append(row)
            if as_json:
                sys.stdout.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
    if not as_json:
        _print_table(rows)
        sys.stdout.write(_in_all(rows, inventory.patterns() if not names else ()))
    return all(row.is_whole for row in rows)


def _asked_for(inventory: Inventory, names: Sequence[str]) -> tuple[Server, ...]:
    found = [inventory.named(name) for name in names]
    unknown = [one_line(name) for name, server in zip(names, found, strict=True) if server is None]
    if unknown:
        raise FirstlineError(f"The inventory has no server {', '.join(unknown)}.")
    return tuple(server for server in found if server is not None) if names else inventory.servers()


def _in_all(rows: list[_Checked], patterns: Sequence[str]) -> str:
    whole = sum(row.is_whole for row in rows)
    untried = ", ".join(patterns)
    tried = f" Not tried: {untried}; name servers of them to try these." if patterns else ""
    return one_line(f"{whole} of {len(rows)} servers are whole.{tried}") + "\n"


def show_server(settings: Settings, server_id: str, *, as_json: bool) -> bool:
    """Print what is said of one server; return whether the inventory has it."""
    said = load_inventory(settings).said_of(server_id)
    if said is None:
        sys.stderr.write(f"The inventory ({settings.inventory_file}) has no server {one_line(server_id)}.\n")
        return False
    if as_json:
        sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
        return True
    width = max(map(len, said))
    for key, value in said.items():
        words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        sys.stdout.write(f"{key:<{width}}  {one_line(words)}\n")
    return True


def _checked(server: Server) -> _Checked:
    health, is_health_whole = _tried(lambda: _health_in_words(server))
    logs, is_log_read = _tried(lambda: (_log_in_words(server), True))
    restart, is_way_open = _tried(lambda: (server.service_manager.check(), True))
    return _Checked(
        server.server_id,
        server.terms.restart_policy,
        health,
        logs,
        restart,
        is_whole=is_health_whole and is_log_read and is_way_open,
    )


def _tried(read: Callable[[], tuple[str, bool]]) -> tuple[str, bool]:
    try:
        words, is_whole = read()
    except SourceUnavailable as failure:
        words, is_whole = str(failure), False
    return one_line(STATELESS_MASKER.masked(words)), is_whole


def _health_in_words(server: Server) -> tuple[str, bool]:
    health = server.health.read_health()
    names = {"CPU": health.cpu_percent, "memory": health.memory_percent}
    figures = [f"{name} {'unread' if value is None else f'{value:.0f} %'}" for name, value in names.items()]
    is_provable = health.cpu_percent is not None and health.memory_percent is not None
    return ", ".join([health.status, *figures, *health.unread]), is_provable or not _may_be_restarted(server)


def _may_be_restarted(server: Server) -> bool:
    """Without CPU and memory a recovery is never proven, so such a server is no whole row."""
    return server.terms.restart_policy in (RestartPolicy.AUTO, RestartPolicy.APPROVE)


def _log_in_words(server: Server) -> str:
    tail = server.logs.read_log_tail(lines=_LINES)
    count = len(tail.lines)
    return f"{count} {'line' if count == 1 else 'lines'} of {tail.source}"


def _print_table(rows: list[_Checked]) -> None:
    table = Table("server", "", "restart policy", "health", "log", "restart")
    for row in rows:
        state, style = ("ok", "") if row.is_whole else ("FAILS", "bold")
        cells = (row.server_id, state, row.restart_policy, row.health, row.logs, row.restart)
        table.add_row(*(Text(words, overflow="fold") for words in cells), style=style)
    Console().print(table)
