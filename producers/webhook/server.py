"""The sockets: as many connections as there may be, every answer JSON, and an end in which nothing is cut off.

It knows nothing of alerts. What is not HTTP is answered, and not logged. Called by the entry point.
"""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from producers.webhook.answers import refusal
from producers.webhook.desk import Desk, json_response
from producers.webhook.limits import Limits
from producers.webhook.refusals import HttpError, come_again

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
            desk.handle,
            access_log=None,
            logger=silent,
            keepalive_timeout=limits.header_seconds,
            lingering_time=limits.lingering_seconds,
            auto_decompress=False,
        )
        self.connections_limit = limits.connections

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    """aiohttp's connection, with a limit of their number and errors in JSON."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        server = self._manager
        if isinstance(server, _Server) and len(server.connections) > server.connections_limit:
            if isinstance(transport, asyncio.Transport):
                transport.write(_turned_away())
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


def _turned_away() -> bytes:
    error = come_again("too many connections are open: come again", "connections at once")
    body = json.dumps(refusal(error).content).encode() + b"\n"
    head = (
        f"HTTP/1.1 {int(error.status)} {error.status.phrase}",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in error.headers.items()),
        "Connection: close",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
