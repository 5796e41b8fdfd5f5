"""A TCP proxy on loopback between a program and its Redis, that cuts, delays and swallows what passes.

A connection that has lost bytes never speaks again, as after a real black hole: to let later bytes through would mix up
questions and answers, which no network does.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Event, Thread
from typing import Final, Self

__all__ = ["Proxy"]

_CHUNK_BYTES: Final = 65_536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class _Weather:
    swallows_requests: bool = False
    swallows_replies: bool = False
    delay_seconds: float = 0.0


@dataclass(eq=False)
class _Line:
    """One connection: both its ends, and whether bytes of it were lost."""

    program: asyncio.StreamWriter
    server: asyncio.StreamWriter
    is_deaf: bool = field(default=False)

    def reset(self) -> None:
        for end in (self.program, self.server):
            with suppress(OSError):
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            end.transport.abort()


class Proxy:
    """`with Proxy(target_port) as proxy:` listens on `proxy.port`; its methods are for the test's thread."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._lines: set[_Line] = set()
        self._connected: set[asyncio.Task[None]] = set()
        self._weather = _Weather()
        self._loop = asyncio.new_event_loop()
        self._is_listening = Event()
        self._thread = Thread(target=self._run, name="proxy", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_listening.wait(5), "the proxy did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(5)

    def cut(self) -> int:
        """Reset every connection; return how many there were."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(5)

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """Be a black hole: connections open, and nothing comes through in either direction."""
        with self._weather_of(swallows_requests=True, swallows_replies=True):
            yield

    @contextmanager
    def dropping_replies(self) -> Iterator[None]:
        """Let requests reach Redis, and lose every answer; cut all connections at the end."""
        with self._weather_of(swallows_replies=True):
            yield
        self.cut()

    @contextmanager
    def delaying(self, seconds: float) -> Iterator[None]:
        """Hold everything up, `seconds` in each direction."""
        with self._weather_of(delay_seconds=seconds):
            yield

    @contextmanager
    def _weather_of(
        self, *, swallows_requests: bool = False, swallows_replies: bool = False, delay_seconds: float = 0.0
    ) -> Iterator[None]:
        fair = self._weather
        self._weather = replace(
            fair, swallows_requests=swallows_requests, swallows_replies=swallows_replies, delay_seconds=delay_seconds
        )
        try:
            yield
        finally:
            self._weather = fair

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._is_listening.set()
        await self._ending.wait()
        server.close()
        await self._cut()
        await asyncio.gather(*self._connected)

    async def _cut(self) -> int:
        lines = list(self._lines)
        for line in lines:
            line.reset()
        return len(lines)

    async def _connect(self, from_program: asyncio.StreamReader, to_program: asyncio.StreamWriter) -> None:
        passing_on = asyncio.create_task(self._connect_through(from_program, to_program))
        self._connected.add(passing_on)
        await passing_on

    async def _connect_through(self, from_program: asyncio.StreamReader, to_program: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            to_program.transport.abort()
            return
        line = _Line(to_program, to_server)
        self._lines.add(line)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._pass_on(line, from_program, to_server, self._loses_requests))
                directions.create_task(self._pass_on(line, from_server, to_program, self._loses_replies))
        finally:
            self._lines.discard(line)

    async def _pass_on(
        self, line: _Line, source: asyncio.StreamReader, sink: asyncio.StreamWriter, loses: Callable[[], bool]
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK_BYTES):
                line.is_deaf = line.is_deaf or loses()
                if line.is_deaf:
                    continue
                await asyncio.sleep(self._weather.delay_seconds)
                sink.write(chunk)
                await sink.drain()
        sink.close()

    def _loses_requests(self) -> bool:
        return self._weather.swallows_requests

    def _loses_replies(self) -> bool:
        return self._weather.swallows_replies
