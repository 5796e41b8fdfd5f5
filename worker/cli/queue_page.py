"""What waits for engineers, on a terminal: one table, most urgent on top, and one incident with its history.

Pure: readings in, text out. Everything from outside is made visible, and no secret is shown. Which columns
fit a terminal is said in `queue_columns.py`, what a line says of an incident in `queue_summary.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from worker.cli.ages import age_in_words
from worker.cli.queue_columns import COLUMNS, GAP, fitted
from worker.cli.queue_summary import in_short
from worker.cli.words import one_line
from worker.contract.handling import Handling, HandlingState
from worker.contract.result import Disposition, RestartOutcome
from worker.redaction import SECRETS_MASKER
from worker.registry.handling_view import Waiting

__all__ = ["Listed", "as_record", "history_of", "table_of"]

_STYLES: Final = {"critical": "bold red", "warning": "yellow", "info": "dim"}
_UNREADABLE: Final = "its entry can't be read"
_BECAME: Final[Mapping[Disposition, str]] = {
    Disposition.AWAITING_APPROVAL: "to approve",
    Disposition.DEAD_LETTERED: "dead letter",
}
_TRIED: Final[Mapping[RestartOutcome | None, str]] = {
    RestartOutcome.NOT_RESTORED: "restarted: ",
    RestartOutcome.RESTORED: "restarted: ",
    RestartOutcome.UNKNOWN: "restart unknown: ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Lines of the list, of `waiting` in all; `fitting` counts those that were asked for, None is all. `flaw` warns."""

    lines: tuple[Waiting, ...]
    waiting: int
    fitting: int | None = None
    flaw: str = ""

    @property
    def not_shown(self) -> int:
        """How many of what was asked for are not among the lines."""
        return (self.waiting if self.fitting is None else self.fitting) - len(self.lines)


def table_of(listed: Listed, *, now: datetime, width: int) -> Group:
    """Return the list for a terminal of so many columns: how many wait, and a table of the lines.

    Who has each stands there once somebody has one.
    """
    is_held = any(line.person is not None or line.state is None for line in listed.lines)
    names = [name for name in COLUMNS if is_held or name != "with"]
    rows, widths = fitted([_cells(line, now) for line in listed.lines], names, width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    for name, characters in widths.items():
        is_id = name == "incident"
        table.add_column(name, width=characters, no_wrap=not is_id, overflow="fold" if is_id else "ellipsis")
    for row in rows:
        table.add_row(*(row[name] for name in widths))
    warning = [Text(_shown(listed.flaw), style="bold")] if listed.flaw else []
    return Group(Text(_title(listed), style="italic"), *warning, *([table] if rows else []))


def _title(listed: Listed) -> str:
    incidents = "incident" if listed.waiting == 1 else "incidents"
    unseen = f", {listed.not_shown} of them not shown" if listed.not_shown else ""
    if listed.fitting is not None:
        return f"{listed.fitting} of {listed.waiting} waiting {incidents}{unseen}"
    return f"{listed.waiting} {incidents} {'waits' if listed.waiting == 1 else 'wait'} for engineers{unseen}"


def _cells(line: Waiting, now: datetime) -> dict[str, Text]:
    concluded = line.concluded
    urgency = concluded.severity if concluded else "?"
    age = age_in_words((now - line.waits_since).total_seconds())
    texts = (urgency, line.incident_id, age, _holder(line), _server(line), _what(line))
    cells = {name: Text(_shown(text)) for name, text in zip(COLUMNS, texts, strict=True)}
    cells["urgency"].stylize(_STYLES.get(urgency, ""))
    return cells


def _holder(line: Waiting) -> str:
    if line.state is None:
        return "unreadable"
    if line.person is None:
        return "nobody"
    return f"ack {line.person}" if line.state is HandlingState.ACKNOWLEDGED else line.person


def _what(line: Waiting) -> str:
    """Return the summary in short; most are escalated and not restarted, so only what else became of one is said."""
    concluded = line.concluded
    if concluded is None:
        return _UNREADABLE
    told, disposition = in_short(_shown(concluded.summary)), concluded.disposition
    if disposition is Disposition.ESCALATED:
        return f"{_TRIED.get(concluded.restart, '')}{told}"
    return f"{_BECAME.get(disposition, disposition.replace('_', ' '))}: {told}"


def _server(line: Waiting) -> str:
    return (line.concluded and line.concluded.server_id) or "unknown"


def as_record(line: Waiting) -> dict[str, object]:
    """Return one line for pipes; its names are stable. What can't be read is null."""
    concluded = line.concluded
    told = concluded.model_dump(mode="json") if concluded else {}
    names = ("severity", "server_id", "service", "disposition", "ending", "finished_at", "summary")
    record: dict[str, object] = {
        "incident_id": line.incident_id,
        "state": line.state,
        "person": line.person,
        "waits_since": line.waits_since.isoformat(),
        "opened_at": line.opened_at and line.opened_at.isoformat(),
    }
    texts = {**record, **{name: told.get(name) for name in names}}
    return {name: SECRETS_MASKER.checked(text) if isinstance(text, str) else text for name, text in texts.items()}


def history_of(handling: Handling) -> str:
    """Return one incident's handling: its state, and what was done, oldest first."""
    holder = f", by {_shown(handling.person)}" if handling.person else ""
    lines = [f"{_shown(handling.incident_id)}  {handling.state}{holder}"]
    for handled in handling.history:
        words = f": {_shown(handled.words)}" if handled.words else ""
        at = f"{handled.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
        lines.append(f"  {at}  {_shown(handled.person)}  {handled.action}{words}")
    return "\n".join([*lines, ""])


def _shown(text: str) -> str:
    return one_line(SECRETS_MASKER.checked(text))
