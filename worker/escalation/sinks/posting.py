"""One sink's way over HTTP: one message sent once, a bounded answer in bounded time, and failures as one sentence each.

It never sends again by itself, follows no redirect, and keeps no cookie. No secret gets into a sentence, nor into a log
of the client's: where the address itself is the secret, as a webhook's is, the client is told the server only, and the
rest travels beside. Every sink that speaks HTTP calls it.
"""

import json
import re
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import httpx2

from worker.errors import NotDelivered
from worker.escalation.sinks.clients import posting_client, server_and_path
from worker.escalation.sinks.watching import Watch

__all__ = ["ANSWER_LIMIT_BYTES", "MISSING_TRIES", "TIMEOUT_SECONDS", "Answer", "Poster", "posting_client"]

ANSWER_LIMIT_BYTES: Final = 65_536
TIMEOUT_SECONDS: Final = 10.0
LONGEST_WAIT_SECONDS: Final = 86_400.0
"""A sink that asks for more than a day's patience has lost its clock."""
FIELDS_LIMIT: Final = 5
LASTING_TRIES: Final = 3
"""What a gateway may answer for a moment is believed when it lasts so long."""
MISSING_TRIES: Final = 12
"""So often, for half an hour, an action is tried where its ticket is not seen: it may never have been made."""

_FIELD: Final = re.compile(r"customfield_[0-9]{1,8}|[A-Za-z]{2,20}", re.ASCII)
_HEADERS: Final = {"Content-Type": "application/json", "Accept-Encoding": "identity", "Connection": "close"}
_CONNECTED: Final = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})

_OK: Final[Collection[int]] = range(200, 300)
_ELSEWHERE: Final = range(300, 400)
_REFUSED: Final = range(400, 500)
_MAY_PASS: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_IN_DOUBT: Final = frozenset(
    {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.REQUEST_TIMEOUT}
)
_MAY_BE_ANOTHERS: Final = frozenset({*_ELSEWHERE, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_WRONG_KEY: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_WRONG_ADDRESS: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's status and body; `is_cut` when only the first `ANSWER_LIMIT_BYTES` of it were read."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    is_cut: bool = False

    def as_mapping(self) -> Mapping[str, object]:
        """Return the JSON object in it; empty where there is none, or not all of it."""
        try:
            content = {} if self.is_cut else json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}


class Poster:
    """Messages to one address. `name` stands in every sentence, `credentials` is what a person calls its secret.

    `client` is best made by `posting_client`, and is closed by who made it. For one thread.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        client: httpx2.Client,
        credentials: str,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.name = name
        self._server, self._path = server_and_path(name, url)
        self._client = client
        self._credentials = credentials
        self._headers = dict(headers or {})
        self._timeout_seconds = timeout_seconds

    def send(
        self,
        body: object = None,
        *,
        method: str = "POST",
        path: str = "",
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        accepted: Collection[int] = _OK,
    ) -> Answer:
        """Send once, and return an answer of an accepted status; it may be cut. Raises `NotDelivered`.

        A `body` of bytes goes out as it is, anything else as JSON.
        """
        whole_path = f"{self._path.rstrip('/')}{path}" if path else self._path
        question = f"?{urlencode(parameters)}" if parameters else ""
        request = self._client.build_request(
            method,
            self._server,
            content=body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode(),
            headers={**_HEADERS, **self._headers, **(headers or {})},
            extensions={
                "target": f"{whole_path}{question}".encode(),
                "timeout": httpx2.Timeout(self._timeout_seconds).as_dict(),
            },
        )
        answer = self._answer_to(request)
        if answer.status not in accepted:
            raise self._refusal(answer)
        return answer

    def refusal(self, word: str) -> NotDelivered:
        """Return what to raise where a good status says no in its body; `word` is a short one of a known form."""
        return NotDelivered(f"{self.name} refused the message ({word}): correct its settings.", is_final=True)

    def _answer_to(self, request: httpx2.Request) -> Answer:
        with Watch(self._timeout_seconds) as watch:
            request.extensions["trace"] = partial(_show, watch)
            try:
                answer = self._read(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                said = " ".join(str(error).split())[:160] or _kind(error)
                raise NotDelivered(
                    f"{self.name} can't be reached ({said}): check its address and the network."
                ) from error
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                is_late = watch.is_over or isinstance(error, httpx2.TimeoutException)
                raise self._doubt(None if is_late else _kind(error)) from error
        if watch.is_over:  # an answer without a length seems to be whole where it was cut
            raise self._doubt(None)
        return answer

    def _doubt(self, kind: str | None) -> NotDelivered:
        how = f"did not answer in {self._timeout_seconds:g} s" if kind is None else f"broke off ({kind})"
        return NotDelivered(
            f"{self.name} {how}, so nobody knows whether it took the message: look there.", is_doubtful=True
        )

    def _read(self, request: httpx2.Request) -> Answer:
        body = bytearray()
        with closing(self._client.send(request, stream=True, auth=None, follow_redirects=False)) as response:
            for chunk in response.iter_raw():  # unpacked, a few bytes could become any number
                body += chunk
                if len(body) > ANSWER_LIMIT_BYTES:
                    cut = bytes(body[:ANSWER_LIMIT_BYTES])
                    return Answer(response.status_code, cut, response.headers, is_cut=True)
        return Answer(response.status_code, bytes(body), response.headers)

    def _refusal(self, answer: Answer) -> NotDelivered:
        status = answer.status
        return NotDelivered(
            f"{self.name} answered {status}{self._remedy(status)}{_fields_in(answer)}.",
            is_final=status in _REFUSED and status not in _MAY_PASS and status not in _MAY_BE_ANOTHERS,
            is_doubtful=status in _IN_DOUBT,
            final_at_try=LASTING_TRIES if status in _MAY_BE_ANOTHERS else None,
            retry_after_seconds=_wait_seconds(answer.headers),
        )

    def _remedy(self, status: int) -> str:
        if status in _WRONG_KEY:
            return f": correct its {self._credentials}"
        if status in _WRONG_ADDRESS:
            return ": correct its address"
        if status in _ELSEWHERE:
            return ", a redirect, which is not followed: give the final address"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return ": it is sent too much, try again later"
        if status in _REFUSED and status not in _MAY_PASS:
            return f": it does not take this form of message, check its settings and its {self._credentials}"
        return ": try again later"


def _show(watch: Watch, event: str, about: Mapping[str, Any]) -> None:
    """Show the watch each new connection; there is one for each message, for none is kept."""
    if event in _CONNECTED:
        watch.over(about["return_value"].get_extra_info("socket"))


def _fields_in(answer: Answer) -> str:
    """Return which fields a no is about, where the answer names any as Jira does; of its words nothing is told."""
    errors = answer.as_mapping().get("errors")
    names = [name for name in errors if _FIELD.fullmatch(name)] if isinstance(errors, dict) else []
    return f" (it names {', '.join(names[:FIELDS_LIMIT])})" if names else ""


def _kind(error: Exception) -> str:
    return type(error).__name__


def _wait_seconds(headers: Mapping[str, str]) -> float | None:
    """Return what `Retry-After` asks for; its date is compared with the sink's own clock."""
    said = headers.get("retry-after", "").strip()
    if not said:
        return None
    try:
        wait = float(said)
    except ValueError:
        try:
            told_at = parsedate_to_datetime(headers.get("date", ""))
            wait = (parsedate_to_datetime(said) - told_at).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(wait, 0.0), LONGEST_WAIT_SECONDS) if wait == wait else None  # noqa: PLR0124 - NaN alone differs
