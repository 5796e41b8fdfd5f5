"""Who is being read and answered: places for requests, of which no one sender can take all.

Who has proven who it is keeps its place until it is answered. Who has not yet, and only sends the body whose signature
may prove it, makes way when another needs the place: the one that came first, of the address that holds most. State of
one process and its event loop, for one thread. Called by `desk.py`.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from producers.webhook.refusals import HttpError, come_again

__all__ = ["Room"]


@dataclass(slots=True)
class Room:
    """`places` for requests; half of them are one sender's at the most, and half are for all who are unproven.

    A `connection` is whatever the caller tells one from another by; it has one request at a time.
    """

    places: int
    _taken: Counter[str] = field(default_factory=Counter)
    _strangers: dict[str, dict[object, asyncio.Timeout]] = field(default_factory=dict)
    _holders: set[object] = field(default_factory=set)

    def holds(self, connection: object) -> bool:
        """Say whether a request of this connection has a place."""
        return connection in self._holders

    @contextmanager
    def place(self, sender: str, connection: object) -> Iterator[None]:
        """Hold a place for a sender that is known. Raises `HttpError` (503) when its share or the room is full."""
        if self._taken[sender] >= self._share or not self._has_a_place():
            raise _full()
        self._taken[sender] += 1
        self._holders.add(connection)
        try:
            yield
        finally:
            self._holders.discard(connection)
            self._taken[sender] -= 1
            if not self._taken[sender]:
                del self._taken[sender]

    @contextmanager
    def strangers_place(self, address: str, connection: object, deadline: asyncio.Timeout) -> Iterator[None]:
        """Hold a place while a body comes in; enter the deadline at once: it is now for one that makes way.

        Raises `HttpError` (503) when all places are those of known senders, and to one that had to make way.
        """
        is_full = len(self._unproven()) >= self._share
        if (is_full and not self._makes_way()) or not self._has_a_place():
            raise _full()
        self._strangers.setdefault(address, {})[connection] = deadline
        self._holders.add(connection)
        try:
            yield
        except HttpError:
            if not self._is_there(address, connection):
                raise come_again("others needed the room before this body was there", "body") from None
            raise
        finally:
            self._leaves(address, connection)

    @property
    def _share(self) -> int:
        return max(1, self.places // 2)

    def _unproven(self) -> list[object]:
        return [connection for there in self._strangers.values() for connection in there]

    def _has_a_place(self) -> bool:
        return self._taken.total() + len(self._unproven()) < self.places or self._makes_way()

    def _makes_way(self) -> bool:
        """Let the oldest of the address that holds most go; its request ends at its next step."""
        if not self._strangers:
            return False
        address = max(self._strangers, key=lambda each: len(self._strangers[each]))
        connection, deadline = next(iter(self._strangers[address].items()))
        self._leaves(address, connection)
        with suppress(RuntimeError):  # its time is up already
            deadline.reschedule(0)
        return True

    def _is_there(self, address: str, connection: object) -> bool:
        return connection in self._strangers.get(address, {})

    def _leaves(self, address: str, connection: object) -> None:
        if self._is_there(address, connection):
            self._holders.discard(connection)
            del self._strangers[address][connection]
            if not self._strangers[address]:
                del self._strangers[address]


def _full() -> HttpError:
    return come_again("too many requests are being answered: send this one again", "requests at once")
