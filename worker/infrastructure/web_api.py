"""One system's HTTP API: bounded answers in bounded time, kept connections, and failures as one sentence each.

Reads are repeated once, behind a circuit breaker; an order is sent once and never again. It follows no redirect, for
that would carry the credentials to wherever a stranger points, and unpacks no answer: in a thousand bytes may be
megabytes. Neither credentials nor an answer's content get into a sentence. The adapters of Prometheus, Loki, Docker,
Kubernetes and health endpoints call it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx2

from worker.contract.text import visible
from worker.errors import OrderRefused, SourceUnavailable
from worker.infrastructure.bounded_call import BoundedCalls, TooManyLeftBehindError
from worker.infrastructure.breaker import CircuitBreaker

__all__ = ["ANSWER_LIMIT_BYTES", "Answer", "WebApi"]

ANSWER_LIMIT_BYTES: Final = 2 * 1_048_576
"""More than any question here should bring; a source that answers with more is not read to its end."""

_READ_TRIES: Final = 2
_GRACE_SECONDS: Final = 0.5
"""What the library's own bounds get to say it first, in better words."""

_OK, _ELSEWHERE, _REFUSED = 200, 300, 400
"""Where the classes of status codes begin."""
_MAY_PASS: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
_YEARS: Final = range(2000, 2200)
"""Of a clock that can be reckoned with."""

_UNPACKED: Final = {"Accept-Encoding": "identity"}
_PLAIN: Final = frozenset({"", "identity"})

_FOREIGN: Final = (httpx2.InvalidURL, ValueError, OSError, ArithmeticError)
"""What else comes out of the libraries for a URL, a header or a figure that is none; `UnicodeError` is among them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's status and body; `is_cut` when only the first `ANSWER_LIMIT_BYTES` of it were read.

    `sent_at` is by the server's own clock, in whole seconds, where it says so. One that `is_packed` has no body here.
    """

    status: int
    body: bytes
    is_cut: bool = False
    is_packed: bool = False
    sent_at: datetime | None = None

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
        return self.decoded(self.get(path, parameters))

    def decoded(self, answer: Answer) -> object:
        """Return the JSON of an answer. Raises `SourceUnavailable`."""
        try:
            if not answer.is_cut:
                return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise SourceUnavailable(f"{self.name} answered with something that is not JSON.") from None
        raise SourceUnavailable(f"{self.name} answered with more than {ANSWER_LIMIT_BYTES} bytes.")

    def get(self, path: str, parameters: Mapping[str, str] | None = None, *, accept_any: bool = False) -> Answer:
        """Return a good answer, or any with `accept_any`; it may be cut. Raises `SourceUnavailable`."""
        request = self._built("GET", path, parameters=parameters)
        self._breaker.check()
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
        is_refusal: Callable[[Answer], bool],
        timeout_seconds: float,
        body: object = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Send an order once, and return its good answer within `timeout_seconds`.

        `is_refusal` knows the answers that say for certain that nothing was done. Raises `OrderRefused` for those, and
        when the order certainly did not arrive; else `SourceUnavailable`.
        """
        try:
            request = self._built(method, path, body=body, content_type=content_type)
        except SourceUnavailable as failure:
            raise OrderRefused(f"Nothing was restarted: {failure}") from failure
        try:
            answer = self._sent(request, seconds=timeout_seconds)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise OrderRefused(f"{self.name} can't be reached ({_said(error)}); nothing was restarted.") from error
        except httpx2.HTTPError as error:
            raise SourceUnavailable(f"{self.name} did not answer the order ({_said(error)}).") from error
        if answer.is_good:
            return answer
        if is_refusal(answer):
            raise OrderRefused(f"{self.name} refused the order with {answer.status}{_remedy(answer.status)}.")
        raise SourceUnavailable(f"{self.name} answered the order with {answer.status}.")

    def _built(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> httpx2.Request:
        headers = _UNPACKED if body is None else _UNPACKED | {"Content-Type": content_type}
        try:
            content = None if body is None else json.dumps(body).encode()
            url = f"{self._url}{path}"
            return self._client.build_request(method, url, params=parameters or None, content=content, headers=headers)
        except _FOREIGN as error:
            raise SourceUnavailable(f"{self.name} can't be asked ({_said(error)}).") from error

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
            if answer.is_packed:
                raise SourceUnavailable(f"{self.name} gave a packed answer (Content-Encoding), which is not unpacked.")
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
        except _FOREIGN as error:
            raise httpx2.RequestError(_said(error), request=request) from error

    def _exchanged(self, request: httpx2.Request, *, seconds: float) -> Answer:
        give_up, body = time.monotonic() + seconds, bytearray()
        request.extensions = {**request.extensions, "timeout": httpx2.Timeout(seconds).as_dict()}
        with closing(self._client.send(request, stream=True)) as response:
            answer = Answer(response.status_code, b"", sent_at=_sent_at(response.headers.get_list("Date")))
            if response.headers.get("Content-Encoding", "").strip().lower() not in _PLAIN:
                return replace(answer, is_packed=True)
            for chunk in response.iter_raw():  # as they come: to wait for a full chunk would be to wait for ever
                body += chunk
                if len(body) > ANSWER_LIMIT_BYTES:
                    return replace(answer, body=bytes(body[:ANSWER_LIMIT_BYTES]), is_cut=True)
                if time.monotonic() > give_up:
                    raise httpx2.ReadTimeout("the answer trickles", request=request)
        return replace(answer, body=bytes(body))


def _sent_at(dates: Sequence[str]) -> datetime | None:
    try:
        told = parsedate_to_datetime(dates[0] if len(dates) == 1 else "")
    except (ValueError, OverflowError):
        return None
    if told.year not in _YEARS:
        return None
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told


def _remedy(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return " (correct its credentials in the inventory)"
    if status == HTTPStatus.BAD_REQUEST:
        return " (it does not understand the question: correct this server's keys in the inventory)"
    if _ELSEWHERE <= status < _REFUSED:
        return ", a redirect, which is not followed: give the final URL"
    return ""


def _said(error: Exception) -> str:
    if isinstance(error, httpx2.ProtocolError):
        return type(error).__name__  # its words hold the header that it is about
    return visible(" ".join(str(error).split())[:200]) or type(error).__name__
