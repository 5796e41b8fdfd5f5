"""The worker's own application, with traps in it and times that a test can wait for.

Run with `celery -A tests.faults.crashing_app worker`. The task, the rooms and their scripts are the product's. What is
exchanged, by name at the composition root, stands below; its settings (`settings.py`) come from the environment.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final, cast
from unittest.mock import patch

from redis import Redis

from tests.faults.fenced import FencedDirectory
from tests.faults.naive_guard import NaiveGuard
from tests.faults.settings import SKEW_SECONDS, FaultSettings
from tests.faults.traps import TrappedDirectory, TrappedGuard, TrappedRegistry, Traps
from worker import bootstrap, tasks
from worker.clock import SystemClock
from worker.duty import Worker
from worker.guardrails.restart_guard import RestartGuard
from worker.registry.sweeper import Sweeper

__all__ = ["app"]

_JUMP_INTERVAL_SECONDS: Final = 2


class _SkewedClock(SystemClock):
    """A wall clock that is an hour wrong: fast, slow, or one after the other."""

    def __init__(self, manner: str) -> None:
        self._manner = manner

    def now(self) -> datetime:
        is_odd = bool(int(monotonic()) // _JUMP_INTERVAL_SECONDS % 2)
        is_fast = is_odd if self._manner == "jumps" else self._manner == "fast"
        return super().now() + timedelta(seconds=SKEW_SECONDS if is_fast else -SKEW_SECONDS)


class _NoSweeper:
    """A sweeper that looks away."""

    def __init__(self, redis: Redis, *, bury: Callable[[str, str], None]) -> None:
        pass

    def sweep(self) -> int:
        return 0


def _exchanges(settings: FaultSettings) -> dict[str, Any]:
    TrappedRegistry.traps = Traps(settings.traps_folder)
    sweeper: Callable[[Redis], object] = partial(Sweeper, patience_seconds=settings.patience_seconds)
    return {
        "Registry": partial(TrappedRegistry, lease_seconds=settings.lease_seconds),
        "Sweeper": sweeper if settings.has_sweeper else _NoSweeper,
        "RestartGuard": RestartGuard if settings.has_guard else NaiveGuard,
        "SystemClock": SystemClock if settings.clock == "right" else partial(_SkewedClock, settings.clock),
        "_SWEEP_INTERVAL_SECONDS": settings.sweep_interval_seconds,
    }


def _open_worker() -> Worker:
    settings = FaultSettings()
    with patch.multiple(bootstrap, **_exchanges(settings)):
        worker = bootstrap.open_worker()
    traps = Traps(settings.traps_folder)
    directory = FencedDirectory(
        directory=worker.directory,
        folder=settings.servers_folder,
        traps=traps,
        clock=worker.clock,
        has_fence=settings.has_fence,
    )
    return replace(
        worker,
        guard=cast("RestartGuard", TrappedGuard(worker.guard, traps)),
        directory=TrappedDirectory(directory, traps),
    )


patch.object(tasks, "open_worker", _open_worker).start()
app: Final = tasks.app
app.conf.broker_transport_options["visibility_timeout"] = FaultSettings().visibility_timeout_seconds
