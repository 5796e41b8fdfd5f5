"""Ctrl-C and SIGTERM at any moment: a signal waits while something is being started or ended, so nothing is left."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupted", "Interrupts"]


class Interrupted(Exception):  # noqa: N818 - the state, not an accident
    """Somebody wants the demo to end; `exit_code` is the shell's for that signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Interrupts:
    """Turns the first SIGINT or SIGTERM into `Interrupted`, once, and never within `deferred`. Main thread only."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._is_deferred = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let what happens in the context happen whole; a signal meanwhile is raised at its end."""
        self._is_deferred = True
        yield
        self._is_deferred = False
        if self._received is not None:
            raise Interrupted(self._received)

    def ignore(self) -> None:
        """Take no more signals: the end has begun."""
        self._is_deferred = True

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        is_first, self._received = self._received is None, number
        if is_first and not self._is_deferred:
            self._is_deferred = True
            raise Interrupted(number)
