"""`firstline escalations --check`, `--test` and `--retry`: where what would go, one marked page, and a sink mended.

The first two touch neither results nor records of what was delivered. None delivers a result itself.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import uuid4

from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.bootstrap import connect
from worker.cli.dispatching import sinks_of
from worker.cli.failures import confirmed
from worker.cli.words import one_line
from worker.clock import SystemClock
from worker.contract import Severity
from worker.errors import ConfigurationError, FirstlineError
from worker.escalation.deliveries import Deliveries
from worker.escalation.routes import NEEDS_SOMEBODY, Hours, Route, Routes
from worker.escalation.routes_file import DAYS
from worker.escalation.samples import sample_of, test_page
from worker.infrastructure.inventory_file import read_inventory_file
from worker.redaction import STATELESS_MASKER
from worker.settings import Settings, read_environment
from worker.terms import EVERY_DAY

__all__ = ["check_routes", "retry_sink", "send_test_page"]

_NO_FILE = "There are no routes: set FIRSTLINE_ROUTES_FILE; deploy/routes.example.toml shows the form."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Where a result of one kind would go now: each sink with the end of its quiet hours, or None for at once."""

    severity: str
    service: str | None
    team: str | None
    server: str | None
    sinks: dict[str, datetime | None]


def check_routes(settings: Settings, *, as_json: bool) -> None:
    """Print the routes, and where samples of all severities and services would go now. Sends nothing."""
    if settings.routes_file is None:
        raise ConfigurationError(_NO_FILE)
    file, _ = sinks_of(settings, settings.routes_file)
    samples = list(_samples(settings, file.routes))
    if as_json:
        for sample in samples:
            sys.stdout.write(json.dumps(asdict(sample), default=str) + "\n")
        return
    console = Console()
    console.print(_table_of_routes(file.routes))
    console.print(_table_of_samples(samples))


def send_test_page(settings: Settings, sink: str) -> bool:
    """Send a page that says that it is a test to one sink, once; return whether the sink took it."""
    if settings.routes_file is None:
        raise ConfigurationError(_NO_FILE)
    _, sinks = sinks_of(settings, settings.routes_file)
    chosen = next((each for each in sinks if each.name == sink), None)
    if chosen is None:
        raise ConfigurationError(f"There is no sink {one_line(sink)}: there are {', '.join(s.name for s in sinks)}.")
    page = test_page(SystemClock().now(), draw_unique=lambda: uuid4().hex)
    try:
        chosen.notifier.deliver(page)
    except FirstlineError as failure:
        sys.stderr.write(f"{chosen.name}: {one_line(STATELESS_MASKER.checked(str(failure)))}\n")
        return False
    sys.stdout.write(f"{chosen.name} took the test page {page.incident.incident_id}: look there.\n")
    return True


def retry_sink(settings: Settings, sink: str) -> None:
    """Let the consumers send again what no sink took and this one was given up for."""
    redis, name = connect(settings), one_line(sink)
    with confirmed(f"the pages of {name} are sent again", look="firstline status"):
        count = Deliveries(redis).retry(sink)
    sys.stdout.write(f"{name}: {count} {'incident is' if count == 1 else 'incidents are'} sent again.\n")


def _samples(settings: Settings, routes: Routes) -> Iterator[_Sample]:
    now = SystemClock().now()
    for service, owner, server_id in _kinds_of_servers(settings, routes):
        for severity in Severity:
            result = sample_of(severity, now=now, server_id=server_id, service=service, owner=owner)
            sinks = dict(routes.sinks_for(result, now))
            yield _Sample(severity=severity, service=service, team=owner, server=server_id, sinks=sinks)


def _kinds_of_servers(settings: Settings, routes: Routes) -> list[tuple[str | None, str | None, str | None]]:
    """Return a server for each service and team of the inventory; without one, what the routes name, and nothing."""
    kinds: dict[tuple[str | None, str | None], str | None] = {}
    try:
        inventory = read_inventory_file(settings.inventory_file, environment=read_environment())
    except ConfigurationError as failure:
        sys.stderr.write(f"Samples are of what the routes name: {one_line(str(failure).splitlines()[0])}\n")
        services = sorted({name for route in routes.routes for name in route.services or ()})
        teams = sorted({name for route in routes.routes for name in route.teams or ()})
        kinds = {**{(service, None): None for service in services}, **{(None, team): None for team in teams}}
    else:
        for server_id, table in sorted(inventory.servers.items()):
            kinds.setdefault((table.service, table.owner), server_id.replace("*", "x"))
    kinds[(None, None)] = None
    return [(service, owner, server_id) for (service, owner), server_id in kinds.items()]


def _table_of_routes(routes: Routes) -> Table:
    table = Table("route", "takes", "sinks", "then")
    for number, route in enumerate(routes.routes, 1):
        cells = (str(number), _asks_for(route), ", ".join(route.sinks), "goes on" if route.goes_on else "ends")
        table.add_row(*map(Text, cells))
    table.add_row(*map(Text, ("default", "what no route takes", ", ".join(routes.default), "ends")))
    return table


def _asks_for(route: Route) -> str:
    lists = {
        "severity": route.severities,
        "team": route.teams,
        "service": route.services,
        "server": route.servers,
        "disposition": None if route.dispositions == NEEDS_SOMEBODY else route.dispositions,
    }
    asked = [f"{name} {' or '.join(sorted(values))}" for name, values in lists.items() if values is not None]
    if route.hours is not None:
        asked.append(_open_in_words(route.hours))
    return one_line("; ".join(asked)) or "everything that needs somebody"


def _open_in_words(hours: Hours) -> str:
    days = "" if hours.days == EVERY_DAY else f" on {', '.join(DAYS[day] for day in sorted(hours.days))}"
    return f"from {hours.begins:%H:%M} to {hours.ends:%H:%M} ({hours.zone}){days}"


def _table_of_samples(samples: list[_Sample]) -> Table:
    table = Table("service", "team", *(severity.value for severity in Severity))
    rows: dict[tuple[str | None, str | None], list[str]] = {}
    for sample in samples:
        rows.setdefault((sample.service, sample.team), []).append(_sinks_in_words(sample.sinks))
    for (service, team), cells in rows.items():
        table.add_row(*map(Text, (one_line(service or "any other"), one_line(team or ""), *cells)))
    return table


def _sinks_in_words(sinks: dict[str, datetime | None]) -> str:
    words = [name if until is None else f"{name} (from {until:%a %H:%M}Z)" for name, until in sinks.items()]
    return ", ".join(words) or "nowhere"
