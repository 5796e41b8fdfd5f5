"""What the webhook bears: batches of 100 alerts, as Alertmanager sends them, to a real process: `make bench`.

Its Valkey writes every change to disk before it answers; sender, webhook and Valkey share this machine's cores. First
as fast as four connections can (the rate), then at 2,000 alerts/s (the milliseconds that a sender waits, from when its
batch was due, so that a stall counts for all that it held up). Every answer must be `accepted`, or there is no figure.
"""

import argparse
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from tests.programs import environment_of, running, wait_until
from worker.embedded import EmbeddedValkey

_TOKEN: Final = "benchmark-token-of-loopback"
_CONNECTIONS: Final = 4
_BATCH: Final = 100
_PACED_ALERTS_PER_SECOND: Final = 2_000


@dataclass(frozen=True)
class Figures:
    """One run: alerts a second at the most, and how long a sender waited for an answer at the pace."""

    alerts_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float

    def __str__(self) -> str:
        return (
            f"webhook: {self.alerts_per_second:,.0f} alerts/s in batches of {_BATCH} over {_CONNECTIONS} connections; "
            f"at {_PACED_ALERTS_PER_SECOND:,} alerts/s an answer takes {self.p50_milliseconds:.1f} ms, "
            f"p99 {self.p99_milliseconds:.1f} ms"
        )


def measure(folder: Path, *, alerts: int) -> Figures:
    """Start Valkey and webhook, and send `alerts` as fast as it goes, and as many again at the pace."""
    with EmbeddedValkey(folder / "valkey") as valkey, _intake(folder, valkey.url) as port:
        bodies = _bodies()
        _send(port, [next(bodies) for _ in range(20)], due=lambda _: 0)  # code is loaded, connections are made
        batches = [next(bodies) for _ in range(alerts // _BATCH)]
        seconds, _ = _send(port, batches, due=lambda _: 0)
        per_second = len(batches) * _BATCH / seconds
        batches = [next(bodies) for _ in range(alerts // _BATCH)]
        _, waits = _send(port, batches, due=lambda number: number * _BATCH / _PACED_ALERTS_PER_SECOND)
    ordered = sorted(waits)
    return Figures(
        alerts_per_second=per_second,
        p50_milliseconds=ordered[len(ordered) // 2] * 1000,
        p99_milliseconds=ordered[len(ordered) * 99 // 100] * 1000,
    )


def _send(port: int, batches: Sequence[bytes], *, due: Callable[[int], float]) -> tuple[float, list[float]]:
    """Post all batches, each when it is due; return the seconds for all, and those that each answer took."""
    numbers, waits, faults = count(), list[float](), list[str]()
    began = time.monotonic()

    def sender() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {_TOKEN}"}
        while (number := next(numbers)) < len(batches) and not faults:
            due_at = max(began + due(number), began)
            time.sleep(max(0.0, due_at - time.monotonic()))
            asked_at = due_at if due(number) else time.monotonic()
            connection.request("POST", "/v1/alerts/alertmanager", batches[number], headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
            waits.append(time.monotonic() - asked_at)
            if answer.status != http.HTTPStatus.OK or said["counts"] != {"accepted": _BATCH}:
                faults.append(f"{answer.status} {said.get('counts')}")
        connection.close()

    threads = [threading.Thread(target=sender) for _ in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise SystemExit(f"not every alert was accepted: {faults[0]}")
    return time.monotonic() - began, waits


def _bodies() -> Iterator[bytes]:
    for first in count(step=_BATCH):
        alerts = [_alert(number) for number in range(first, first + _BATCH)]
        yield json.dumps({"version": "4", "status": "firing", "receiver": "firstline", "alerts": alerts}).encode()


def _alert(number: int) -> dict[str, object]:
    server = f"payment-server-{number:07}"
    return {
        "status": "firing",
        "labels": {
            "alertname": "HighErrorRate",
            "instance": f"{server}:9100",
            "job": "payments",
            "cluster": "eu-west-1",
            "severity": "warning",
        },
        "annotations": {"summary": f"5.2 % of the requests to {server} have failed for 5 minutes."},
        "startsAt": "2026-11-22T03:00:00.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=rate",
        "fingerprint": f"{number:016x}",
    }


@contextmanager
def _intake(folder: Path, redis_url: str) -> Iterator[int]:
    """Run `firstline intake` on a free port, and yield it."""
    log = folder / "intake.log"
    settings = {"redis_url": redis_url, "intake_tokens": _TOKEN, "intake_sender_requests_per_second": 100_000}
    command = (sys.executable, "-m", "worker.cli", "intake", "--port", "0")
    with running(*command, environment=environment_of(settings), log=log):
        wait_until(lambda: b"intake.started" in log.read_bytes(), seconds=30, log=log)
        started = next(line for line in log.read_text().splitlines() if "intake.started" in line)
        yield int(json.loads(started)["port"])


def main() -> None:
    """Print the figures of one run as one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--alerts", type=int, default=20_000, help="alerts in each of the two measurements")
    alerts = parser.parse_args().alerts
    with tempfile.TemporaryDirectory(prefix="firstline-bench-") as folder:
        sys.stdout.write(f"{measure(Path(folder), alerts=alerts)}; {os.cpu_count()} cores\n")


if __name__ == "__main__":
    main()
