"""A call that ends within its time whatever the other side does: an HTTP library bounds each piece, not the whole.

A source that sends its headers a byte at a time keeps every such bound. The call runs in a thread of its own then, and
is left behind when its time is over. Called by `WebApi`.
"""

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

__all__ = ["BoundedCalls", "TooManyLeftBehindError"]

_LEFT_BEHIND_LIMIT: Final = 8
"""Calls that were left behind and go on, of one system; with so many no further one is begun."""

_Result = TypeVar("_Result")


class TooManyLeftBehindError(TimeoutError):
    """So many earlier calls have not ended yet that no further one was begun."""


class BoundedCalls:
    """Runs calls to one system in bounded time. Any number of threads may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left_behind = 0

    def run(self, call: Callable[[], _Result], *, seconds: float) -> _Result:
        """Return what `call` returns, or raise what it raises. Raises `TimeoutError` when it takes longer.

        Raises `TooManyLeftBehindError`, a `TimeoutError` too, where the call was not begun.
        """
        with self._lock:
            if self._left_behind >= _LEFT_BEHIND_LIMIT:
                raise TooManyLeftBehindError("it has not ended earlier answers yet")
        under_way = _UnderWay(call)
        thread = threading.Thread(target=self._carried_out, args=(under_way,), name="bounded call", daemon=True)
        thread.start()
        if under_way.has_ended.wait(seconds):
            return under_way.outcome()
        with self._lock:
            if not under_way.has_ended.is_set():
                under_way.is_left_behind = True
                self._left_behind += 1
        raise TimeoutError("its answer does not end")

    def _carried_out(self, under_way: "_UnderWay[_Result]") -> None:
        under_way.carry_out()
        with self._lock:
            under_way.has_ended.set()
            self._left_behind -= under_way.is_left_behind


class _UnderWay(Generic[_Result]):
    """One call, and what came of it."""

    def __init__(self, call: Callable[[], _Result]) -> None:
        self._call = call
        self._error: Exception | None = None
        self._results: list[_Result] = []
        self.has_ended = threading.Event()
        self.is_left_behind = False

    def carry_out(self) -> None:
        try:
            self._results.append(self._call())
        except Exception as error:  # noqa: BLE001 - the thread's boundary: raised where the call was asked for
            self._error = error

    def outcome(self) -> _Result:
        error, self._error = self._error, None
        if error is None:
            return self._results[0]
        try:
            raise error
        finally:
            del error  # else its traceback, and with it a socket, would live until the garbage collector comes
