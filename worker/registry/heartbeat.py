"""The heartbeat of a worker: a thread that tells the registry, every few seconds, that this one lives.

It says nothing about progress; a worker that beats may still be stuck, which is why leases run out. Started by
bootstrap.
"""

import contextlib
import threading
from collections.abc import Mapping
from typing import Final

from redis.exceptions import RedisError

from worker.registry.registry import Registry

__all__ = ["Heartbeat"]

_INTERVAL_SECONDS: Final = 5.0


class Heartbeat:
    """Beats from `start` until `stop`; a beat that Redis does not take is simply missing."""

    def __init__(self, registry: Registry, fields: Mapping[str, str | float]) -> None:
        self._registry = registry
        self._fields = fields
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Beat at once, and from then on."""
        self._thread.start()

    def stop(self) -> None:
        """Beat no more; the worker is listed for some seconds yet."""
        self._stopped.set()
        self._thread.join(_INTERVAL_SECONDS)

    def _run(self) -> None:
        while True:
            with contextlib.suppress(RedisError):
                self._registry.beat(self._fields)
            if self._stopped.wait(_INTERVAL_SECONDS):
                return
