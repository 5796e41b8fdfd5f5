"""A producer that spools as fast as it can and tells each promise that it was given: made to be killed at any moment.

`python -m tests.producers.spool_crash DIRECTORY REDIS_PORT FIRST_NUMBER [--careless]` prints one line of numbers a
batch after its SPOOLED; with `drain` as FIRST_NUMBER it adds nothing and ends once the spool is empty. Careless, the
control: the inner door says yes first and takes in later, so that a segment is deleted before intake has answered.
"""

import random
import sys
import threading
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from producers import Answer, Verdict, connect
from producers.door import Door, RedisDoor
from producers.spool import open_spool
from tests.producers.spool_fakes import firing
from worker.contract import Alert, Severity

__all__ = ["ALERTS_A_SERVER", "alert_of"]

ALERTS_A_SERVER: Final = 4
LARGEST_BATCH: Final = 40
LATENESS_SECONDS: Final = 0.05


def alert_of(number: int) -> Alert:
    """Return alert `number`; some of one server follow each other, and every fifth server's are critical."""
    server = number // ALERTS_A_SERVER
    severity = Severity.CRITICAL if server % 5 == 0 else Severity.WARNING
    return firing(number, severity).model_copy(update={"group": f"server=server-{server}"})


class CarelessDoor:
    """Says yes before it asks the door behind it, some moments later."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def take_in(self, alerts: Sequence[Alert]) -> list[Verdict]:
        threading.Timer(LATENESS_SECONDS, self._door.take_in, [list(alerts)]).start()
        return [Verdict(alert.incident_id, Answer.ACCEPTED) for alert in alerts]

    def unready(self) -> str | None:
        return self._door.unready()


def main(directory: Path, port: int, first: str, *, is_careless: bool) -> None:
    """Spool until it is killed, or drain."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    redis_door = RedisDoor(connect(f"redis://127.0.0.1:{port}"))
    with open_spool(directory, CarelessDoor(redis_door) if is_careless else redis_door) as spool:
        if first == "drain":
            while list(directory.glob("*.jsonl")):
                time.sleep(0.05)
            return
        chance = random.Random(first)
        numbers = count(int(first))
        while True:
            batch = [next(numbers) for _ in range(chance.randint(1, LARGEST_BATCH))]
            spool.take_in([alert_of(number) for number in batch])
            print(*batch, flush=True)  # noqa: T201 - the promises
            time.sleep(chance.random() * 0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], is_careless="--careless" in sys.argv)
