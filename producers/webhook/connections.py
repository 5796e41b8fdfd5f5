"""The connections that are open, and which of them makes way when there are too many: never one that is at work.

Anybody can open connections, so their number is no reason to turn a newcomer away. The one that makes way is of the
address that has most of them, and there the one whose last request began first. State of one process and its event
loop. Called by `server.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Connections"]


@dataclass(slots=True)
class Connections:
    """At most `limit` of them, as long as fewer are at work; `is_at_work` says so of one."""

    limit: int
    is_at_work: Callable[[object], bool]
    _by_address: dict[str, dict[object, Callable[[], None]]] = field(default_factory=dict)

    def opened(self, address: str, connection: object, cut: Callable[[], None]) -> None:
        """Count a new one; `cut` ends it. Another one is cut where the limit is reached."""
        if sum(map(len, self._by_address.values())) >= self.limit:
            self._make_room()
        self._by_address.setdefault(address, {})[connection] = cut

    def began(self, address: str, connection: object) -> None:
        """Note that a request begins: this one is now the last of its address to make way."""
        there = self._by_address.get(address, {})
        if connection in there:
            there[connection] = there.pop(connection)

    def closed(self, address: str, connection: object) -> None:
        """Forget one; it may be forgotten already."""
        there = self._by_address.get(address, {})
        there.pop(connection, None)
        if not there:
            self._by_address.pop(address, None)

    def _make_room(self) -> None:
        for address in sorted(self._by_address, key=lambda each: -len(self._by_address[each])):
            for connection, cut in self._by_address[address].items():
                if not self.is_at_work(connection):
                    self.closed(address, connection)
                    cut()
                    return
