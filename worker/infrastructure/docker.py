"""One container by Docker's Engine API: its health, its log, its restart. Not run against a real one in CI.

Four documented calls are all that it may ever send; the SDK would bring every right of the socket with it. It must
never reach another container than its own. Made from the inventory, called by the tools and the guarded restart.
Source: https://docs.docker.com/reference/api/engine/version/v1.47/
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from pydantic import ValidationError

from worker.contract.observations import HealthReading, LogTail, ServiceStatus
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.docker_answers import Complaint, Container, Measured, Stats, figures_of, measured_of
from worker.infrastructure.log_files import tail_of
from worker.infrastructure.web_api import Answer, WebApi
from worker.infrastructure.web_logs import newest_that_fit
from worker.ports import Clock, RestartOrder

__all__ = ["DockerContainer"]

_STOP_SHARE: Final = 3
"""Of the time that a restart may take, the service has this part to end before Docker kills it."""

_FRAME_HEADER_BYTES, _STREAMS = 8, range(4)

_STATUS_OF: Final = {
    "running": ServiceStatus.RUNNING,
    "restarting": ServiceStatus.DEGRADED,
    "paused": ServiceStatus.DEGRADED,
    "created": ServiceStatus.STOPPED,
    "exited": ServiceStatus.STOPPED,
    "removing": ServiceStatus.STOPPED,
    "dead": ServiceStatus.STOPPED,
}
_WITH_STATS: Final = frozenset({"running", "paused"})
_NO_LEAVE: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NOT_WELL: Final = frozenset({"starting", "unhealthy"})


class DockerContainer:
    """One container: health source, log source and service manager.

    Every failure is `SourceUnavailable` in one sentence. Any number of threads may call at once.
    """

    def __init__(self, server_id: str, *, container: str, api: WebApi, restart_seconds: float, clock: Clock) -> None:
        self._server_id = server_id
        self._container = container
        self._path = f"/containers/{quote(container, safe='')}"
        self._api = api
        self._restart_seconds = restart_seconds
        self._clock = clock

    @property
    def restart_seconds(self) -> float:
        """How long Docker is waited for."""
        return self._restart_seconds

    def read_health(self) -> HealthReading:
        """Ask for the state, and where something runs for one second of its figures.

        CPU is a share of the cores that it may use, memory a share of its limit, without the file cache that can be
        dropped; where no limit is set, those are the host's. A container whose health check has not passed yet counts
        as degraded. `observed_at` is before the second that was measured. How long it has been running is by Docker's
        own clock.
        """
        asked_at = self._clock.now()
        container = self._inspected()
        measured = self._measured(container)
        observed_at, running_seconds = asked_at - timedelta(seconds=measured.window_seconds), measured.running_seconds
        figures, unread = figures_of(container)
        return HealthReading(
            server_id=self._server_id,
            status=self._status(container),
            cpu_percent=measured.cpu_percent,
            memory_percent=measured.memory_percent,
            figures={**figures, **measured.figures},
            unread=(*unread, *measured.unread),
            service_started_at=None if running_seconds is None else observed_at - timedelta(seconds=running_seconds),
            observed_at=observed_at,
            source=f"{self._api.name} container {self._container}",
        )

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` lines of stdout and stderr, each with its time by Docker's clock.

        An answer that was cut has lost its newest lines, so fewer are asked for until they fit. `since` is taken to
        the second, and by Docker's clock.
        """
        observed_at = self._clock.now()
        has_terminal = self._inspected().has_terminal
        log, is_shortened = self._log(lines + 1, since, has_terminal=has_terminal)
        try:
            window = log if has_terminal else b"".join(_payloads(log))
        except ValueError as error:
            raise SourceUnavailable(f"{self._api.name} gave no usable log of {self._server_id}.") from error
        source = f"{self._api.name} log of container {self._container}"
        about = {"server_id": self._server_id, "source": source}
        tail = tail_of(window, has_older_bytes=False, lines=lines, observed_at=observed_at, **about)
        # What stands before `since`, or did not fit, was not asked for.
        return tail.model_copy(update={"older_lines_exist": True}) if is_shortened or since is not None else tail

    def check(self) -> str:
        """Say what the engine says of the container."""
        return f"{self._container} is {self._inspected().status}"

    def restart(self, order: RestartOrder) -> None:
        """Stop the container, by force after a third of the time, and start it; return when Docker says that it runs.

        How far the fence reaches: the order's time is checked here, on the worker, right before the request. Docker
        knows no fencing token, so an order that is delayed between this check and the engine is carried out.
        """
        if self._clock.monotonic_seconds() > order.give_up_at:
            raise OrderRefused(f"The order to restart {self._server_id} is too old; nothing was restarted.")
        stop_seconds = int(self._restart_seconds / _STOP_SHARE)
        self._api.order(
            "POST",
            f"{self._path}/restart?t={stop_seconds}",
            is_refusal=_is_refusal,
            timeout_seconds=self._restart_seconds,
        )

    def _inspected(self) -> Container:
        answer = self._api.get_json(f"{self._path}/json")
        try:
            return Container.model_validate(answer)
        except ValidationError as error:
            raise self._nonsense() from error

    def _measured(self, container: Container) -> Measured:
        missing = "CPU, memory, processes and start time"
        if container.status not in _WITH_STATS:
            return Measured(unread=(f"{missing}: {self._container} is {container.status}, and does not run.",))
        try:
            answer = self._api.get_json(f"{self._path}/stats", {"stream": "false", "one-shot": "false"})
            return measured_of(Stats.model_validate(answer), container)
        except SourceUnavailable as failure:
            return Measured(unread=(f"{missing}: {failure}",))
        except ValidationError:
            return Measured(unread=(f"{missing}: {self._nonsense()}",))

    def _status(self, container: Container) -> ServiceStatus:
        status = _STATUS_OF.get(container.status)
        if status is None:
            raise self._nonsense()
        if status is ServiceStatus.RUNNING and container.health_check in _NOT_WELL:
            return ServiceStatus.DEGRADED
        return status

    def _log(self, wanted: int, since: datetime | None, *, has_terminal: bool) -> tuple[bytes, bool]:
        """Return the log as it was sent, and whether fewer lines than `wanted` had to be asked for."""
        parameters = {"stdout": "1", "stderr": "1", "timestamps": "1"}
        if since is not None:
            parameters["since"] = str(int(since.timestamp()))
        body, asked = newest_that_fit(
            lambda tail: self._api.get(f"{self._path}/logs", {**parameters, "tail": str(tail)}),
            lines=wanted,
            lines_in=(lambda plain: plain.count(b"\n")) if has_terminal else _lines_in,
            whose=f"The log of {self._server_id} by {self._api.name}",
        )
        return body, asked < wanted

    def _nonsense(self) -> SourceUnavailable:
        return SourceUnavailable(f"{self._api.name} gave no usable answer about {self._server_id}.")


def _is_refusal(answer: Answer) -> bool:
    """Say whether Docker has certainly done nothing.

    A container that it stopped and could not start again has a 404 too, such as for a network that is gone, or even for
    another container; those begin with "Cannot restart container".
    """
    if answer.status in _NO_LEAVE:
        return True
    try:
        message = Complaint.model_validate_json(answer.body).message
    except ValidationError:
        return False
    return answer.status == HTTPStatus.NOT_FOUND and message.startswith("No such container:")


def _payloads(framed: bytes) -> Iterator[bytes]:
    """Yield the payloads of a multiplexed stream: a byte of stream, three zeros, four bytes of length, the payload.

    A line that is longer than a frame goes on in the next one of its stream; where the other stream's comes between,
    the line ends there. Raises `ValueError` for anything else.
    """
    position, is_line_open, open_stream = 0, False, 0
    while position < len(framed):
        header = framed[position : position + _FRAME_HEADER_BYTES]
        position += _FRAME_HEADER_BYTES
        payload = framed[position : position + int.from_bytes(header[4:], "big")]
        position += int.from_bytes(header[4:], "big")
        if header[0] not in _STREAMS or header[1:4] != bytes(3) or position > len(framed):
            raise ValueError("no frame of a multiplexed stream")
        if is_line_open and header[0] != open_stream:
            yield b"\n"
        yield payload
        if payload:
            is_line_open, open_stream = not payload.endswith(b"\n"), header[0]


def _lines_in(framed: bytes) -> int:
    """Return how many lines end in a stream that may be cut."""
    count = 0
    with suppress(ValueError):
        for payload in _payloads(framed):
            count += payload.count(b"\n")
    return count
