"""Kombu's Redis transport as we run it: the same wire and the same keys, with what had to be mended.

One client a channel. Kombu makes a new `redis.Redis` (no new connection: those are pooled) for every receipt and every
acknowledgement, which took a quarter of a worker's CPU at 400 incidents in flight.

Chosen by `broker_transport` in `worker/app.py`; an unmodified transport works as well, only slower.
"""

from functools import cached_property
from typing import Any

from kombu.transport import redis
from redis import Redis

__all__ = ["Channel", "Transport"]


class Channel(redis.Channel):
    """A channel that keeps its client; the client and its pool are safe from many threads."""

    @cached_property
    def _kept_client(self) -> Redis:
        client: Redis = super()._create_client()  # type: ignore[misc] # kombu's types end before it
        return client

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's signature
        if not asynchronous:
            return self._kept_client
        return super()._create_client(asynchronous=True)  # type: ignore[misc] # kombu's types end before it


class Transport(redis.Transport):
    """The Redis transport with the channel above."""

    Channel = Channel
