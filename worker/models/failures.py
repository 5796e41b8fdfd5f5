"""What went wrong in one try at the endpoint: the SDK's, the transport's and our own exceptions as one plain value.

`OpenAIModel` decides by it and says it to people; it never shows the key. Two traps are met here. The SDK's aiohttp
transport reports a refused connection as a timeout, so only the root cause is believed. And `insufficient_quota` is a
429 that no waiting cures.
"""

import math
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import aiohttp
import openai

from worker.contract.text import cut_to_bytes, visible
from worker.models.chat_answers import UnusableAnswer
from worker.models.chat_messages import OPTIONS

__all__ = ["TRY_FAILURES", "FailedTry", "failed_try", "retry_after_seconds"]

TRY_FAILURES: Final = (openai.OpenAIError, aiohttp.ClientError, OSError, ValueError, RecursionError)
"""All that a try can raise: `OSError` covers every timeout, `ValueError` what is no JSON, `RecursionError` what nests
without end."""

_SERVERS_WORDS_BYTES: Final = 200
_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
_REFUSALS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_CHECK_ADDRESS: Final = "check OPENAI_BASE_URL, and that the endpoint runs"
_BROKEN_CONNECTIONS: Final[tuple[tuple[type[BaseException], str, str], ...]] = (
    (ConnectionRefusedError, "refused the connection", _CHECK_ADDRESS),
    (socket.gaierror, "has a name that is not known", "check OPENAI_BASE_URL"),
    (aiohttp.ClientConnectorDNSError, "has a name that is not known", "check OPENAI_BASE_URL"),
    (ssl.SSLError, "could not agree on TLS", "check OPENAI_BASE_URL and this machine's trusted certificates"),
    (TimeoutError, "did not answer in time", ""),
)
_NEVER_CONNECTED: Final = (
    ConnectionRefusedError,
    socket.gaierror,
    aiohttp.ClientConnectorDNSError,
    ssl.SSLCertVerificationError,
)
"""A connection was certainly not made; of other troubles nobody can say what had left before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedTry:
    """One failed try. `reason` completes a sentence that begins with the endpoint's host; `remedy` may be empty.

    `is_passing` says whether another try may fare better; `refused_option` names the one of `OPTIONS` that the
    endpoint does not take. `status` is HTTP's, where there was one; `may_have_left` is False where no connection was
    made, so that nothing was sent.
    """

    reason: str
    remedy: str = ""
    is_passing: bool
    retry_after_seconds: float | None = None
    refused_option: str | None = None
    status: int | None = None
    may_have_left: bool = True
    cause: Exception

    @property
    def reason_in_own_words(self) -> str:
        """The reason without what the server said, which is text from outside."""
        return self.reason if self.status is None else f"answered {self.status}"


def failed_try(error: Exception, *, tried_seconds: float, api_key: str | None) -> FailedTry:
    """Return what `error`, one of `TRY_FAILURES`, means; `tried_seconds` is the bound that the try had."""
    if isinstance(error, openai.APIStatusError):
        return _refused_by_status(error, api_key=api_key)
    if isinstance(error, openai.APIConnectionError | aiohttp.ClientError | OSError):
        return _broken_connection(error, tried_seconds=tried_seconds)
    trouble = error if isinstance(error, UnusableAnswer) else f"cannot be read ({type(error).__name__})"
    return FailedTry(
        reason=f"gave an answer that {trouble}",
        remedy="check OPENAI_BASE_URL, which usually ends in /v1",
        is_passing=True,
        cause=error,
    )


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return for how long the endpoint asks to be left alone, by seconds or by an HTTP date; None when it is silent."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value, now=now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _seconds_until(date: str, *, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def _refused_by_status(error: openai.APIStatusError, *, api_key: str | None) -> FailedTry:
    status = error.status_code
    if "insufficient_quota" in (error.code, error.type):
        return _final(error, "has no quota left for this key", "check the account's billing")
    if status == HTTPStatus.UNAUTHORIZED:
        return _final(error, "refused the API key (401)", "check OPENAI_API_KEY")
    words = _servers_words(error, api_key=api_key)
    if status == HTTPStatus.FORBIDDEN:
        return _final(error, f"forbids this (403{words})", "check what OPENAI_API_KEY may use")
    if status == HTTPStatus.NOT_FOUND:
        return _final(error, f"knows no such model or path (404{words})", "check MODEL_NAME and OPENAI_BASE_URL")
    if status < HTTPStatus.BAD_REQUEST:
        return _final(error, f"answered {status}, and no transcript follows a redirection", "check OPENAI_BASE_URL")
    return FailedTry(
        reason=f"answered {status}{words}",
        is_passing=status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        retry_after_seconds=retry_after_seconds(error.response.headers, now=datetime.now(UTC)),
        refused_option=_named_option(error) if status in _REFUSALS else None,
        status=status,
        cause=error,
    )


def _final(error: openai.APIStatusError, reason: str, remedy: str) -> FailedTry:
    return FailedTry(reason=reason, remedy=remedy, is_passing=False, status=error.status_code, cause=error)


def _named_option(error: openai.APIStatusError) -> str | None:
    text = error.response.text
    return next((option for option in OPTIONS if option in text), None)


def _servers_words(error: openai.APIStatusError, *, api_key: str | None) -> str:
    message = error.body.get("message") if isinstance(error.body, Mapping) else error.body
    if not isinstance(message, str) or not message.strip():
        return ""
    if api_key:
        message = message.replace(api_key, "[key]")
    one_line = " ".join(visible(message).split())
    return f": “{cut_to_bytes(one_line, _SERVERS_WORDS_BYTES)}”"


def _broken_connection(error: Exception, *, tried_seconds: float) -> FailedTry:
    if isinstance(error, TimeoutError):
        return FailedTry(reason=f"did not answer within {tried_seconds:.3g} s", is_passing=True, cause=error)
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    for kind, reason, remedy in _BROKEN_CONNECTIONS:
        if isinstance(root, kind):
            may_have_left = not isinstance(root, _NEVER_CONNECTED)
            return FailedTry(reason=reason, remedy=remedy, is_passing=True, may_have_left=may_have_left, cause=error)
    return FailedTry(reason=f"broke the connection ({type(root).__name__})", is_passing=True, cause=error)
