"""One monitoring system's HTTP API, only read: a bounded answer in bounded time, or an error that says what is wrong.

It follows no redirect, for that would carry the credentials to wherever a stranger points; it repeats nothing, for the
next interval does. Neither credentials nor an answer's content get into an error. The pollers and the watch call it.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Final, Self

import httpx2

from producers.polling.settings import PollSettings
from producers.settings import ProducerConfigurationError
from producers.sources.bounds import quoted
from producers.sources.reading import text_in

__all__ = ["ANSWER_LIMIT_BYTES", "ApiError", "JsonApi"]

ANSWER_LIMIT_BYTES: Final = 64 * 1024 * 1024
"""About 60,000 firing alerts of usual size."""

CONNECT_TIMEOUT_SECONDS: Final = 5.0
READ_TIMEOUT_SECONDS: Final = 30.0
ANSWER_TIMEOUT_SECONDS: Final = 60.0
"""A whole answer; one that trickles is given up after this and the read that is under way."""


class ApiError(Exception):
    """An API gave no answer that can be used: one sentence says which, what it did instead, and the remedy.

    `is_refused` when it is there and says no to this request (4xx). Asking again later is right, whatever happened.
    """

    def __init__(self, sentence: str, *, is_refused: bool = False) -> None:
        super().__init__(sentence)
        self.is_refused = is_refused


class JsonApi:
    """Questions to one base URL, from one thread; close it after use.

    `transport` and `monotonic_seconds` are for tests. Raises `ProducerConfigurationError` for a URL that is none, or
    that holds credentials: the list of processes shows arguments to everybody.
    """

    def __init__(
        self,
        url: str,
        settings: PollSettings,
        *,
        transport: httpx2.BaseTransport | None = None,
        monotonic_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.place = _checked(url)
        self._monotonic_seconds = monotonic_seconds
        self._client = httpx2.Client(
            headers={"Accept": "application/json", "User-Agent": "firstline"} | settings.authorization(),
            timeout=httpx2.Timeout(READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
            follow_redirects=False,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> object:
        """Return the decoded JSON that stands at `path`. Raises `ApiError`."""
        url = f"{self.place}{path}"
        return self._answer(self._client.build_request("GET", url, params=dict(parameters or {})), url)

    def get_if_allowed(self, path: str) -> object:
        """Return the decoded JSON that stands at `path`, or None where there is none for us. Raises `ApiError`."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.is_refused:
                return None
            raise

    def ask(self, path: str, question: Mapping[str, str]) -> object:
        """Return the decoded JSON that answers a question, which may be longer than a URL. Raises `ApiError`."""
        url = f"{self.place}{path}"
        return self._answer(self._client.build_request("POST", url, data=dict(question)), url)

    def _answer(self, request: httpx2.Request, where: str) -> object:
        try:
            with closing(self._client.send(request, stream=True)) as response:
                body = self._body(response, where)
        except httpx2.TimeoutException as error:
            raise ApiError(f"{where} is too slow ({type(error).__name__}): see how it is") from error
        except httpx2.HTTPError as error:
            raise ApiError(f"{where} can't be reached ({_said(error)}): start it, or correct the URL") from error
        if not response.is_success:
            raise ApiError(_refusal(response, body, where), is_refused=response.is_client_error)
        return _decoded(body, where)

    def _body(self, response: httpx2.Response, where: str) -> bytes:
        if response.is_redirect:
            raise ApiError(f"{where} redirects ({response.status_code}), which is not followed: give the final URL")
        give_up = self._monotonic_seconds() + ANSWER_TIMEOUT_SECONDS
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > ANSWER_LIMIT_BYTES:
                raise ApiError(f"{where} answers more than {ANSWER_LIMIT_BYTES} bytes: ask something narrower of it")
            if self._monotonic_seconds() > give_up:
                raise ApiError(f"{where} is too slow (no whole answer in {ANSWER_TIMEOUT_SECONDS:g} s): see how it is")
        return bytes(body)


def _checked(url: str) -> str:
    try:
        parsed = httpx2.URL(url.strip())
    except httpx2.InvalidURL as error:
        raise ProducerConfigurationError(
            f"The URL to poll is none ({_said(error)}): give http(s)://host:port"
        ) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ProducerConfigurationError(
            "The URL to poll is none: give http(s)://host:port, with a path if there is one"
        )
    if parsed.userinfo:
        raise ProducerConfigurationError(
            "The URL to poll holds credentials: set FIRSTLINE_POLL_USER and FIRSTLINE_POLL_PASSWORD instead"
        )
    if parsed.query or parsed.fragment:
        raise ProducerConfigurationError("The URL to poll has a query or a fragment: give the address only")
    return str(parsed).rstrip("/")


def _decoded(body: bytes, where: str) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        kind = "a page instead of JSON" if body.lstrip().startswith(b"<") else "something that is not JSON"
    raise ApiError(f"{where} answers with {kind}: correct the URL, or the credentials")


def _refusal(response: httpx2.Response, body: bytes, where: str) -> str:
    try:
        said = text_in(json.loads(body), "error")
    except (ValueError, RecursionError):
        said = ""
    reason = f" ({quoted(said)})" if said else ""
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        reason += ": set FIRSTLINE_POLL_TOKEN, or FIRSTLINE_POLL_USER and FIRSTLINE_POLL_PASSWORD"
    return f"{where} answers {response.status_code}{reason}"


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
