"""`firstline audit`: whether the log is whole, and the log itself for whoever keeps or reads it elsewhere.

It changes nothing. What is printed is masked once more; a spreadsheet and a terminal act on none of it.
"""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from worker.bootstrap import connect
from worker.cli.words import one_line
from worker.errors import FirstlineError
from worker.escalation.escaping import for_csv
from worker.redaction import SECRETS_MASKER
from worker.registry.audit import NOTHING_BEFORE, AuditLog, Place
from worker.registry.audit_chain import Verdict, judged
from worker.settings import RedisSettings

__all__ = ["Selection", "export", "selection", "verify"]

COLUMNS: Final = (
    "stream_id",
    "chained",
    "sequence",
    "at",
    "action",
    "incident_id",
    "person",
    "host",
    "why",
    "details",
    "entry_id",
    "previous",
    "hash",
)
_TEXTS: Final = ("person", "host", "why")
_SET_OR_NOT: Final = re.compile("(from )?(not )?set( to (not )?set)?")
_TOLD_EVERY: Final = 10_000
_REMEDY: Final = (
    "Nothing mends it by itself: keep a copy (`firstline audit export`), compare it with one that is kept elsewhere, "
    "and find out who may write to Redis."
)

Entry = tuple[str, dict[str, str]]
Selection = Callable[[Mapping[str, str]], bool]


def verify(settings: RedisSettings, anchors: list[Place], *, as_json: bool) -> None:
    """Say whether the log is whole. Raises `FirstlineError` that names the first broken place."""
    log = AuditLog(connect(settings))
    noted = log.noted()
    found = judged(_told_how_far(log.entries(), log.count()), noted=noted, anchors=anchors)
    if as_json:
        sys.stdout.write(f"{json.dumps(_as_record(found))}\n")
    if found.flaw is not None:
        told = " ".join(one_line(flaw) for flaw in found.flaws)
        raise FirstlineError(
            f"The audit is broken. {told} Entries in one chain before that: {found.entries}. {_REMEDY}"
        )
    if not as_json:
        sys.stdout.write(_as_text(found, is_anchored=bool(anchors)))


def _as_record(found: Verdict) -> dict[str, object]:
    return {
        "is_whole": found.flaw is None,
        "entries": found.entries,
        "unchained": found.unchained,
        "unchained_are_covered": found.are_covered,
        "anchor": _anchor(found.end),
        "flaw": found.flaw,
        "flaws": found.flaws,
    }


def _as_text(found: Verdict, *, is_anchored: bool) -> str:
    lines = [f"The audit is whole: {found.entries} entries, each chained to the one before."]
    if found.unchained:
        lines.append(f"{found.unchained} entries before them are older than the chain; its first entry covers them.")
    if found.end == NOTHING_BEFORE:
        return "The audit is empty: nothing was ever written, or all was taken away. Only an anchor tells.\n"
    if not is_anchored:
        lines.append(
            "Whoever can write to Redis can also write a chain anew, or cut off its end: only an anchor that is kept "
            "elsewhere tells. Keep this one, and give it to --anchor the next time:"
        )
    return "\n".join([*lines, f"anchor {found.end}", ""])


def export(settings: RedisSettings, selected: Selection, *, as_csv: bool) -> None:
    """Print the chosen entries, oldest first; the anchor of the whole log is the last line of standard error."""
    log = AuditLog(connect(settings))
    end = NOTHING_BEFORE
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if as_csv:
        writer.writerow(COLUMNS)
    for stream_id, fields in _told_how_far(log.entries(), log.count()):
        end = _place_of(fields) or end
        if not selected(fields):
            continue
        record = _masked({"stream_id": stream_id} | fields | {"chained": "yes" if "hash" in fields else "no"})
        if as_csv:
            writer.writerow([for_csv(record.get(name, "")) for name in COLUMNS])
        else:
            sys.stdout.write(f"{json.dumps(record)}\n")
    if (anchor := _anchor(end)) is not None:
        told = "Keep the anchor elsewhere: `firstline audit verify --anchor` tells by it what was cut off."
        sys.stderr.write(f"{told}\nanchor {anchor}\n")


def _anchor(end: Place) -> str | None:
    return None if end == NOTHING_BEFORE else str(end)


def _place_of(fields: Mapping[str, str]) -> Place | None:
    try:
        return Place.read(f"{fields['sequence']}:{fields['hash']}")
    except (KeyError, ValueError):
        return None


def _masked(fields: Mapping[str, str]) -> dict[str, str]:
    masked = {name: SECRETS_MASKER.checked(text) if name in _TEXTS else text for name, text in fields.items()}
    return masked | {"details": _masked_details(fields["details"])} if "details" in fields else masked


def _masked_details(text: str) -> str:
    """Mask each value under its name; of a secret, that it is set or not is all that the desk tells."""
    try:
        details = json.loads(text)
    except ValueError:
        return SECRETS_MASKER.checked(text)
    if not isinstance(details, dict):
        return SECRETS_MASKER.checked(text)
    told = {name: value for name, value in details.items() if _SET_OR_NOT.fullmatch(str(value))}
    others: Any = SECRETS_MASKER.checked_value({name: details[name] for name in details.keys() - told.keys()})
    return json.dumps(others | {SECRETS_MASKER.checked(name): value for name, value in told.items()}, sort_keys=True)


def _told_how_far(entries: Iterable[Entry], count: int) -> Iterator[Entry]:
    """Pass entries on, and tell a person at a terminal how far a long log is read."""
    for number, entry in enumerate(entries, start=1):
        yield entry
        if number % _TOLD_EVERY == 0 and sys.stderr.isatty():
            sys.stderr.write(f"{number} of {count} entries\n")


def selection(*, since: datetime | None, until: datetime | None, incident_id: str | None) -> Selection:
    """Choose entries by their own time and incident; times without a zone are UTC. An unreadable time is chosen."""

    def is_selected(fields: Mapping[str, str]) -> bool:
        if incident_id is not None and fields.get("incident_id") != incident_id:
            return False
        try:
            at = _aware(datetime.fromisoformat(fields.get("at", "")))
        except ValueError:
            return True
        return (since is None or at >= _aware(since)) and (until is None or at < _aware(until))

    return is_selected


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
