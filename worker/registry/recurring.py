"""What a worker does again and again beside its triages: beating, sweeping. One thread each, ended with the worker."""

import threading
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError

__all__ = ["Recurring"]

log = structlog.get_logger()


class Recurring:
    """Does `action` at once and then every `interval_seconds`; an outage of Redis costs that turn and no more."""

    def __init__(self, name: str, action: Callable[[], object], *, interval_seconds: float) -> None:
        self._name = name
        self._action = action
        self._interval_seconds = interval_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the turn that may be under way; waits for it one interval at most."""
        self._stopped.set()
        self._thread.join(self._interval_seconds)

    def _run(self) -> None:
        while True:
            try:
                self._action()
            except RedisError as error:
                log.warning("recurring.turn_lost", name=self._name, error=type(error).__name__)
            except Exception:  # the thread's outermost boundary: one bad turn must not be the last
                log.exception("recurring.turn_broken", name=self._name)
            if self._stopped.wait(self._interval_seconds):
                return
