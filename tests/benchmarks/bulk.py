"""What bulk intake costs, as ratios in one run on one server: `make bench`.

Intake writes registry entry, deduplication, group and queue message of 500 incidents in one script. Beside it, on the
same Valkey with its append-only file on `always`: Celery's own `delay` in a loop, and `rq.enqueue_many`. The bare
envelopes are only rendered and pushed, 500 a command, beside an `LPUSH` of the same bytes that were rendered before:
as fast as a server and a socket can be. Each is the median of several turns; all take turns, so that a busy moment
meets them all; the server does not rewrite its append-only file meanwhile, for that meets one of them. Last, the cost
of intake and the bytes in Redis by how many incidents wait.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Any, Final

from celery import Celery
from redis import Redis
from rq import Queue

from producers.intake import BATCH_SIZE, connect, take_in
from producers.sources.alert import Arrival, Reported, alert_of
from worker.contract import Alert
from worker.contract.queue import render_message
from worker.embedded import EmbeddedValkey

_INCIDENTS: Final = 3_000
_TURNS: Final = 15
_START: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
_OPEN_LIMIT: Final = 10_000_000
_RATIOS: Final = (
    ("firstline intake", "celery delay"),
    ("firstline intake", "rq enqueue_many"),
    ("bare envelopes", "lpush of the same bytes"),
    ("bare envelopes", "celery delay"),
    ("bare envelopes", "rq enqueue_many"),
)
_numbers = count()


def alerts(number: int) -> list[Alert]:
    """Return new alerts of as many servers, as a usual rule of Prometheus words them."""
    return [_alert(next(_numbers)) for _ in range(number)]


def _alert(number: int) -> Alert:
    server = f"payment-server-{number:07}"
    reported = Reported(
        text=f"HighErrorRate: 5.2 % of the requests to {server} have failed for 5 minutes.",
        labels={"alertname": "HighErrorRate", "instance": f"{server}:9100", "job": "payments", "cluster": "eu-west-1"},
        severity="warning",
        started_at=(_START + timedelta(seconds=number)).isoformat(),
        condition=f"{number:016x}",
    )
    return alert_of(reported, Arrival(received_at=_START, unique="bench", source="alertmanager"))


def _batched(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    waiting = iter(items)
    while part := list(islice(waiting, size)):
        yield part


def noop(incident_id: str) -> None:
    """Stand for the task of rq and Celery."""


class _Contest:
    """The competitors; each takes a list of alerts, and returns the seconds that it took."""

    def __init__(self, redis: Redis, url: str) -> None:
        self._redis, self._producer = redis, connect(url)
        app = Celery("bench", broker=url)
        app.conf.task_ignore_result = True
        self._task = app.task(name="bench.noop")(noop)
        self._queue = Queue("bench", connection=Redis.from_url(url))

    def intake(self, batch: Sequence[Alert]) -> None:
        """Take everything in, as a producer does."""
        assert sum(1 for _ in take_in(self._producer, batch, open_limit=_OPEN_LIMIT)) == len(batch)

    def bare(self, batch: Sequence[Alert]) -> None:
        """Render envelopes that a Celery worker consumes, and push them, without a registry."""
        for part in _batched(batch, BATCH_SIZE):
            self._redis.lpush("bench:bare", *_messages(part))

    def lpush(self, messages: Sequence[str]) -> None:
        """Push envelopes that are rendered already: what a server and a socket can do at most."""
        for part in _batched(messages, BATCH_SIZE):
            self._redis.lpush("bench:list", *part)

    def delay(self, batch: Sequence[Alert]) -> None:
        """Enqueue by Celery's own way, one after the other."""
        for alert in batch:
            self._task.delay(alert.incident_id)

    def rq(self, batch: Sequence[Alert]) -> None:
        """Enqueue by rq's own bulk call."""
        for part in _batched(batch, BATCH_SIZE):
            self._queue.enqueue_many([Queue.prepare_data(noop, args=(alert.incident_id,)) for alert in part])


def _messages(batch: Sequence[Alert]) -> list[str]:
    return [render_message(alert.incident_id, "triage.p2") for alert in batch]


def _compete(redis: Redis, url: str) -> dict[str, float]:
    """Return the incidents a second of each competitor: the median of its turns."""
    contest = _Contest(redis, url)
    entries: dict[str, tuple[Callable[[Any], None], Callable[[list[Alert]], Any], int]] = {
        "firstline intake": (contest.intake, list, _INCIDENTS),
        "bare envelopes": (contest.bare, list, _INCIDENTS),
        "lpush of the same bytes": (contest.lpush, _messages, _INCIDENTS),
        "celery delay": (contest.delay, list, _INCIDENTS // 5),
        "rq enqueue_many": (contest.rq, list, _INCIDENTS // 2),
    }
    speeds: dict[str, list[float]] = {name: [] for name in entries}
    for turn in range(_TURNS + 1):
        for name, (run, prepared, number) in entries.items():
            batch = prepared(alerts(number))
            started = time.perf_counter()
            run(batch)
            if turn:  # the first makes connections and loads scripts
                speeds[name].append(number / (time.perf_counter() - started))
    return {name: median(each) for name, each in speeds.items()}


def _flatness(redis: Any, url: str, sizes: Sequence[int]) -> Iterator[str]:
    """Yield the cost of one more batch, and the bytes an incident takes, with so many waiting."""
    producer, waiting = connect(url), 0
    list(take_in(producer, alerts(BATCH_SIZE)))  # the script is loaded, the connection has its buffers
    redis.flushall()
    empty_bytes = redis.info("memory")["used_memory"]
    for size in sizes:
        while waiting < size:
            more = min(size - waiting, 30_000)
            for _ in take_in(producer, alerts(more), open_limit=_OPEN_LIMIT, batch_size=1000):
                pass
            waiting += more
        bytes_each = (redis.info("memory")["used_memory"] - empty_bytes) / waiting
        costs = []
        for _ in range(9):
            batch = alerts(BATCH_SIZE)
            started = time.perf_counter()
            list(take_in(producer, batch, open_limit=_OPEN_LIMIT))
            costs.append((time.perf_counter() - started) / BATCH_SIZE)
            waiting += BATCH_SIZE
        yield f"{size:>9,} waiting: {1e6 * median(costs):5.1f} us an incident, {bytes_each:,.0f} bytes each"


def main() -> None:
    """Print the ratios, then the cost by how many wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=1_000_000, help="how many incidents wait at most")
    parser.add_argument("--json", action="store_true", help="only the medians, as JSON")
    options = parser.parse_args()
    with _valkey() as (url, redis):
        redis.config_set("auto-aof-rewrite-percentage", 0)
        medians = _compete(redis, url)
        if options.json:
            sys.stdout.write(json.dumps(medians) + "\n")
            return
    for name, speed in medians.items():
        sys.stdout.write(f"{name:<24} {speed:>9,.0f} a second\n")
    for ours, theirs in _RATIOS:
        sys.stdout.write(f"{ours} is {medians[ours] / medians[theirs]:.2f} times as fast as {theirs}\n")
    sizes = [size for size in (1_000, 10_000, 100_000, 1_000_000) if size <= options.largest]
    with _valkey() as (url, redis):
        for line in _flatness(redis, url, sizes):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


@contextmanager
def _valkey() -> Iterator[tuple[str, Redis]]:
    with (
        tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder,
        EmbeddedValkey(Path(folder) / "valkey") as valkey,
        Redis.from_url(valkey.url, decode_responses=True, socket_timeout=60) as redis,
    ):
        yield valkey.url, redis


if __name__ == "__main__":
    main()
