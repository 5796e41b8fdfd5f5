"""The scoreboard: what the demo shows of each incident while it runs, and the table at its end. Reads, never writes."""

import re
from dataclasses import dataclass

from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from worker.contract.incident import Incident
from worker.contract.result import Disposition, RestartOutcome, RestartRecord
from worker.contract.transcript import Observation
from worker.registry.view import RegistryEntry, RegistryView

__all__ = ["Scoreboard"]

_QUOTATION_LENGTH = 80
_LOG_PREFIX = re.compile(r"^\S*\d\d:\d\d\S*\s+")
_COLOURS = {
    Disposition.RECOVERED: "bold green",
    Disposition.NO_ACTION: "cyan",
    Disposition.ESCALATED: "bold yellow",
}
_DOING = {
    "get_server_health": "read health",
    "fetch_recent_logs": "read logs",
    "restart_service": "restarted, verified",
    "escalate_to_engineer": "handed over",
}


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The incidents of one demo; rich asks it for the table again and again."""

    registry: RegistryView
    incidents: tuple[Incident, ...]

    def entries(self) -> list[RegistryEntry | None]:
        """Read every incident from the registry, in the order of submission."""
        return [self.registry.find(incident.incident_id) for incident in self.incidents]

    def is_complete(self) -> bool:
        """Whether every incident has its result."""
        return all(entry is not None and entry.result is not None for entry in self.entries())

    def __rich__(self) -> Table:
        table = Table(expand=True, show_lines=True)
        for title, ratio in (("incident", 5), ("what was seen", 5), ("what was done", 5)):
            table.add_column(title, ratio=ratio)
        table.add_column("disposition", no_wrap=True)
        table.add_column("s", justify="right", no_wrap=True)
        for incident, entry in zip(self.incidents, self.entries(), strict=True):
            name = incident.server_id or (entry.result.server_id if entry and entry.result else None)
            table.add_row(Text.assemble((f"{name or '?'}\n", "bold"), incident.text), *_cells(entry))
        return table


def _cells(entry: RegistryEntry | None) -> tuple[Text | Spinner, ...]:
    if entry is None or not entry.epoch:
        return (Text("waiting", "dim"), Text(), Spinner("dots"), Text())
    observations = tuple(seen for step in entry.steps for seen in step.observations)
    result = entry.result
    if result is None:
        doing = [_DOING.get(seen.tool, seen.tool) for seen in observations]
        return (Text(_seen(observations)), Text(" → ".join([*doing, "…"]), "dim"), Spinner("dots"), Text())
    seconds = (result.finished_at - entry.accepted_at).total_seconds()
    return (
        Text(_seen(observations) or result.summary),
        Text(_done(result.restart, observations)),
        Text(result.disposition, _COLOURS.get(result.disposition, "")),
        Text(f"{seconds:.1f}"),
    )


def _seen(observations: tuple[Observation, ...]) -> str:
    parts = []
    health = next((seen.health for seen in observations if seen.health is not None), None)
    if health is not None:
        figures = f"CPU {health.cpu_percent or 0:.0f} %, memory {health.memory_percent or 0:.0f} %"
        parts.append(", ".join(health.symptoms) or f"{health.status}, {figures}")
    logs = next((seen.logs for seen in observations if seen.logs is not None), None)
    if logs is not None:
        quotation = next(iter(logs.dependency_failures or logs.local_faults or logs.other_errors), None)
        parts.append(f"log: {_short(quotation)}" if quotation else "log: clean")
    return "; ".join(parts)


def _short(quotation: str) -> str:
    said = _LOG_PREFIX.sub("", quotation)
    return said if len(said) <= _QUOTATION_LENGTH else f"{said[:_QUOTATION_LENGTH]}…"


def _done(restart: RestartRecord | None, observations: tuple[Observation, ...]) -> str:
    if restart is not None:
        if restart.restarted_at is None:
            return f"tried to restart ({restart.outcome.replace('_', ' ')}): {restart.detail}"
        word = "cured" if restart.outcome is RestartOutcome.RESTORED else "not cured"
        return f"restarted once, {word}: {restart.detail}"
    refusal = next((seen.refusal for seen in observations if seen.refusal is not None), None)
    return f"refused: {refusal.detail}" if refusal else "nothing was touched"
