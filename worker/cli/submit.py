"""`firstline submit`: incidents in, a verdict for each out, and nothing lost behind a bad line."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import BinaryIO, Final
from uuid import uuid4

from redis import Redis
from rich.console import Console
from rich.progress import Progress

from producers.intake import BATCH_SIZE, Answer, IntakeUnavailable, StormRules, connect, take_in
from producers.intake_file import read_intake_file
from producers.settings import ProducerSettings
from producers.sources.alert import AlertError
from producers.sources.plain import Parsed, Rejection, parse_stream, parse_text
from worker.cli.words import one_line
from worker.errors import ConfigurationError

__all__ = ["submit_file", "submit_text"]

_BATCH: Final = BATCH_SIZE


@dataclass(frozen=True, slots=True)
class _Door:
    """Where alerts go, under which rules, and how their verdicts are printed."""

    redis: Redis
    storms: StormRules
    as_json: bool
    is_file: bool


def submit_text(settings: ProducerSettings, text: str, *, as_json: bool) -> bool:
    """Take one incident in; True when it was accepted."""
    file = read_intake_file(settings.intake_file)
    door = _Door(connect(str(settings.redis_url)), file.storms, as_json=as_json, is_file=False)
    try:
        incident = parse_text(text, received_at=datetime.now(UTC), unique=uuid4().hex, fields=file.fields)
    except AlertError as error:
        return _take_in(door, [Parsed(1, Rejection(str(error)))], first=1)
    return _take_in(door, [Parsed(1, incident)], first=1)


def submit_file(settings: ProducerSettings, path: Path, *, as_json: bool) -> bool:
    """Take in every alert of a file, `-` for standard input; True when none was rejected or refused."""
    file, console = read_intake_file(settings.intake_file), Console(stderr=True)
    door = _Door(connect(str(settings.redis_url)), file.storms, as_json=as_json, is_file=True)
    is_whole, first = True, 1
    # Verdicts must stay on standard output, whatever the bar does on standard error.
    bar = Progress(
        console=console, transient=True, disable=not console.is_terminal, redirect_stdout=False, redirect_stderr=False
    )
    with _opened(path) as stream, bar:
        task = bar.add_task("submitting", total=_size_bytes(path))
        parsed = parse_stream(stream, now=lambda: datetime.now(UTC), unique=uuid4().hex, fields=file.fields)
        for batch in _batches(parsed):
            is_whole &= _take_in(door, batch, first=first)
            first += len(batch)
            if stream.seekable():
                bar.update(task, completed=stream.tell())
    return is_whole


def _batches(parsed: Iterator[Parsed]) -> Iterator[list[Parsed]]:
    """Yield what is there, at most `_BATCH` at once: a slow pipe's alert goes on at once, a full one's in bulk."""
    waiting: Queue[Parsed | Exception | None] = Queue(maxsize=2 * _BATCH)
    Thread(target=_fill, args=(parsed, waiting), name="parser", daemon=True).start()
    while (found := waiting.get()) is not None:
        batch: list[Parsed] = []
        while isinstance(found, Parsed):
            batch.append(found)
            if len(batch) == _BATCH or waiting.empty():
                break
            found = waiting.get()
        if batch:
            yield batch
        if isinstance(found, Exception):
            raise found
        if found is None:
            return


def _fill(parsed: Iterator[Parsed], waiting: "Queue[Parsed | Exception | None]") -> None:
    try:
        for found in parsed:
            waiting.put(found)
        waiting.put(None)
    except (OSError, ValueError) as error:  # what reading the stream raises; it belongs to the main thread
        waiting.put(error)


def _take_in(door: _Door, batch: Sequence[Parsed], *, first: int) -> bool:
    alerts = [found.outcome for found in batch if not isinstance(found.outcome, Rejection)]
    try:
        answers = list(take_in(door.redis, alerts, storms=door.storms))
    except IntakeUnavailable as error:
        raise IntakeUnavailable(
            f"From line {batch[0].line_number} on nothing was confirmed. {error}. What has no `timestamp` is a new "
            "incident each time it is sent."
        ) from error
    is_whole = True
    verdicts = iter(answers)
    for number, (line_number, outcome) in enumerate(batch, start=first):
        said: dict[str, object] = {"line": line_number, "alert": number} if door.is_file else {}
        if isinstance(outcome, Rejection):
            said |= {"answer": "rejected", "reason": outcome.reason}
            is_whole = False
        else:
            incident_id, answer = next(verdicts)
            said |= {"answer": str(answer), "incident_id": incident_id}
            is_whole &= answer is not Answer.FULL
        _print(said, as_json=door.as_json)
    return is_whole


def _print(verdict: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        line = json.dumps(verdict)
    else:
        number = f"line {verdict['line']}: " if "line" in verdict else ""
        line = (
            one_line(f"{number}{verdict['answer']}") + f"  {one_line(verdict.get('incident_id') or verdict['reason'])}"
        )
    sys.stdout.write(f"{line}\n")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
        if sys.stdin is None:
            raise ConfigurationError("Standard input is closed: give a file, or pipe alerts in.")
        yield sys.stdin.buffer
        return
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from error
    with stream:
        yield stream


def _size_bytes(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
