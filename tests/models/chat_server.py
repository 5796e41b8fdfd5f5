"""The server behind `tests/endpoint.py`: HTTP on loopback, whose every answer is a value that says how it is delivered.

Import from `tests.endpoint`. It serves on an event loop and a thread of its own, with 400 requests and more at once.
"""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain, repeat
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from aiohttp import web

__all__ = [
    "Answer",
    "Delivery",
    "Manner",
    "Request",
    "StubEndpoint",
    "address_that_refuses",
    "answer",
    "error",
    "scripted",
]

_BACKLOG: Final = 1024
_DRIP_SECONDS: Final = 0.05


class Delivery(Enum):
    """How the bytes of an answer reach the client."""

    WHOLE = auto()
    HALF = auto()
    DRIP = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer. HALF promises the whole body and hangs up; DRIP sends a byte now and then; NONE hangs up."""

    body: str = ""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    delivery: Delivery = Delivery.WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One recorded request; `client_port` tells connections apart, `content` is its body to the byte."""

    body: Mapping[str, Any]
    content: bytes
    headers: Mapping[str, str]
    client_port: int

    @property
    def called(self) -> Sequence[str]:
        """Every tool called in this conversation so far, in order."""
        calls = chain.from_iterable(message.get("tool_calls") or () for message in self.body["messages"])
        return [call["function"]["name"] for call in calls]

    @property
    def observed(self) -> str:
        """Everything that tools have answered in this conversation."""
        return "\n".join(message["content"] for message in self.body["messages"] if message["role"] == "tool")

    @property
    def server_id(self) -> str:
        """The one server that the tools are bound to."""
        for tool in self.body.get("tools", ()):
            rule = tool["function"]["parameters"]["properties"].get("server_id", {})
            if "enum" in rule:
                return str(rule["enum"][0])
        return "unknown"


Manner = Callable[[Request], Answer]


class StubEndpoint:
    """The running endpoint, as a context manager; `url` is a base URL, `requests` what came, oldest first."""

    def __init__(self, manner: Manner, *, port: int = 0, delay_seconds: float = 0.0) -> None:
        self._manner = manner
        self._delay_seconds = delay_seconds
        self._socket = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self.url: Final = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self.requests: Final[list[Request]] = []
        self.in_flight = 0
        self.peak_in_flight = 0
        self._runner = asyncio.Runner()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="stub endpoint", daemon=True)

    def __enter__(self) -> Self:
        loop = self._runner.get_loop()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._runner.get_loop().call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def join(self) -> None:
        """Serve until the process is told to end."""
        self._thread.join()

    @property
    def connections(self) -> int:
        """How many connections the requests came by."""
        return len({request.client_port for request in self.requests})

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._serve())

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, self._socket, backlog=_BACKLOG).start()
        await self._stopping.wait()
        await runner.cleanup()

    async def _answer(self, received: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            return await self._deliver(received)
        except ConnectionResetError:  # the client's patience ended first
            return web.Response()
        finally:
            self.in_flight -= 1

    async def _deliver(self, received: web.Request) -> web.StreamResponse:
        assert received.transport is not None
        content = await received.read()
        request = Request(
            body=json.loads(content),
            content=content,
            headers=dict(received.headers),
            client_port=received.transport.get_extra_info("peername")[1],
        )
        self.requests.append(request)
        given = self._manner(request)
        await asyncio.sleep(self._delay_seconds + given.delay_seconds)
        response = web.StreamResponse(
            status=given.status, headers={"content-type": given.content_type, **given.headers}
        )
        if given.delivery is Delivery.NONE:
            received.transport.abort()
            return response
        content = given.body.encode()
        response.content_length = len(content)
        await response.prepare(received)
        if given.delivery is Delivery.DRIP:
            for byte in content:
                await response.write(bytes([byte]))
                await asyncio.sleep(_DRIP_SECONDS)
        elif given.delivery is Delivery.HALF:
            await response.write(content[: len(content) // 2])
            await asyncio.sleep(_DRIP_SECONDS)
            received.transport.close()
        else:
            await response.write(content)
        return response


def answer(text: str | None = None, *calls: tuple[str, object], **sending: Any) -> Answer:
    """Return a chat completion with this text and these calls (name, arguments: an object, or its raw text)."""
    message: dict[str, object] = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call_{uuid4().hex}",
                "type": "function",
                "function": {"name": name, "arguments": said if isinstance(said, str) else json.dumps(said)},
            }
            for name, said in calls
        ]
    body = {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 0,
        "model": "stub",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}],
        "usage": {"prompt_tokens": 700, "completion_tokens": 40, "total_tokens": 740},
    }
    return Answer(body=json.dumps(body), **sending)


def error(status: int, message: str, *, code: str | None = None, **sending: Any) -> Answer:
    """Return an error in OpenAI's form."""
    body = {"error": {"message": message, "type": code, "param": None, "code": code}}
    return Answer(status=status, body=json.dumps(body), **sending)


def scripted(*answers: Answer) -> Manner:
    """Return a manner that gives these answers in order, and the last one ever after."""
    following = chain(answers, repeat(answers[-1]))
    return lambda _request: next(following)


def address_that_refuses() -> str:
    """Return a base URL on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/v1"
