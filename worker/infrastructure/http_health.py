"""One server's health by its own HTTP endpoint: whether it answers, what it says of itself, and how fast.

It must never call a service stopped: one that can't be reached may be down, or the way to it. An endpoint tells no CPU
and no memory, so that no recovery is proven by it alone. Made by `Adapters`, called by the tools.
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from worker.contract.observations import HealthReading, Measure, ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.health_documents import Told, Uptime, told_by
from worker.infrastructure.web_api import Answer, WebApi
from worker.ports import Clock

__all__ = ["HttpHealth"]

_REDIRECTS, _REFUSALS, _FAULTS = 300, 400, 500
"""Where the classes of status codes begin."""

_CREDENTIALS: Final = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PROXY_AUTHENTICATION_REQUIRED}
)
_PATH: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE})
_CLOCKS_DIFFER_SECONDS: Final = 300.0
"""A time further from the worker's own is of another clock, or of an old measurement: it says nothing of now."""


class HttpHealth:
    """The health endpoint of one service. Any number of threads may call."""

    def __init__(self, server_id: str, *, api: WebApi, path: str, clock: Clock) -> None:
        self._server_id = server_id
        self._api = api
        self._path = path
        self._source = f"{api.name} {path.partition('?')[0]}"
        self._clock = clock

    def read_health(self) -> HealthReading:
        """Ask once, and once more where the way breaks off or the answer may pass; `response time` has both.

        A 2xx without a word of sickness is running. A 5xx, or such a word of the service or of a component, is
        degraded: it answers, so it runs, but it is sick. Everything else raises `SourceUnavailable`.
        """
        observed_at, began = self._clock.now(), self._clock.monotonic_seconds()
        answer = self._answer()
        seconds = self._clock.monotonic_seconds() - began
        told = told_by(answer)
        started_at = _started_at(told.uptime, observed_at=observed_at)
        is_sick = told.is_sick or not answer.is_good
        return HealthReading(
            server_id=self._server_id,
            status=ServiceStatus.DEGRADED if is_sick else ServiceStatus.RUNNING,
            cpu_percent=None,
            memory_percent=None,
            figures=_figures(answer, told),
            measures=(Measure(name="response time", value=round(seconds, 3), unit="seconds", source=self._source),),
            unread=_unread(answer, told, started_at),
            service_started_at=started_at,
            observed_at=observed_at,
            source=self._source,
        )

    def _answer(self) -> Answer:
        try:
            answer = self._api.get(self._path, accept_any=True)
        except SourceUnavailable as failure:
            raise SourceUnavailable(f"Whether {self._server_id} is well is not known: {failure}") from failure
        if answer.is_good or answer.status >= _FAULTS:
            return answer
        raise SourceUnavailable(
            f"{self._api.name} answered {answer.status} when asked for the health of {self._server_id}"
            f"{_remedy(answer.status)}."
        )


def _remedy(status: int) -> str:
    if status in _CREDENTIALS:
        return ": correct the system's credentials in the inventory"
    if status in _PATH:
        return ": correct the server's `health_path` in the inventory"
    if _REDIRECTS <= status < _REFUSALS:
        return ", a redirect, which is not followed: give the final URL"
    return ", which says nothing of its health"


def _figures(answer: Answer, told: Told) -> dict[str, float | str | bool | None]:
    words = {"health_status": told.word, "unhealthy_components": told.sick_components}
    return {"http_status": answer.status, **{name: word for name, word in words.items() if word is not None}}


def _unread(answer: Answer, told: Told, started_at: datetime | None) -> tuple[str, ...]:
    unread = ["CPU and memory: an HTTP endpoint tells no CPU or memory", *told.unread]
    if started_at is None:
        unread.append("start time: the answer has no usable uptime in seconds")
    if not answer.is_good and told.word is None:
        unread.append("who answered: it may be a gateway before the service, and then that one's state is not known")
    return tuple(unread)


def _started_at(uptime: Uptime | None, *, observed_at: datetime) -> datetime | None:
    """Return the start by the worker's clock, too early rather than too late: an old one is no restart."""
    if uptime is None:
        return None
    age_seconds = 0.0 if uptime.measured_at is None else (observed_at - uptime.measured_at).total_seconds()
    if abs(age_seconds) > _CLOCKS_DIFFER_SECONDS:
        return None
    # Whole seconds are rounded down, as a rule.
    running_seconds = uptime.seconds + 1 if uptime.seconds.is_integer() else uptime.seconds
    return observed_at - timedelta(seconds=running_seconds + max(age_seconds, 0.0))
