"""A request's body, whole and within its bounds of size and time, or the reason why not.

It trusts no header: what was announced is checked before, what comes is counted. Compressed bodies are refused, for a
few bytes can stand for gigabytes. Called by `desk.py`.
"""

import asyncio
from http import HTTPStatus

from aiohttp import web
from aiohttp.http import HttpVersion11

from producers.webhook.limits import Limits
from producers.webhook.refusals import HttpError

__all__ = ["check_announced", "read_body"]


def check_announced(request: web.BaseRequest, limits: Limits) -> None:
    """Refuse by the headers alone what is too large, compressed or expects something. Raises `HttpError`."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise HttpError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "the body is compressed: send it as it is",
            "header Content-Encoding",
            {"Accept-Encoding": "identity"},
        )
    if request.content_length is not None and request.content_length > limits.body_bytes:
        raise _too_large(limits)
    if request.headers.get("Expect", "100-continue").strip().lower() != "100-continue":
        raise HttpError(HTTPStatus.EXPECTATION_FAILED, "the only expectation known is 100-continue", "header Expect")


async def read_body(request: web.BaseRequest, limits: Limits, deadline: asyncio.Timeout) -> bytes:
    """Return the body, if it is there by the deadline, which is not begun yet.

    Raises `HttpError` 400, 408 or 413; `ConnectionError` when the sender has gone.
    """
    try:
        async with deadline:
            await _say_continue(request)
            body = await _read(request, limits)
    except TimeoutError:
        raise HttpError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the body was not there within {limits.body_seconds:g} s: send fewer alerts at once",
            "body",
            {"Connection": "close"},
        ) from None
    if not body:
        raise HttpError(HTTPStatus.BAD_REQUEST, "the body is empty: send alerts", "body")
    return body


async def _say_continue(request: web.BaseRequest) -> None:
    if request.version == HttpVersion11 and "Expect" in request.headers:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # else aiohttp takes the answer itself for begun


async def _read(request: web.BaseRequest, limits: Limits) -> bytes:
    body = bytearray()
    try:
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > limits.body_bytes:
                raise _too_large(limits)
    except web.RequestPayloadError:
        raise HttpError(HTTPStatus.BAD_REQUEST, "the body is not framed as HTTP says", "body") from None
    return bytes(body)


def _too_large(limits: Limits) -> HttpError:
    return HttpError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is longer than {limits.body_bytes} bytes: send fewer alerts at once, or raise "
        "FIRSTLINE_INTAKE_BODY_LIMIT_BYTES",
        "body",
    )
