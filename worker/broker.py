"""Kombu's Redis transport as we run it: the same wire and the same keys, with what had to be mended.

A message from the queue is a hint that anybody who reaches Redis can write, so nothing of it is passed on but the
incident's id: Celery sees a message that was rendered here. What is no hint is handed to the undertaker and never
reaches Celery, whose workers die of some of it. No message may end a worker, stop a queue or vanish.

Chosen by `broker_transport` in `worker/app.py`; `bury_with` is called once before the worker consumes.
"""

import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from queue import Empty
from typing import Any, Final, NamedTuple, Protocol

import structlog
from kombu.transport import redis
from redis import Redis
from redis.exceptions import ResponseError

from worker.contract.queue import QUEUES, read_message, render_message
from worker.errors import ConfigurationError

__all__ = ["UNREADABLE_MESSAGE", "Channel", "Transport", "Undertaker", "bury_with"]

UNREADABLE_MESSAGE: Final = "unreadable_message"
"""The reason under which a message that is no hint is buried."""

_log = structlog.get_logger(__name__)


class Undertaker(Protocol):
    """Keeps what nobody could read, and tells a person. It bounds `content` itself.

    Raises `redis.exceptions.RedisError` when nothing was kept; the same message is then brought again, and also when
    it was kept and only the answer got lost.
    """

    def __call__(self, reason: str, *, content: bytes, found_in: str, detail: str) -> object:
        """Bury one message that was found in a queue; `detail` is a sentence about what is wrong with it."""


class _Unreadable(NamedTuple):
    content: bytes
    found_in: str
    detail: str


class _Morgue:
    """What this process took from the queue and could not read, until it is buried. For the consuming thread only."""

    def __init__(self) -> None:
        self.undertaker: Undertaker | None = None
        self._waiting: deque[_Unreadable] = deque()

    def take(self, content: bytes, *, queue: str, detail: str) -> None:
        digest = sha256(content).hexdigest()
        _log.error("message.unreadable", queue=queue, detail=detail, content_bytes=len(content), sha256=digest)
        self._waiting.append(_Unreadable(content, found_in=f"the queue {queue}", detail=detail))

    def bury_all(self) -> None:
        while self._waiting:
            if self.undertaker is None:
                raise ConfigurationError("Nobody buries unreadable messages: call bury_with before consuming.")
            self.undertaker(UNREADABLE_MESSAGE, **self._waiting[0]._asdict())
            self._waiting.popleft()


_morgue: Final = _Morgue()


def bury_with(undertaker: Undertaker | None) -> None:
    """Let `undertaker` have whatever this process reads from a queue and is no hint."""
    _morgue.undertaker = undertaker


class QoS(redis.QoS):
    """Kombu's notes of what was received and not yet acknowledged, in Redis: `unacked`."""

    # Kombu has these; its type stubs don't.
    channel: Any
    _quick_ack: Callable[[str], None]
    _remove_from_indices: Callable[[str, Any], Any]

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge, and count the slot as free whatever Redis answers.

        Kombu counts it as taken when Redis doesn't answer. When all triages of a full worker end while the broker is
        gone, no slot is ever free again, so it never asks for a message, so it never notices that the broker is back.
        """
        try:
            super().ack(delivery_tag)
        finally:
            self._quick_ack(delivery_tag)

    def restore_by_tag(self, tag: str, client: Redis | None = None, leftmost: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """Put a noted message back into its queue, whatever was noted: where it is read, poison is found and buried.

        Kombu drops a note that it can't read, or lets it end every worker that starts.
        """

        def restore(pipeline: Any) -> None:  # noqa: ANN401 - redis-py's transactions are untyped
            note = pipeline.hget(self.unacked_key, tag)
            pipeline.multi()
            self._remove_from_indices(tag, pipeline)
            if note:
                queue, content = _noted(note)
                (pipeline.lpush if leftmost else pipeline.rpush)(queue, content)

        with self.channel.conn_or_acquire(client) as connected:
            connected.transaction(restore, self.unacked_key)


def _noted(note: bytes) -> tuple[str, str | bytes]:
    """Return queue and content of a noted message; of a note that can't be read, itself.

    Read as JSON and nothing more: kombu's own reader makes dates, numbers and bytes of what asks for it, and a note
    that asked for the number "x" ended every worker, again and again.
    """
    try:
        message, _, queue = json.loads(note)
        return (queue if queue in QUEUES else QUEUES[-1]), json.dumps(message)
    except (TypeError, ValueError, RecursionError):
        return QUEUES[-1], note


class Channel(redis.Channel):
    """A channel that takes hints only, closes whatever the broker does, and keeps its client.

    When Redis is unavailable while a message is being buried, the message stays in memory, nothing more is read, and it
    is buried first thing after the reconnect; if only the answer was lost, twice. What remains: a worker that is killed
    between the BRPOP and the burial takes the message with it. Kombu loses any message so; one that is a hint comes
    again from the registry, and of one that isn't the log has length and hash, if it was written that far.
    """

    QoS = QoS

    do_restore = False
    """Kombu hands the messages of running triages out again with every lost connection: 42 needless deliveries of 196,
    cut once a second. They run on here, and should this process die, the sweeper brings their incidents again."""

    # Kombu has these; its type stubs don't.
    _in_poll: Any
    _in_listen: Any
    _queue_cycle: Any
    _flush_brpop_reauth: Callable[[], None]
    connection_errors: tuple[type[Exception], ...]

    @cached_property
    def _kept_client(self) -> Redis:
        client: Redis = super()._create_client()  # type: ignore[misc] # kombu's types end before it
        return client

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - kombu's signature
        """Return one client a channel; client and pool are safe from many threads.

        Kombu makes a new one (no new connection: those are pooled) for every receipt and every acknowledgement, which
        took a quarter of a worker's CPU at 400 incidents in flight.
        """
        if not asynchronous:
            return self._kept_client
        return super()._create_client(asynchronous=True)  # type: ignore[misc] # kombu's types end before it

    def _brpop_start(self, timeout: float | None = None) -> None:
        _morgue.bury_all()
        super()._brpop_start(timeout)  # type: ignore[misc] # kombu's types end before it

    def _brpop_read(self, **options: Any) -> bool:  # noqa: ANN401 - kombu's signature
        """Read the answer to the BRPOP that is under way. As kombu's, but for `_receive_hint`."""
        try:
            queue, content = self._popped(**options)
            self._queue_cycle.rotate(queue)
            self._receive_hint(content, queue)
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        return True

    def _popped(self, **options: Any) -> tuple[str, bytes]:  # noqa: ANN401 - kombu's signature
        connection = self.client.connection
        try:
            popped = self.client.parse_response(connection, "BRPOP", **options)
        except self.connection_errors:
            connection.disconnect()
            raise
        if not popped:
            raise Empty
        key, content = popped
        return key.decode().rsplit(self.sep, 1)[0], content

    def _receive_hint(self, content: bytes, queue: str) -> None:
        try:
            incident_id = read_message(content)
        except ValueError as error:
            _morgue.take(content, queue=queue, detail=str(error))
            _morgue.bury_all()
        else:
            self.connection._deliver(json.loads(render_message(incident_id, queue)), queue)  # noqa: SLF001 - as kombu does

    def _receive_one(self, subscription: Any) -> None:  # noqa: ANN401 - kombu's types end before it
        """Take one broadcast and let it be: only gossip would read it, and anybody can send one.

        Kombu reads it as it reads its notes, and Celery expects events only: both die of what they don't expect.
        """
        try:
            subscription.parse_response()
        except self.connection_errors:
            self._in_listen = None
            raise

    def close(self) -> None:
        """Close the channel, also when the broker is gone.

        Kombu 5.7.0 first reads the answer to a BRPOP that is under way. With the broker gone that raises and leaves the
        channel half closed; when Celery 5.7.0 then closes it once more, the transport has no client any longer, and the
        worker exits with "'NoneType' object has no attribute 'hostname'". It takes a second connection that notices
        first, such as gossip's under a plain `celery -A worker worker`, a running triage and a free slot.
        """
        if self._in_poll:
            with suppress(Empty, *self.connection_errors):
                self._brpop_read()
        super().close()


class Transport(redis.Transport):
    """The Redis transport with the channel above."""

    Channel = Channel

    connection_errors = (*redis.Transport.connection_errors, ResponseError)
    """A Redis that answers but refuses (full, its disk full, a replica) is like one that is gone: the worker comes back
    until it isn't. Kombu lets a refusal end the worker, and each worker after it takes one more message along."""
