"""What `firstline poll` and `firstline watch` share: one round after the other until SIGTERM, and a line a verdict."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable

from producers.intake import Verdict
from worker.cli.words import one_line
from worker.contract import Alert

__all__ = ["print_verdicts", "take_rounds"]

_TEXT_LIMIT_CHARACTERS = 160


def take_rounds(take_round: Callable[[], object], *, interval_seconds: float) -> None:
    """Take a round every so many seconds, from the beginning of one to that of the next, until SIGTERM.

    The round that is under way is finished first. A round that takes longer than the interval delays the next.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    while not stop.is_set():
        began_seconds = time.monotonic()
        take_round()
        stop.wait(max(0.0, interval_seconds - (time.monotonic() - began_seconds)))


def print_verdicts(told: Iterable[tuple[Alert, Verdict]], *, as_json: bool) -> None:
    """Print one line for each, at once: whoever reads the pipe waits for it."""
    for alert, verdict in told:
        text = one_line(alert.text.partition("\n")[0])[:_TEXT_LIMIT_CHARACTERS]
        said = {
            "answer": str(verdict.answer),
            "incident_id": verdict.incident_id,
            "server_id": alert.server_id,
            "text": text,
        }
        plain = f"{verdict.answer}  {one_line(verdict.incident_id)}  {one_line(alert.server_id or '-')}  {text}"
        sys.stdout.write(f"{json.dumps(said) if as_json else plain}\n")
    sys.stdout.flush()
