"""A limit on a whole exchange: time limits of single reads never end with whoever sends a byte at a time.

Called by what sends over HTTP and SMTP. It cuts the connection; what waits on it then fails as on any cut one.
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["Watch"]


class Watch:
    """Cuts the newest socket that it was shown when its time is over, and every later one at once."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._socket: socket.socket | None = None
        self.is_over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def over(self, connected: socket.socket) -> None:
        """Watch over a socket, from now on the only one; an encrypted one replaces the one below it."""
        self._socket = connected
        if self.is_over:
            self._cut()

    def _end(self) -> None:
        self.is_over = True
        self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # an SSLSocket's own is not for other threads
