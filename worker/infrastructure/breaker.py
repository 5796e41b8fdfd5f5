"""A circuit breaker: a source that is down is asked again after a pause, instead of by every triage in turn.

It must never stand before a restart, whose outcome has to be known, nor hide that a source is down: who is not let
through is told why. Each source has one, shared by all triages of a worker.
"""

import threading
from typing import Final

from worker.errors import SourceUnavailable
from worker.ports import Clock

__all__ = ["CircuitBreaker"]

_FAILURES: Final = 3
"""In a row; one or two are a blip, which the repeated read is for."""

_PAUSE_SECONDS: Final = 15.0
"""Long enough to spare a triage its timeouts, and short enough for the next triage to find the source well again."""


class CircuitBreaker:
    """Open after three failures in a row, for 15 s; then one caller at a time tries, until one succeeds.

    Any number of threads may use it.
    """

    def __init__(self, source: str, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._last_failure = ""
        self._next_try_at = 0.0

    def check(self) -> None:
        """Return when the source may be asked. Raises `SourceUnavailable` with its last failure while it may not."""
        with self._lock:
            now = self._clock.monotonic_seconds()
            if self._failures < _FAILURES:
                return
            if now < self._next_try_at:
                raise SourceUnavailable(
                    f"{self._source} was not asked: it failed {self._failures} times in a row, and is tried again in "
                    f"{self._next_try_at - now:.0f} s. The last failure: {self._last_failure}"
                )
            self._next_try_at = now + _PAUSE_SECONDS

    def succeeded(self) -> None:
        """Take note of an answer."""
        with self._lock:
            self._failures = 0

    def failed(self, failure: Exception) -> None:
        """Take note of a failure of the source itself, not of a question that it refuses."""
        with self._lock:
            self._failures += 1
            self._last_failure = str(failure)
            self._next_try_at = self._clock.monotonic_seconds() + _PAUSE_SECONDS
