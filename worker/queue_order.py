"""From which queue the next message comes: the most urgent first, and now and then one that has waited too long.

Strictly by urgency, a steady stream of critical incidents would starve the others. So a queue whose next incident has
waited longer than its queue's patience is *overdue*, and of every four messages one is taken from an overdue queue
first, from each in its turn: a critical incident waits behind at most one of those a free slot, however many there are.
Without Redis nothing is received at all. Called by kombu, in the consuming thread; `heed` is called by a thread of the
worker's.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from worker.contract.queue import QUEUES

__all__ = ["PATIENCE_SECONDS", "QueueOrder", "heed"]

PATIENCE_SECONDS: Final[Mapping[str, float]] = dict(zip(QUEUES[1:], (300.0, 900.0), strict=True))
"""How long the next incident of a queue may have waited before its queue is overdue; the most urgent has no need."""

_TURNS: Final = 4
"""One turn in so many begins with the overdue queues."""

_overdue: set[str] = set()


def heed(waiting_seconds: Mapping[str, float]) -> None:
    """Note how long the next incident of each queue has waited, in seconds; queues without one are left out."""
    overdue = {name for name, limit in PATIENCE_SECONDS.items() if waiting_seconds.get(name, 0) > limit}
    _overdue.intersection_update(overdue)
    _overdue.update(overdue)


class QueueOrder:
    """Kombu's queue cycle (`kombu.utils.scheduling`), as `queue_order_strategy` names it."""

    def __init__(self) -> None:
        self._queues: list[str] = []
        self._received = 0

    def update(self, queues: Iterable[str]) -> None:
        """Take these queues from now on."""
        self._queues = sorted(queues)

    def consume(self, number: int) -> list[str]:
        """Return the queues in the order in which they are to be looked at."""
        overdue = sorted(_overdue)
        turn, place_in_turn = divmod(self._received, _TURNS)
        if not overdue or place_in_turn:
            return self._queues[:number]
        first = overdue[turn % len(overdue)]
        return [first, *(name for name in self._queues if name != first)][:number]

    def rotate(self, _last_used: str) -> None:
        """Count a message that was received."""
        self._received += 1
