"""What can be wrong between the tables of the routes file, each a sentence with its key and the remedy.

It looks at names, the environment, and whether files are there; it connects to nothing.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from worker.escalation.sink_tables import RouteTable, SinkTable, variables_of

__all__ = ["mistakes_between_tables"]

_SINK_NAME: Final = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*", re.ASCII)
_SINK_NAME_LENGTH: Final = 64


def mistakes_between_tables(
    sinks: Mapping[str, SinkTable],
    routes: Mapping[str, RouteTable],
    default: tuple[str, ...],
    *,
    named: frozenset[str],
    environment: Mapping[str, str],
    folder: Path,
) -> Iterator[str]:
    """Return every mistake; `named` are the file's sinks, whether their own form is right or not."""
    for name in sorted(named):
        if len(name) > _SINK_NAME_LENGTH or _SINK_NAME.fullmatch(name) is None:
            yield f"sinks.{name}: is no name of a sink: small letters and digits, joined by single hyphens"
    for name, sink in sinks.items():
        yield from (f"sinks.{name}.{mistake}" for mistake in _sink_mistakes(name, sink, sinks, named))
        yield from (f"sinks.{name}.{mistake}" for mistake in _missing(sink, environment, folder))
    yield from _unknown("default", default, named)
    for key, route in routes.items():
        yield from _unknown(f"{key}.sinks", route.sinks, named)
        if route.between is None and (route.days is not None or route.time_zone is not None):
            yield f"{key}.between: is missing: days and time_zone say when between two times"


def _sink_mistakes(name: str, sink: SinkTable, sinks: Mapping[str, SinkTable], named: frozenset[str]) -> Iterator[str]:
    if sink.backup is None:
        return
    if sink.backup not in named:
        yield f"backup: there is no [sinks.{sink.backup}]: add it"
    passed, backup = [name], sink.backup
    while backup not in passed and backup in sinks:
        passed.append(backup)
        backup = sinks[backup].backup or ""
    if backup == name:
        yield f"backup: leads back to itself ({' → '.join([*passed, name])}): leave one of them out"


def _missing(sink: SinkTable, environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    for key, variable in variables_of(sink).items():
        if not environment.get(variable):
            yield f"{key}: the environment variable {variable} is not set: set it, or put it into .env"
    ca_file = getattr(sink, "ca_file", None)
    if ca_file is not None and not (folder / ca_file).is_file():
        yield f"ca_file: there is no file {folder / ca_file}: correct the path"


def _unknown(key: str, names: tuple[str, ...], named: frozenset[str]) -> Iterator[str]:
    for name in names:
        if name not in named:
            yield f"{key}: there is no [sinks.{name}]: add it, or correct its spelling"
