"""`firstline submit`: incidents in, a verdict for each out, and nothing lost behind a bad line."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

from redis import Redis
from rich.console import Console
from rich.progress import Progress

from producers.intake import Answer, IntakeUnavailable, connect, take_in
from producers.sources.alert import AlertError
from producers.sources.plain import Parsed, Rejection, parse_stream, parse_text
from worker.contract.incident import Incident
from worker.errors import ConfigurationError, FirstlineError
from worker.settings import Settings

__all__ = ["submit_file", "submit_text"]

_BATCH: Final = 300


def submit_text(settings: Settings, text: str, *, as_json: bool) -> bool:
    """Take one incident in; True when it was accepted. Raises `FirstlineError` when it is none."""
    try:
        incident = parse_text(text, received_at=datetime.now(UTC), unique=uuid4().hex)
    except AlertError as error:
        raise FirstlineError(f"rejected: {error}") from error
    return _take_in(connect(str(settings.redis_url)), [Parsed(1, incident)], as_json=as_json, is_numbered=False)


def submit_file(settings: Settings, path: Path, *, as_json: bool) -> bool:
    """Take in every alert of a file, `-` for standard input; True when none was rejected or refused."""
    redis = connect(str(settings.redis_url))
    is_whole = True
    with _opened(path) as stream, Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("submitting", total=_size_bytes(path))
        parsed = parse_stream(stream, now=lambda: datetime.now(UTC), unique=uuid4().hex)
        while batch := list(islice(parsed, _BATCH if stream.seekable() else 1)):
            is_whole &= _take_in(redis, batch, as_json=as_json, is_numbered=True)
            if stream.seekable():
                progress.update(bar, completed=stream.tell())
    return is_whole


def _take_in(redis: Redis, batch: Sequence[Parsed], *, as_json: bool, is_numbered: bool) -> bool:
    incidents = [found.outcome for found in batch if isinstance(found.outcome, Incident)]
    try:
        answers = list(take_in(redis, incidents))
    except IntakeUnavailable as error:
        raise IntakeUnavailable(f"from line {batch[0].line_number} on nothing was confirmed: {error}") from error
    is_whole = True
    verdicts = iter(answers)
    for line_number, outcome in batch:
        said: dict[str, object] = {"line": line_number} if is_numbered else {}
        if isinstance(outcome, Rejection):
            said |= {"answer": "rejected", "reason": outcome.reason}
            is_whole = False
        else:
            incident_id, answer = next(verdicts)
            said |= {"answer": str(answer), "incident_id": incident_id}
            is_whole &= answer is not Answer.FULL
        _print(said, as_json=as_json)
    return is_whole


def _print(verdict: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        line = json.dumps(verdict, ensure_ascii=False)
    else:
        number = f"line {verdict['line']}: " if "line" in verdict else ""
        line = f"{number}{verdict['answer']}  {verdict.get('incident_id') or verdict.get('reason')}"
    sys.stdout.write(f"{line}\n")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if str(path) == "-":
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
