"""The sockets: connections that make way for each other, every answer JSON, and an end in which nothing is cut off.

It knows nothing of alerts. What is not HTTP is answered, and not logged. Called by the entry point.
"""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from producers.webhook.answers import refusal
from producers.webhook.connections import Connections
from producers.webhook.desk import Desk, json_response
from producers.webhook.limits import Limits, sender_at
from producers.webhook.refusals import HttpError

__all__ = ["serve"]

log = structlog.get_logger()


@asynccontextmanager
async def serve(desk: Desk, host: str, port: int, limits: Limits) -> AsyncIterator[int]:
    """Listen, and yield the port; at the end accept nothing more, and finish within `stop_seconds` what was begun.

    Port 0 takes a free one. Raises `OSError` when the address can't be listened on.
    """
    runner = web.ServerRunner(_Server(desk, limits), shutdown_timeout=limits.stop_seconds / 2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
        desk.close()


class _Server(web.Server):
    def __init__(self, desk: Desk, limits: Limits) -> None:
        silent = logging.getLogger("firstline.intake.http")
        silent.disabled = True  # aiohttp's own records quote what was sent
        super().__init__(
            self._handle,
            access_log=None,
            logger=silent,
            keepalive_timeout=limits.header_seconds,
            lingering_time=limits.lingering_seconds,
            auto_decompress=False,
        )
        self._desk = desk
        self.open = Connections(limits.connections, is_at_work=desk.is_at_work)

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.open.began(sender_at(request.remote), request.protocol)
        return await self._desk.handle(request)

    def _make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        if isinstance(protocol, _Connection):
            protocol.takes_up(payload)
        return super()._make_request(message, payload, protocol, writer, task)


class _Connection(RequestHandler):
    """aiohttp's connection, which may make way, hears out who has closed its half, and tells errors in JSON."""

    __slots__ = ("_address", "_body", "_has_closed_its_half", "_open")

    def __init__(self, server: _Server, **options: Any) -> None:  # noqa: ANN401 - aiohttp's own options
        super().__init__(server, **options)
        self._address = ""
        self._body: StreamReader | None = None
        self._has_closed_its_half = False
        self._open = server.open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._address = sender_at(peer[0] if peer else None)
        self._open.opened(self._address, self, self._make_way)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._open.closed(self._address, self)
        super().connection_lost(exc)

    def takes_up(self, body: StreamReader) -> None:
        """Note the body of the request that is next; the last one of a half that is closed ends the connection."""
        self._body = body
        if self._has_closed_its_half and not self._messages:
            self.close()

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio has it so; aiohttp never keeps one open
        """Keep the half that answers, as long as a whole request waits for its answer."""
        self._has_closed_its_half = True
        if self._messages:
            return bool(self._messages[-1][1].is_eof())
        is_idle = self._waiter is not None
        if is_idle or self._body is None or not self._body.is_eof():
            return False
        self.close()
        return True

    def _make_way(self) -> None:
        if self.transport is not None and self.transport.get_write_buffer_size():
            self.transport.abort()  # a peer that does not read would keep a closing socket open
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, ConnectionError):
            raise exc  # the sender has gone, and hears nothing
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            reply = refusal(HttpError(HTTPStatus(status), "this is not HTTP as it should be", "the request's head"))
        else:
            log.error("intake.failed", error=type(exc).__name__, place=_place_of(exc))
            reply = refusal(HttpError(HTTPStatus(status), "a fault of ours, it is logged: send it again", "intake"))
        response = json_response(reply)
        response.force_close()
        return response


def _place_of(error: BaseException | None) -> str:
    """Return where an error came from; its text may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-4:]))
