"""When a signed message came first, so that whoever sends it again is told of the same alerts, and makes no new ones.

An alert without a time of its own is another alert each time it comes, except in a message whose signature holds for a
while: there the second copy is a retry, or somebody's who has seen the first. Memory of one process: another one, or a
restarted one, takes a copy for new. Called by `desk.py`.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from producers.webhook.signatures import WINDOW_SECONDS

__all__ = ["FirstArrival", "FirstArrivals"]

KEPT: Final = timedelta(seconds=2 * WINDOW_SECONDS)
"""A signed time may lie the window ahead, and is good for the window after it."""

MESSAGES_LIMIT: Final = 100_000


@dataclass(frozen=True, slots=True)
class FirstArrival:
    """When the message came, and what tells its alerts from all others."""

    received_at: datetime
    unique: str


@dataclass(slots=True)
class FirstArrivals:
    """The messages of the last ten minutes by what was signed of them, at most 100,000; for one thread."""

    _first: OrderedDict[bytes, FirstArrival] = field(default_factory=OrderedDict)

    def of(self, signed: bytes | None, now: datetime) -> FirstArrival:
        """Return the first arrival of what was signed: this one, unless it came before; None came never before."""
        arrival = FirstArrival(now, uuid4().hex)
        if signed is None:
            return arrival
        self._forget(now)
        return self._first.setdefault(signed, arrival)

    def _forget(self, now: datetime) -> None:
        while self._first:
            oldest = next(iter(self._first.values()))
            if now - oldest.received_at <= KEPT and len(self._first) < MESSAGES_LIMIT:
                return
            self._first.popitem(last=False)
