"""What waits for engineers, on a terminal: one table, most urgent on top, and one incident with its history.

Pure: readings in, text out. Everything from outside is made visible, and no secret is shown.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.table import Table
from rich.text import Text

from worker.cli.words import one_line
from worker.contract.handling import Handling, HandlingState
from worker.redaction import SECRETS_MASKER
from worker.registry.handling_view import Waiting

__all__ = ["as_record", "history_of", "table_of"]

_STYLES: Final = {"critical": "bold red", "warning": "yellow", "info": "dim"}
_UNREADABLE: Final = "its entry can't be read"


def table_of(lines: Iterable[Waiting], *, count: int, now: datetime) -> Table:
    """Return the list as a table; `count` is how many wait in all."""
    shown = tuple(lines)
    more = f", of which {len(shown)} are shown" if len(shown) < count else ""
    title = f"{count} {'incident waits' if count == 1 else 'incidents wait'} for engineers{more}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, expand=True)
    for name, options in _COLUMNS.items():
        table.add_column(name, no_wrap=True, **options)  # type: ignore[arg-type]
    for line in shown:
        table.add_row(*_cells(line, now))
    return table


_COLUMNS: Final[dict[str, dict[str, object]]] = {
    "urgency": {},
    "incident": {},
    "waits": {"justify": "right"},
    "with": {"max_width": 20},
    "server": {"max_width": 28},
    "what": {"overflow": "ellipsis", "ratio": 1},
}


def _cells(line: Waiting, now: datetime) -> tuple[Text, ...]:
    concluded = line.concluded
    urgency = concluded.severity if concluded else "?"
    words = f"{concluded.disposition}, {concluded.ending}: {concluded.summary}" if concluded else _UNREADABLE
    cells = (urgency, line.incident_id, _age(now - line.waits_since), _holder(line), _server(line), words)
    styles = (_STYLES.get(urgency, ""), "", "", "", "", "")
    return tuple(Text(_shown(cell), style=style) for cell, style in zip(cells, styles, strict=True))


def _holder(line: Waiting) -> str:
    if line.person is None:
        return "nobody"
    return f"{line.person} (ack)" if line.state is HandlingState.ACKNOWLEDGED else line.person


def _server(line: Waiting) -> str:
    return (line.concluded and line.concluded.server_id) or "unknown"


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds())) // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


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
