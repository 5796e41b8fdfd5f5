"""How much at once, and how often: only the sender that overdoes it waits, and nobody can take all the room.

State of one process and its event loop, for one thread; it forgets the senders that were quiet longest. Called by
`desk.py`. What Redis bears is not limited here: the door says so itself.
"""

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from producers.webhook.refusals import come_again

__all__ = ["Limits", "Rates", "Room", "sender_at"]

SENDERS_LIMIT: Final = 10_000
BURST_SECONDS: Final = 2
"""So many seconds' worth of requests may come at once after a rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one process; `.env.example` has those that are settings.

    A whole request must be there within `header_seconds` + `body_seconds`, a kept connection's next one begins within
    `header_seconds`, and the answer must be read within `answer_seconds`. The rest of a refused body is dropped for
    `lingering_seconds`, so that its sender gets to read why. At the worst `requests` bodies of `body_bytes` are in
    memory, and `threads` of them decoded.
    """

    body_bytes: int = 10 * 1024 * 1024
    alerts: int = 10_000
    json_depth: int = 32
    header_seconds: float = 5
    body_seconds: float = 13
    answer_seconds: float = 10
    lingering_seconds: float = 2
    requests: int = 64
    connections: int = 1024
    requests_per_second: float = 50
    threads: int = 8
    stop_seconds: float = 10


@dataclass(slots=True)
class Rates:
    """A token bucket for each sender."""

    per_second: float
    monotonic: Callable[[], float]
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def spend(self, sender: str) -> None:
        """Count one request. Raises `HttpError` (503, with the seconds until the next is welcome) past the rate."""
        now, burst = self.monotonic(), max(1.0, self.per_second * BURST_SECONDS)
        left, since = self._buckets.pop(sender, (burst, now))
        left = min(burst, left + (now - since) * self.per_second)
        is_welcome = left >= 1
        self._buckets[sender] = (left - 1 if is_welcome else left, now)
        while len(self._buckets) > SENDERS_LIMIT:
            self._buckets.popitem(last=False)
        if not is_welcome:
            raise come_again(
                "this sender sends too many requests: send more alerts in each, or raise "
                "FIRSTLINE_INTAKE_SENDER_REQUESTS_PER_SECOND",
                "the sender's rate",
                after_seconds=(1 - left) / self.per_second,
            )


@dataclass(slots=True)
class Room:
    """How many requests are being read and answered; one sender gets half of the room at the most."""

    places: int
    _taken: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def place(self, sender: str) -> Iterator[None]:
        """Hold a place. Raises `HttpError` (503) when there is none."""
        share = max(1, self.places // 2)
        if self._taken.total() >= self.places or self._taken[sender] >= share:
            raise come_again("too many requests are being answered: send this one again", "requests at once")
        self._taken[sender] += 1
        try:
            yield
        finally:
            self._taken[sender] -= 1
            if not self._taken[sender]:
                del self._taken[sender]


def sender_at(address: str | None) -> str:
    """Return the name of a sender that has proven nothing: its address, for IPv6 its network of 64 bits."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip), 64), strict=False))
