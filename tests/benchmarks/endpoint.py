"""A stub endpoint that costs next to nothing, for benchmarks: it shares the cores with what is measured.

`python -m tests.benchmarks.endpoint --delay 1.0` prints its base URL. Each conversation takes three answers: read
health, read the log, hand over. It reads of a request only its length, its server and how many tools have answered.
"""

import argparse
import asyncio
import json
import re
from typing import Final, cast

import uvloop

_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_SERVER: Final = re.compile(rb'"enum": ?\["([^"]+)"\]')
_TOOL_MESSAGE: Final = re.compile(rb'"role": ?"tool"')
_CALLS: Final = (
    ("get_server_health", {"server_id": "SERVER"}),
    ("fetch_recent_logs", {"server_id": "SERVER", "lines": 100}),
    ("escalate_to_engineer", {"summary": "The backend of SERVER refuses connections [E2]; a restart would not help."}),
)


def _body(number: int) -> bytes:
    name, arguments = _CALLS[number]
    call = {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 700, "completion_tokens": 40, "total_tokens": 740}
    return json.dumps({"id": "stub", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


_BODIES: Final = tuple(_body(number) for number in range(len(_CALLS)))


class _Conversation(asyncio.Protocol):
    """One connection; its requests come one after the other."""

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if separator and length and len(body) >= int(length[1]):
            self._received = b""
            asyncio.get_running_loop().call_later(self._delay_seconds, self._answer, body)

    def _answer(self, request: bytes) -> None:
        server = _SERVER.search(request)
        answered = len(_TOOL_MESSAGE.findall(request))
        body = _BODIES[min(answered, len(_BODIES) - 1)].replace(b"SERVER", server[1] if server else b"?")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head.encode() + body)


async def _serve(delay_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Conversation(delay_seconds), "127.0.0.1", 0, backlog=1024)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    print(address, flush=True)  # noqa: T201 - this line is what the caller reads
    await server.serve_forever()


def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=1.0, metavar="SECONDS", help="before each answer")
    uvloop.run(_serve(parser.parse_args().delay))


if __name__ == "__main__":
    main()
