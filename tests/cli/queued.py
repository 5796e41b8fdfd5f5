"""Results that wait for engineers, as a worker publishes them, and the list of them as a terminal shows it.

Used by the tests of the queue's list.
"""

from typing import Any

from redis import Redis
from rich.console import Console

from tests.escalation import builders
from worker.cli.queue import Lists
from worker.cli.queue_choice import Choice
from worker.contract.queue import RESULTS_STREAM

__all__ = ["publish", "rendered"]


def publish(redis: Any, number: int = 1, **changes: Any) -> str:
    result = builders.result(number, **changes)
    incident_id = result.incident.incident_id
    redis.xadd(RESULTS_STREAM, {"incident_id": incident_id, "version": "1", "result": result.model_dump_json()})
    return incident_id


def rendered(redis: Redis, limit: int = 100, *, width: int = 160, **choice: Any) -> str:
    console = Console(width=width, record=True, markup=False, file=None)
    with console.capture() as captured:
        console.print(Lists(redis, choice=Choice(**choice)).page(limit, width=width))
    return captured.get()
