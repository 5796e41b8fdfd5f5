"""Answers as a Prometheus gives them, and the adapter in front of it, for tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx2
from pytest_httpserver import HTTPServer

from tests.fakes import FakeClock
from worker.contract.observations import HealthReading
from worker.infrastructure.breaker import CircuitBreaker
from worker.infrastructure.prometheus import PrometheusHealth
from worker.infrastructure.promql import AGE, CPU_AGE
from worker.infrastructure.web_api import WebApi
from worker.ports import Clock

__all__ = ["ABOUT", "NOT_UNDERSTOOD", "QUERY", "UNIT", "WELL", "answer_of", "asked_at", "measured", "read", "unread"]

NOT_UNDERSTOOD: Final = (
    "metrics answered 400 (it does not understand the question: correct this server's keys in the inventory)."
)
QUERY: Final = "/api/v1/query"
UNIT: Final = "payments.service"
ABOUT: Final = {"now": "1000", AGE: "4", CPU_AGE: "19", "targets": "1", "series": "1"}
WELL: Final = ABOUT | {"CPU": "12.5", "memory": "40"}


def answer_of(figures: Mapping[str, str], *more: tuple[str, str]) -> dict[str, object]:
    """Return an answer with a sample a figure, and the samples `more`."""
    result = [{"metric": {"figure": name}, "value": [1000.0, value]} for name, value in [*figures.items(), *more]]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


@contextmanager
def asked_at(
    url: str,
    *,
    selector: str = 'instance="a"',
    exporter: str = "node",
    unit: str | None = None,
    error_rate: str | None = None,
    clock: Clock | None = None,
) -> Iterator[PrometheusHealth]:
    """Give the adapter that asks a URL."""
    clock = clock or FakeClock()
    breaker = CircuitBreaker("metrics", clock)
    with httpx2.Client(trust_env=False) as client:
        yield PrometheusHealth(
            "web-01",
            api=WebApi("metrics", url, client=client, breaker=breaker, timeout_seconds=5),
            selector=selector,
            exporter=exporter,
            unit=unit,
            clock=clock,
            error_rate=error_rate,
        )


def read(server: HTTPServer, answer: object, *, exporter: str = "node", unit: str | None = None) -> HealthReading:
    """Read once where the server has one answer to everything."""
    server.clear()
    server.expect_request(QUERY).respond_with_json(answer)
    with asked_at(server.url_for("/"), exporter=exporter, unit=unit) as health:
        return health.read_health()


def unread(reading: HealthReading, name: str) -> list[str]:
    """Return what is said of a figure that was not read."""
    return [sentence for sentence in reading.unread if sentence.startswith(f"{name}:")]


def measured(reading: HealthReading) -> dict[str, float]:
    """Return what was measured, by name."""
    return {measure.name: measure.value for measure in reading.measures}
