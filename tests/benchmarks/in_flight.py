"""How well two worker processes keep 400 incidents in flight: `make bench`.

A stub endpoint answers after one second, each incident needs three answers, so the ideal is three seconds for each 400.
What is printed are ratios and costs of one run on this machine; the stub and Valkey share its cores with the workers.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from producers.intake import connect, take_in
from producers.sources.plain import parse_text
from tests.house import WELL, record, write_house
from tests.programs import environment_of, running, wait_until
from worker.contract.queue import RESULTS_STREAM
from worker.contract.result import Ending, TriageResult
from worker.embedded import EmbeddedValkey
from worker.registry.view import RegistryView

PROCESSES = 2
THREADS = 200
CALLS = 3
DELAY_SECONDS = 1.0
SERVERS = 20
GENEROUS = """
[rate_limits.get_server_health]
per_server = 100000
fleet = 1000000
[rate_limits.fetch_recent_logs]
per_server = 100000
fleet = 1000000
"""


@dataclass(frozen=True)
class Figures:
    """One run: seconds from the first submission to the last result, and what the workers used for it."""

    wall_seconds: float
    ideal_seconds: float
    cpu_milliseconds: float
    memory_mib: float

    def __str__(self) -> str:
        return (
            f"efficiency {self.ideal_seconds / self.wall_seconds:.2f} "
            f"(ideal {self.ideal_seconds:.1f} s / wall {self.wall_seconds:.2f} s), "
            f"{self.cpu_milliseconds:.1f} CPU ms an incident, {self.memory_mib:.0f} MiB a process"
        )


def measure(folder: Path, *, incidents: int) -> Figures:
    """Run the whole house once: Valkey, endpoint, two workers, and `incidents` incidents."""
    services = {f"server-{number:02d}": "search" for number in range(SERVERS)}
    for server_id in services:
        record(folder / server_id, WELL, "ERROR connect to 10.0.0.7:9200: Connection refused\n" * 40)
    settings = write_house(folder, services, policy=GENEROUS)
    with ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
        endpoint = stack.enter_context(_endpoint())
        settings |= {"redis_url": valkey.url, "worker_concurrency": THREADS, "log_level": "WARNING"}
        environment = environment_of(settings) | {"OPENAI_BASE_URL": endpoint}
        workers = [stack.enter_context(_worker(folder, environment, number)) for number in range(PROCESSES)]
        with Redis.from_url(valkey.url, decode_responses=True) as redis:
            registry = RegistryView(redis)
            wait_until(lambda: len(registry.workers()) == PROCESSES, seconds=60)
            _run(redis, valkey.url, incidents=PROCESSES * THREADS)  # connections are made, code is loaded
            cpu_before = sum(_cpu_seconds(worker) for worker in workers)
            wall_seconds = _run(redis, valkey.url, incidents=incidents)
            cpu_seconds = sum(_cpu_seconds(worker) for worker in workers) - cpu_before
            memory_bytes = sum(worker.memory_full_info().pss for worker in workers)
    return Figures(
        wall_seconds=wall_seconds,
        ideal_seconds=incidents / (PROCESSES * THREADS) * CALLS * DELAY_SECONDS,
        cpu_milliseconds=cpu_seconds * 1000 / incidents,
        memory_mib=memory_bytes / PROCESSES / 2**20,
    )


def _run(redis: Redis, url: str, *, incidents: int) -> float:
    before = redis.xlen(RESULTS_STREAM)
    batch = [
        parse_text(
            f"server-{number % SERVERS:02d} is broken", received_at=datetime.now(UTC), unique=f"{before}-{number}"
        )
        for number in range(incidents)
    ]
    started = time.monotonic()
    accepted = list(take_in(connect(url), batch))
    wait_until(lambda: redis.xlen(RESULTS_STREAM) - before == len(accepted), seconds=300)
    wall_seconds = time.monotonic() - started
    _check(redis, newest=incidents)
    return wall_seconds


def _check(redis: Any, *, newest: int) -> None:
    """Refuse to print a figure of anything but whole triages: a stub that died would look twice as fast."""
    for _, fields in redis.xrevrange(RESULTS_STREAM, count=newest):
        result = TriageResult.model_validate_json(fields["result"])
        if (result.ending, result.spent.steps) != (Ending.ESCALATED_BY_MODEL, CALLS):
            raise SystemExit(f"not a whole triage: {result.ending} after {result.spent.steps} steps: {result.summary}")


@contextmanager
def _endpoint() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.endpoint", "--delay", str(DELAY_SECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            yield program.stdout.readline().strip()
        finally:
            program.terminate()


@contextmanager
def _worker(folder: Path, environment: dict[str, str], number: int) -> Iterator[psutil.Process]:
    named = environment | {"FIRSTLINE_WORKER_NAME": f"bench-{number}"}
    command = (sys.executable, "-m", "worker.cli", "worker")
    with running(*command, environment=named, log=folder / f"worker-{number}.log") as program:
        yield psutil.Process(program.pid)


def _cpu_seconds(worker: psutil.Process) -> float:
    times = worker.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Print the figures of a few runs; the median of the efficiency is the one to quote."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=1200)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    in_flight = PROCESSES * THREADS
    sys.stdout.write(f"{options.incidents} incidents, {in_flight} in flight on {PROCESSES} processes, ")
    sys.stdout.write(f"{CALLS} answers of {DELAY_SECONDS:g} s each\n")
    found = []
    for number in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
            figures = measure(Path(folder), incidents=options.incidents)
        found.append(figures)
        sys.stdout.write(f"run {number + 1}: {figures}\n")
        sys.stdout.flush()
    best_first = sorted(found, key=lambda figures: figures.wall_seconds)
    sys.stdout.write(f"median: {best_first[len(best_first) // 2]}\n")


if __name__ == "__main__":
    main()
