"""A service manager as a subject: with a target that counts, and with one whose answer is lost on its way."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.conformance.subjects import CLOCK, MISSING
from worker.ports import Clock, HealthSource, ServiceManager

__all__ = ["ManagerSubject"]


@dataclass(frozen=True, kw_only=True)
class ManagerSubject:
    """One adapter, and the same in trouble. None stands for a trouble that it can't have."""

    manager: ServiceManager
    restarts: Callable[[], int]
    """How many restarts its target has seen, by the target's own account."""
    fence_reaches: bool
    """Whether the target itself refuses an order that it has seen, or an older one."""
    missing: ServiceManager
    """Its target does not exist."""
    unreachable: ServiceManager | None
    """Nothing is where its system should be."""
    cut_off: ServiceManager
    """Its target takes the order, and then the connection breaks."""
    cut_off_restarts: Callable[[], int]
    health: HealthSource | None = None
    """Where the start of its service is seen."""
    clock: Clock = CLOCK
    named: str = MISSING
    """What the sentence about a missing target names: the server, or the system that was asked about it."""
    system: str = ""
    """What the sentences about a system in trouble name."""
