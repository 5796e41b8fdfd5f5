"""The routes file: sinks by name, routes in their order, and every mistake in them at once.

It connects to nothing. Called by `firstline escalations`; `deploy/routes.example.toml` shows the form.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter
from pydantic import ValidationError as ShapeError

from worker.errors import ConfigurationError
from worker.escalation.routes import NEEDS_SOMEBODY, Hours, Route, Routes, are_endless
from worker.escalation.routes_mistakes import mistakes_between_tables
from worker.escalation.sink_tables import AnySink, HoursTable, RouteTable
from worker.terms import EVERY_DAY

__all__ = ["DAYS", "RoutesFile", "read_routes_file"]

_KEYS: Final = frozenset({"default", "time_zone", "sinks", "routes"})
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SINK: Final[TypeAdapter[AnySink]] = TypeAdapter(Annotated[AnySink, Field(discriminator="kind")])
_ROUTE: Final = TypeAdapter(RouteTable)
_KINDS: Final = frozenset(
    kind for table in get_args(AnySink) for kind in get_args(table.model_fields["kind"].annotation)
)
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesFile:
    """A valid routes file: its sinks' tables by name, and the routes to them. Relative paths begin at `folder`."""

    folder: Path
    sinks: Mapping[str, AnySink]
    routes: Routes


def read_routes_file(path: Path, *, environment: Mapping[str, str]) -> RoutesFile:
    """Read and check the file, `environment` for the secrets that it names, and the files that it names.

    Raises `ConfigurationError` that names the file and lists every mistake by its key, with the remedy.
    """
    document = _read_toml(path)
    mistakes = [f"{key}: unknown key: correct its spelling, or remove it" for key in document if key not in _KEYS]
    written, lists = _tables(document, mistakes), _lists(document, mistakes)
    sinks = _parsed({f"sinks.{name}": table for name, table in written.items()}, _SINK, mistakes)
    routes = _parsed({f"routes.{number}": table for number, table in enumerate(lists, 1)}, _ROUTE, mistakes)
    by_name = {key.removeprefix("sinks."): sink for key, sink in sinks.items()}
    default = _default(document, mistakes)
    zones = _Zones(document.get("time_zone", "UTC"), mistakes)
    made = Routes(
        default=default,
        routes=[_route(key, table, zones) for key, table in routes.items()],
        quiet={
            name: tuple(zones.hours(f"sinks.{name}.quiet", each) for each in sink.quiet)
            for name, sink in by_name.items()
        },
    )
    mistakes += mistakes_between_tables(
        by_name, routes, default, named=frozenset(written), environment=environment, folder=path.parent
    )
    mistakes += _endless(made)
    if mistakes:
        raise ConfigurationError(f"The routes file {path} is wrong:\n" + "\n".join(f"  {each}" for each in mistakes))
    return RoutesFile(folder=path.parent, sinks=by_name, routes=made)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise ConfigurationError(
            f"The routes file {path} can't be read ({error.strerror}): copy deploy/routes.example.toml there, "
            "or correct FIRSTLINE_ROUTES_FILE."
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"The routes file {path} is not TOML: {error}.") from error


def _tables(document: Mapping[str, object], mistakes: list[str]) -> Mapping[str, object]:
    tables = document.get("sinks")
    if isinstance(tables, dict) and tables:
        return tables
    mistakes.append("sinks: has no entry: add a table [sinks.NAME]")
    return {}


def _lists(document: Mapping[str, object], mistakes: list[str]) -> Sequence[object]:
    routes = document.get("routes", [])
    if isinstance(routes, list):
        return routes
    mistakes.append("routes: is no list: write [[routes]], with two brackets on each side")
    return []


def _default(document: Mapping[str, object], mistakes: list[str]) -> tuple[str, ...]:
    default = document.get("default")
    names = [default] if isinstance(default, str) else default
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    mistakes.append('default: is missing: name the sinks of what no route takes, as in default = ["NAME"], at the top')
    return ()


class _Zones:
    """Makes hours of tables, in the file's time zone or their own; what is no zone is a mistake, once."""

    def __init__(self, name: object, mistakes: list[str]) -> None:
        self._mistakes = mistakes
        self._default = self._zone("time_zone", str(name)) or ZoneInfo("UTC")

    def hours(self, key: str, table: HoursTable) -> Hours:
        """Return the hours of a table that stands at `key`."""
        return self.between(key, table.between, table.days, table.time_zone)

    def between(self, key: str, times: tuple[time, time], days: frozenset[str] | None, zone: str | None) -> Hours:
        """Return the hours from the first to the second time."""
        own = self._zone(f"{key}.time_zone", zone) if zone is not None else None
        numbers = EVERY_DAY if days is None else frozenset(map(DAYS.index, days))
        return Hours(begins=times[0], ends=times[1], days=numbers, zone=own or self._default)

    def _zone(self, key: str, name: str) -> ZoneInfo | None:
        try:
            return ZoneInfo(name)
        except (OSError, ValueError, KeyError):
            self._mistakes.append(f"{key}: there is no {name!r}: give a name such as Europe/Berlin")
            return None


def _route(key: str, table: RouteTable, zones: _Zones) -> Route:
    hours = zones.between(key, table.between, table.days, table.time_zone) if table.between else None
    return Route(
        sinks=table.sinks,
        severities=table.severity,
        dispositions=table.disposition or NEEDS_SOMEBODY,
        teams=table.team,
        services=table.service,
        servers=table.server,
        hours=hours,
        quiet=tuple(zones.hours(f"{key}.quiet", each) for each in table.quiet),
        goes_on=table.goes_on,
    )


def _endless(made: Routes) -> Iterator[str]:
    """Find quiet hours that never end: a sink's own, and a route's with those of each of its sinks."""
    for name, quiet in made.quiet.items():
        if are_endless(quiet):
            yield f"sinks.{name}.quiet: never ends: leave some time of the week"
    for number, route in enumerate(made.routes, 1):
        for sink in route.sinks:
            own = made.quiet.get(sink, ())
            if route.quiet and not are_endless(own) and are_endless((*own, *route.quiet)):
                yield f"routes.{number}.quiet: never ends at {sink}: leave some time of the week"


def _parsed(tables: Mapping[str, object], form: TypeAdapter[_Entry], mistakes: list[str]) -> dict[str, _Entry]:
    """Return the entries that have the right form, and add what is wrong with the others to `mistakes`."""
    entries = {}
    for key, table in tables.items():
        try:
            entries[key] = form.validate_python(table)
        except ShapeError as error:
            mistakes.extend(f"{key}{complaint}" for complaint in _complaints(error))
    return entries


def _complaints(error: ShapeError) -> Iterator[str]:
    for details in error.errors(include_url=False, include_input=False):
        keys = [str(key) for key in details["loc"]]
        shown = keys[1:] if keys and keys[0] in _KINDS else keys
        remedy = {
            "extra_forbidden": "unknown key: correct its spelling, or remove it",
            "missing": "is missing: add it",
            "too_short": "is empty: name at least one",
            "union_tag_not_found": f"has no kind: add one of {', '.join(sorted(_KINDS))}",
            "union_tag_invalid": f"has a kind that is none: write one of {', '.join(sorted(_KINDS))}",
        }.get(details["type"], details["msg"].removeprefix("Value error, "))
        yield "".join(f".{key}" for key in shown) + f": {remedy}"
