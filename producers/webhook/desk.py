"""One request's story: whose is it, may it come in, what does it say, take it in, answer.

It answers 2xx to nothing that the door has not promised to keep, logs counts and never contents, and waits for Redis on
threads, so that `/healthz` answers meanwhile. Called by `server.py` for each request.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web

from producers.door import Door
from producers.sources.alert import Arrival
from producers.sources.field_map import FieldMap
from producers.sources.parsers import Parser
from producers.webhook.answers import Reply, refusal, reply_to
from producers.webhook.authentication import unauthorized
from producers.webhook.credentials import Credentials
from producers.webhook.first_arrivals import FirstArrival, FirstArrivals
from producers.webhook.gate import Gate
from producers.webhook.limits import Limits, Rates, sender_at
from producers.webhook.openapi import document
from producers.webhook.readiness import Readiness
from producers.webhook.reading import PLAIN, Sent, check_media_type, outcomes_of, source_of
from producers.webhook.refusals import HttpError, come_again
from producers.webhook.request_body import check_announced, read_body
from producers.webhook.room import Room

__all__ = ["Desk", "json_response"]

log = structlog.get_logger()

ALERTS_PATH: Final = "/v1/alerts"
_UNREADY: Final = "nothing can be taken in now: intake's log says why, and so does this path to who sends a token"


@dataclass(slots=True)
class _Case:
    """What is known of a request so far, for the log."""

    sender: str
    source: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


class Desk:
    """Answers the requests of one process, on one event loop; `close` it at the end.

    `parsers` are the sources' `parse` by their names, `fields` says which label means what. When Redis is unavailable
    every alert is answered 503, and `/healthz` still 200.
    """

    def __init__(
        self,
        door: Door,
        parsers: Mapping[str, Parser],
        credentials: Credentials,
        *,
        limits: Limits,
        fields: FieldMap,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._door = door
        self._parsers = parsers
        self._limits = limits
        self._fields = fields
        self._now = now
        self._monotonic = monotonic
        self._gate = Gate(credentials, Rates(limits.requests_per_second, monotonic), now)
        self._room = Room(limits.requests)
        self._first_arrivals = FirstArrivals()
        self._readiness = Readiness(door, monotonic)
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="intake")

    def close(self) -> None:
        """Begin nothing more; what a thread has begun ends by itself, within Redis' timeouts."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def is_at_work(self, connection: object) -> bool:
        """Say whether a request of this connection is being read or taken in."""
        return self._room.holds(connection)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the response, sent already; whoever does not read it in time is cut off."""
        began, case = self._monotonic(), _Case(sender_at(request.remote))
        try:
            reply = await self._reply(request, case)
        except HttpError as error:
            reply = refusal(error)
            if error.__cause__ is not None:
                log.warning("intake.unavailable", reason=str(error.__cause__))
        response = json_response(reply)
        if request.path.startswith(ALERTS_PATH):
            log.info(
                "intake.answered",
                source=case.source,
                sender=case.sender,
                status=int(reply.status),
                milliseconds=round((self._monotonic() - began) * 1000, 1),
                **reply.counts,
            )
        await self._send(request, response)
        return response

    async def _reply(self, request: web.BaseRequest, case: _Case) -> Reply:
        path = request.path
        if path == ALERTS_PATH or path.startswith(f"{ALERTS_PATH}/"):
            return await self._reply_to_alerts(request, path.removeprefix(ALERTS_PATH).removeprefix("/"), case)
        match path:
            case "/healthz":
                reply = Reply(HTTPStatus.OK, {"status": "alive"})
            case "/readyz":
                reply = await self._reply_to_readiness(request)
            case "/openapi.json":
                reply = Reply(HTTPStatus.OK, document(self._parsers, self._limits))
            case _:
                raise HttpError(HTTPStatus.NOT_FOUND, "there is no such path: /openapi.json lists all", "path")
        _allow(request, "GET", "HEAD")
        return reply

    async def _reply_to_readiness(self, request: web.BaseRequest) -> Reply:
        reason = await self._readiness.reason()
        if reason is None:
            return Reply(HTTPStatus.OK, {"status": "ready"})
        raise come_again(reason if self._gate.is_friend(request) else _UNREADY, "intake")

    async def _reply_to_alerts(self, request: web.BaseRequest, path_source: str, case: _Case) -> Reply:
        _allow(request, "POST")
        self._check_source(request, path_source)
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        case.source = source_of(path_source, media_type, request.headers)
        sender = self._gate.by_headers(request, case.source)
        check_media_type(case.source, media_type, request.headers)
        check_announced(request, self._limits)
        body, signed = b"", None
        if sender is None:
            body = await self._strangers_body(request)
            sender, signed = self._gate.by_signature(request, case.source, body)
        case.sender = sender
        with self._room.place(sender, request.protocol):
            if not body:
                body = await read_body(request, self._limits, asyncio.timeout(self._limits.body_seconds))
            sent = Sent(source=case.source, media_type=media_type, headers=request.headers, body=body)
            first = self._first_arrivals.of(signed, self._now())
            reply = await asyncio.get_running_loop().run_in_executor(self._threads, self._take_in, sent, first)
        case.counts = reply.counts
        return reply

    def _check_source(self, request: web.BaseRequest, path_source: str) -> None:
        if path_source not in {"", PLAIN, *self._parsers}:
            if not self._gate.is_friend(request):
                raise unauthorized()
            names = ", ".join(sorted({PLAIN, *self._parsers}))
            raise HttpError(HTTPStatus.NOT_FOUND, f"there is no such source: name one of {names}", "path")

    async def _strangers_body(self, request: web.BaseRequest) -> bytes:
        deadline = asyncio.timeout(self._limits.body_seconds)
        with self._room.strangers_place(sender_at(request.remote), request.protocol, deadline):
            return await read_body(request, self._limits, deadline)

    def _take_in(self, sent: Sent, first: FirstArrival) -> Reply:
        arrival = Arrival(received_at=first.received_at, unique=first.unique, source=sent.source, fields=self._fields)
        return reply_to(outcomes_of(sent, self._parsers, arrival, self._limits), self._door)

    async def _send(self, request: web.BaseRequest, response: web.Response) -> None:
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the answer was not read in time") from None


def json_response(reply: Reply) -> web.Response:
    """Return a reply as JSON."""
    body = json.dumps(reply.content).encode() + b"\n"
    headers = {"Server": "firstline", **reply.headers}
    return web.Response(status=reply.status, body=body, headers=headers, content_type="application/json")


def _allow(request: web.BaseRequest, *methods: str) -> None:
    if request.method not in methods:
        allowed = ", ".join(methods)
        raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, f"use {methods[0]} here", "method", {"Allow": allowed})
