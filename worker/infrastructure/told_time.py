"""How far a source's answers lag behind: by what it tells as its own now, and the worker's monotonic clock.

A cache between the two may give one answer again and again, whose now stands still. The source's clock is never
compared with the worker's, only how far both have gone. Called by the Prometheus adapter.
"""

import threading
from typing import Final

__all__ = ["ToldTime"]

_JUDGED_SECONDS: Final = 2.0
"""What is told sooner after the last telling says nothing of how a clock goes."""

_STEP_SECONDS: Final = 120.0
"""A clock that goes on, and so far behind, was set back: an answer of then would be refused for its age anyway."""


class ToldTime:
    """What one source has told of its now. Any number of threads may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead_seconds: float | None = None
        self._last: tuple[float, float] | None = None

    def lag_seconds(self, told: float, *, asked_at: float) -> float:
        """Return how much older an answer is than the newest one was that ever came, when that one came.

        `told` is the source's now in it, `asked_at` the worker's monotonic time of the question.
        """
        with self._lock:
            goes_on = self._goes_on(told, asked_at)
            ahead_seconds = told - asked_at
            newest = ahead_seconds if self._ahead_seconds is None else max(self._ahead_seconds, ahead_seconds)
            was_set_back = goes_on and newest - ahead_seconds > _STEP_SECONDS
            self._ahead_seconds = ahead_seconds if was_set_back else newest
            return self._ahead_seconds - ahead_seconds

    def _goes_on(self, told: float, asked_at: float) -> bool:
        """Say whether the source's clock has gone at least half as far as the worker's since the last telling."""
        if self._last is None:
            self._last = (told, asked_at)
            return False
        went, passed = told - self._last[0], asked_at - self._last[1]
        if passed < _JUDGED_SECONDS:
            return False
        self._last = (told, asked_at)
        return went >= passed / 2
