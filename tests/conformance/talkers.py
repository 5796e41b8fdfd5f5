"""Systems on loopback whose answer never ends: a byte at a time, or as fast as it is taken."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

__all__ = ["LIMIT_BYTES", "Talker", "talking"]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n"
LIMIT_BYTES, LIMIT_SECONDS = 32 * 1_048_576, 6.0
"""A listener that takes it all has shown enough."""


@dataclass
class Talker:
    """What it says again and again, with a pause between, and how much of it was taken."""

    chunk: bytes
    pause_seconds: float
    port: int = 0
    taken_bytes: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)

    def listen(self, listening: socket.socket) -> None:
        with suppress(OSError):  # the listening socket is shut down at the end
            while not self.is_over.is_set():
                connection, _ = listening.accept()
                threading.Thread(target=self._talk, args=[connection], daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # who listened has had enough
            connection.recv(65_536)
            connection.sendall(HEAD)
            give_up = time.monotonic() + LIMIT_SECONDS
            while not self.is_over.wait(self.pause_seconds) and self.taken_bytes < LIMIT_BYTES:
                if time.monotonic() > give_up:
                    return
                connection.sendall(self.chunk)
                self.taken_bytes += len(self.chunk)


@contextmanager
def talking(chunk: bytes, *, pause_seconds: float) -> Iterator[Talker]:
    """Keep such a system."""
    talker = Talker(chunk, pause_seconds)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        talker.port = listening.getsockname()[1]
        thread = threading.Thread(target=talker.listen, args=[listening])
        thread.start()
        try:
            yield talker
        finally:
            talker.is_over.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)
