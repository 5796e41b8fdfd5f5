"""How much at once, and how often: only the sender that overdoes it waits.

State of one process and its event loop, for one thread; it forgets the senders that were quiet longest. Called by
`desk.py`. What Redis bears is not limited here: the door says so itself.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from producers.webhook.refusals import come_again

__all__ = ["Limits", "Rates", "sender_at"]

SENDERS_LIMIT: Final = 10_000
BURST_SECONDS: Final = 2
"""So many seconds' worth of requests may come at once after a rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one process; `.env.example` has those that are settings.

    A whole request must be there within `header_seconds` + `body_seconds`, a kept connection's next one begins within
    `header_seconds`, and the answer must be read within `answer_seconds`. The rest of a refused body is dropped for
    `lingering_seconds`, so that its sender gets to read why. At the worst `requests` bodies of `body_bytes` are in
    memory, and `threads` of them decoded; `values` bounds what each of them becomes. `connections` must be more than
    `requests`: those without a request make way for new ones.
    """

    body_bytes: int = 10 * 1024 * 1024
    alerts: int = 10_000
    values: int = 500_000
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

    def __post_init__(self) -> None:
        if self.connections <= self.requests:
            raise ValueError(f"{self.connections} connections leave no room beside {self.requests} requests")


@dataclass(slots=True)
class Rates:
    """A token bucket for each sender."""

    per_second: float
    monotonic: Callable[[], float]
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def spend(self, sender: str) -> None:
        """Count one request. Raises `HttpError` (503, with the seconds until the next is welcome) past the rate."""
        now, left = self.monotonic(), self._left(sender)
        is_welcome = left >= 1
        self._keep(sender, left - 1 if is_welcome else left, now)
        if not is_welcome:
            raise come_again(
                "this sender sends too many requests: send more alerts in each, or raise "
                "FIRSTLINE_INTAKE_SENDER_REQUESTS_PER_SECOND",
                "the sender's rate",
                after_seconds=(1 - left) / self.per_second,
            )

    def give_back(self, sender: str) -> None:
        """Count one request less: it was another sender's, as it turned out."""
        self._keep(sender, min(self._burst, self._left(sender) + 1), self.monotonic())

    @property
    def _burst(self) -> float:
        return max(1.0, self.per_second * BURST_SECONDS)

    def _left(self, sender: str) -> float:
        now = self.monotonic()
        left, since = self._buckets.get(sender, (self._burst, now))
        return min(self._burst, left + (now - since) * self.per_second)

    def _keep(self, sender: str, left: float, now: float) -> None:
        self._buckets.pop(sender, None)
        self._buckets[sender] = (left, now)
        while len(self._buckets) > SENDERS_LIMIT:
            self._buckets.popitem(last=False)


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
