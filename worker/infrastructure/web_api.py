"""One system's HTTP API: bounded answers in bounded time, kept connections, and failures as one sentence each.

Reads are repeated once, behind a circuit breaker; an order is sent once and never again. It follows no redirect, for
that would carry the credentials to wherever a stranger points. Neither credentials nor an answer's content get into a
sentence. The adapters of Prometheus, Loki, Docker, Kubernetes and health endpoints call it.
"""

import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx2

from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.bounded_call import BoundedCalls, TooManyLeftBehindError
from worker.infrastructure.breaker import CircuitBreaker

__all__ = ["ANSWER_LIMIT_BYTES", "Answer", "WebApi"]

ANSWER_LIMIT_BYTES: Final = 2 * 1_048_576
"""More than any question here should bring; a source that answers with more is not read to its end."""

_READ_TRIES: Final = 2
_GRACE_SECONDS: Final = 0.5
"""What the library's own bounds get to say it first, in better words."""

_OK, _ELSEWHERE, _REFUSED, _BROKEN = 200, 300, 400, 500
"""Where the classes of status codes begin."""
_MAY_PASS: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's status and body; `is_cut` when only the first `ANSWER_LIMIT_BYTES` of it were read."""

    status: int
    body: bytes
    is_cut: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the status is a 2xx."""
        return _OK <= self.status < _ELSEWHERE


class WebApi:
    """Questions and orders to one base URL. `client` has the credentials and is closed by who made it.

    `name` stands in every sentence, `timeout_seconds` is for a whole read. Any number of threads may call.
    """

    def __init__(
        self, name: str, url: str, *, client: httpx2.Client, breaker: CircuitBreaker, timeout_seconds: float
    ) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._client = client
        self._breaker = breaker
        self._timeout_seconds = timeout_seconds
        self._calls = BoundedCalls()

    def get_json(self, path: str, parameters: Mapping[str, str] | None = None) -> object:
        """Return the decoded JSON of a good answer. Raises `SourceUnavailable`."""
        answer = self.get(path, parameters)
        try:
            if not answer.is_cut:
                return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise SourceUnavailable(f"{self.name} answered with something that is not JSON.") from None
        raise SourceUnavailable(f"{self.name} answered with more than {ANSWER_LIMIT_BYTES} bytes.")

    def get(self, path: str, parameters: Mapping[str, str] | None = None, *, accept_any: bool = False) -> Answer:
        """Return a good answer, or any with `accept_any`; it may be cut. Raises `SourceUnavailable`."""
        self._breaker.check()
        request = self._client.build_request("GET", f"{self._url}{path}", params=parameters or None)
        try:
            answer = self._read(request)
        except SourceUnavailable as failure:
            self._breaker.failed(failure)
            raise
        self._breaker.succeeded()
        if accept_any or answer.is_good:
            return answer
        raise SourceUnavailable(f"{self.name} answered {answer.status}{_remedy(answer.status)}.")

    def order(
        self,
        method: str,
        path: str,
        *,
        timeout_seconds: float,
        body: object = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send an order once, and return its good answer within `timeout_seconds`.

        Raises `OrderRefused` when it certainly did not arrive or was refused with a 4xx, else `SourceUnavailable`.
        """
        content = None if body is None else json.dumps(body).encode()
        headers = {} if content is None else {"Content-Type": content_type}
        request = self._client.build_request(
            method, f"{self._url}{path}", content=content, headers=headers, timeout=timeout_seconds
        )
        try:
            answer = self._sent(request, seconds=timeout_seconds)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise OrderRefused(f"{self.name} can't be reached ({_said(error)}); nothing was restarted.") from error
        except httpx2.HTTPError as error:
            raise SourceUnavailable(f"{self.name} did not answer the order ({_said(error)}).") from error
        if answer.is_good:
            return answer
        if _REFUSED <= answer.status < _BROKEN:
            raise OrderRefused(f"{self.name} refused the order with {answer.status}{_remedy(answer.status)}.")
        raise SourceUnavailable(f"{self.name} answered the order with {answer.status}.")

    def _read(self, request: httpx2.Request) -> Answer:
        began = time.monotonic()
        for tries_left in reversed(range(_READ_TRIES)):
            seconds_left = self._timeout_seconds - (time.monotonic() - began)
            try:
                answer = self._sent(request, seconds=max(seconds_left, 0.1))
            except httpx2.TimeoutException as error:
                raise SourceUnavailable(f"{self.name} did not answer in {self._timeout_seconds:g} s.") from error
            except httpx2.HTTPError as error:
                if not tries_left:
                    raise SourceUnavailable(f"{self.name} can't be reached ({_said(error)}).") from error
                continue
            if answer.status not in _MAY_PASS or not tries_left:
                break
        return answer

    def _sent(self, request: httpx2.Request, *, seconds: float) -> Answer:
        try:
            return self._calls.run(lambda: self._exchanged(request, seconds=seconds), seconds=seconds + _GRACE_SECONDS)
        except TooManyLeftBehindError as error:
            raise httpx2.ConnectTimeout(str(error), request=request) from error
        except TimeoutError as error:
            raise httpx2.ReadTimeout(str(error), request=request) from error

    def _exchanged(self, request: httpx2.Request, *, seconds: float) -> Answer:
        give_up, body = time.monotonic() + seconds, bytearray()
        request.extensions = {**request.extensions, "timeout": httpx2.Timeout(seconds).as_dict()}
        with closing(self._client.send(request, stream=True)) as response:
            for chunk in response.iter_bytes():  # as they come: to wait for a full chunk would be to wait for ever
                body += chunk
                if len(body) > ANSWER_LIMIT_BYTES:
                    return Answer(response.status_code, bytes(body[:ANSWER_LIMIT_BYTES]), is_cut=True)
                if time.monotonic() > give_up:
                    raise httpx2.ReadTimeout("the answer trickles", request=request)
        return Answer(response.status_code, bytes(body))


def _remedy(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return " (correct its credentials in the inventory)"
    if status == HTTPStatus.BAD_REQUEST:
        return " (it does not understand the question: correct this server's keys in the inventory)"
    if _ELSEWHERE <= status < _REFUSED:
        return ", a redirect, which is not followed: give the final URL"
    return ""


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
