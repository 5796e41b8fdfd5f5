"""Our channel over a fake Redis that can go away: hints reach Celery, everything else the undertaker."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty
from typing import Any, Final

import pytest
from fakeredis import FakeRedisConnection, FakeServer
from kombu import Connection
from kombu.transport import redis as kombus
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError

from worker.broker import UNREADABLE_MESSAGE, Transport, bury_with
from worker.contract.queue import BROKER_KEY_PREFIX, QUEUES, TRIAGE_TASK, render_message
from worker.errors import ConfigurationError

QUEUE: Final = QUEUES[1]
INCIDENT_ID: Final = "inc-0123456789abcdef0123"
HINT: Final = render_message(INCIDENT_ID, QUEUE)
POISON: Final = b"this is no hint"


@dataclass
class Consumer:
    """A channel on a fake server, and what reached Celery through it. One BRPOP at a time, as the test asks for it."""

    transport: type[kombus.Transport] = Transport
    server: FakeServer = field(default_factory=FakeServer)
    received: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.channel = channel_on(self.server, self.transport)
        self.channel.basic_consume(QUEUE, no_ack=False, callback=self.received.append, consumer_tag="t")
        self.redis = self.channel._create_client()
        self.channel.client.connection = self.channel.async_pool.get_connection()

    def lose_the_broker(self) -> None:
        """Let the server go away, and what it had answered already with it."""
        self.server.connected = False
        self.channel.client.connection._sock.responses.queue.clear()

    def receive(self) -> bool:
        """Ask for one message as the event loop does; False when there is none."""
        self.channel._brpop_start(0.01)
        try:
            return bool(self.channel._brpop_read())
        except Empty:
            return False


def channel_on(server: FakeServer, transport: type[kombus.Transport]) -> Any:
    class FakeChannel(transport.Channel):  # type: ignore[misc,name-defined] # the base is the test's choice
        connection_class = FakeRedisConnection

        def _connparams(self, *, asynchronous: bool = False) -> dict[str, Any]:
            return {**super()._connparams(asynchronous), "server": server}

    class FakeTransport(transport):  # type: ignore[misc,valid-type] # likewise
        Channel = FakeChannel

    options = {"global_keyprefix": BROKER_KEY_PREFIX}
    return Connection("redis://fake:1/0", transport=FakeTransport, transport_options=options).default_channel


@dataclass
class Grave:
    """An undertaker whose Redis can refuse, or lose its answers."""

    buried: list[dict[str, object]] = field(default_factory=list)
    refusals: list[RedisError] = field(default_factory=list)
    loses_answers: bool = False

    def bury(self, reason: str, *, content: bytes, found_in: str, detail: str) -> None:
        if self.refusals:
            if self.loses_answers:
                self.buried.append({"content": content})
            raise self.refusals.pop()
        self.buried.append({"reason": reason, "content": content, "found_in": found_in, "detail": detail})


@pytest.fixture
def grave() -> Iterator[Grave]:
    grave = Grave()
    bury_with(grave.bury)
    yield grave
    grave.refusals.clear()


@pytest.fixture
def consumer(grave: Grave) -> Consumer:
    return Consumer()


def test_a_hint_reaches_celery_and_is_acknowledged(consumer: Consumer) -> None:
    consumer.redis.lpush(QUEUE, HINT)
    assert consumer.receive()
    (message,) = consumer.received
    assert message.headers["task"] == TRIAGE_TASK
    assert message.payload[0] == [INCIDENT_ID]
    assert consumer.redis.hlen("unacked") == 1
    message.ack()
    assert consumer.redis.hlen("unacked") == 0
    assert not consumer.receive()


def test_nothing_of_a_message_is_passed_on_but_the_incident(consumer: Consumer) -> None:
    forged = json.loads(HINT)
    forged["headers"] |= {"eta": "never", "expires": "2000-01-01", "retries": "x", "timelimit": 7}
    forged["properties"] |= {"delivery_tag": {}, "delivery_info": 7, "priority": "high"}
    chain = [[INCIDENT_ID], {}, {"chain": [{"task": "os.system"}]}]
    forged["body"] = json.dumps(chain)
    consumer.redis.lpush(QUEUE, json.dumps(forged))
    assert consumer.receive()
    (message,) = consumer.received
    rendered = json.loads(HINT)
    assert message.headers == rendered["headers"]
    assert message.payload == json.loads(rendered["body"])
    assert message.delivery_info == rendered["properties"]["delivery_info"]


def test_poison_is_buried_and_the_hint_behind_it_is_received(consumer: Consumer, grave: Grave) -> None:
    consumer.redis.lpush(QUEUE, POISON, HINT)
    assert consumer.receive()
    assert consumer.received == []
    (buried,) = grave.buried
    assert (buried["reason"], buried["content"]) == (UNREADABLE_MESSAGE, POISON)
    assert (buried["found_in"], "JSON" in str(buried["detail"])) == (f"the queue {QUEUE}", True)
    assert consumer.receive()
    assert len(consumer.received) == 1


@pytest.mark.parametrize("refusal", [RedisConnectionError("gone"), OutOfMemoryError("full")])
def test_what_could_not_be_buried_is_buried_before_anything_more_is_read(
    consumer: Consumer, grave: Grave, refusal: RedisError
) -> None:
    consumer.redis.lpush(QUEUE, POISON, HINT)
    grave.refusals = [refusal, refusal]
    for _ in range(2):
        with pytest.raises(Transport.connection_errors):
            consumer.receive()
    assert (consumer.redis.llen(QUEUE), grave.buried) == (1, [])
    after_the_reconnect = Consumer(server=consumer.server)
    assert after_the_reconnect.receive()
    assert [buried["content"] for buried in grave.buried] == [POISON]
    assert len(after_the_reconnect.received) == 1


def test_what_was_buried_without_an_answer_is_buried_twice_rather_than_never(consumer: Consumer, grave: Grave) -> None:
    consumer.redis.lpush(QUEUE, POISON)
    grave.refusals, grave.loses_answers = [RedisConnectionError("no answer")], True
    with pytest.raises(RedisConnectionError):
        consumer.receive()
    assert not consumer.receive()
    assert [buried["content"] for buried in grave.buried] == [POISON, POISON]


def test_without_an_undertaker_poison_ends_the_worker_loudly(consumer: Consumer, grave: Grave) -> None:
    bury_with(None)
    consumer.redis.lpush(QUEUE, POISON)
    with pytest.raises(ConfigurationError, match="bury_with"):
        consumer.receive()
    bury_with(grave.bury)
    assert not consumer.receive()
    assert len(grave.buried) == 1


@pytest.mark.parametrize(
    "note",
    [
        b"nonsense", b"7", b"[7, 8]", b'[7, "", "elsewhere"]', b'[NaN, "", {}]', b"[" * 5_000, b"\xff\xfe",
        *(b'[%s0%s, "", ""]' % (b"[" * depth, b"]" * depth) for depth in range(900, 1_000, 7)),
        b'[{"__type__": "decimal", "__value__": "x"}, "", ""]',
        b'[{"__type__": "bytes", "__value__": {}}, "", ""]',
        b'[{"__type__": "uuid", "__value__": 7}, "", ""]',
    ],
)  # fmt: skip
def test_a_note_that_cannot_be_read_is_put_back_and_buried(consumer: Consumer, grave: Grave, note: bytes) -> None:
    consumer.redis.hset("unacked", "tag", note)
    consumer.redis.zadd("unacked_index", {"tag": 1})
    consumer.channel.qos.restore_visible()
    assert (consumer.redis.hlen("unacked"), consumer.redis.zcard("unacked_index")) == (0, 0)
    assert consumer.redis.llen(QUEUES[-1]) == 1


class Broadcast:
    """A subscription with one message that asks kombu's reader for the number "x"."""

    def parse_response(self) -> list[object]:
        return [b"pmessage", b"/0.celeryev/*", b"/0.celeryev/x", b'{"__type__": "decimal", "__value__": "x"}']


def test_a_broadcast_is_not_read_whatever_it_holds(consumer: Consumer) -> None:
    assert consumer.channel._receive_one(Broadcast()) is None
    assert consumer.received == []


def test_kombus_own_channel_dies_of_a_broadcast() -> None:
    """The control. Should this fail, `Channel._receive_one` may have become needless."""
    with pytest.raises(ArithmeticError):
        Consumer(transport=kombus.Transport).channel._receive_one(Broadcast())


def test_kombus_own_notes_end_the_worker() -> None:
    """The control. Should this fail, `_noted` may have become needless."""
    consumer = Consumer(transport=kombus.Transport)
    consumer.redis.hset("unacked", "tag", b'[{"__type__": "decimal", "__value__": "x"}, "", ""]')
    consumer.redis.zadd("unacked_index", {"tag": 1})
    with pytest.raises(ArithmeticError):
        consumer.channel.qos.restore_visible()


def test_a_noted_hint_is_put_back_and_received_again(consumer: Consumer) -> None:
    consumer.redis.lpush(QUEUE, HINT)
    assert consumer.receive()
    consumer.received[0].requeue()
    assert consumer.receive()
    assert [message.payload[0] for message in consumer.received] == [[INCIDENT_ID], [INCIDENT_ID]]


def test_a_connection_that_is_lost_does_not_hand_running_triages_out_again(consumer: Consumer) -> None:
    consumer.redis.lpush(QUEUE, HINT)
    assert consumer.receive()
    consumer.channel.close()
    assert consumer.redis.llen(QUEUE) == 0
    consumer.received[0].ack()
    assert consumer.redis.hlen("unacked") == 0, "and what ends on the old channel is still acknowledged"


def test_a_slot_is_free_again_although_the_acknowledgement_was_lost(consumer: Consumer) -> None:
    consumer.channel.basic_qos(prefetch_count=1)
    consumer.redis.lpush(QUEUE, HINT)
    assert consumer.receive()
    assert not consumer.channel.qos.can_consume()
    consumer.server.connected = False
    with pytest.raises(RedisConnectionError):
        consumer.received[0].ack()
    assert consumer.channel.qos.can_consume(), "so that the next BRPOP notices"


def test_a_channel_closes_although_the_broker_is_gone_while_it_waits_for_a_message(consumer: Consumer) -> None:
    consumer.channel._brpop_start(0.01)
    consumer.lose_the_broker()
    consumer.channel.close()
    assert consumer.channel.closed


def test_kombus_own_channel_does_not() -> None:
    """The control. Should this fail, `Channel.close` may have become needless."""
    consumer = Consumer(transport=kombus.Transport)
    consumer.channel._brpop_start(0.01)
    consumer.lose_the_broker()
    with pytest.raises(RedisConnectionError):
        consumer.channel.close()
    assert not consumer.channel.closed
    consumer.server.connected = True
    consumer.channel.close()


def test_kombus_own_notes_keep_the_slot_of_a_lost_acknowledgement() -> None:
    """The control. Should this fail, `QoS.ack` may have become needless."""
    consumer = Consumer(transport=kombus.Transport)
    consumer.channel.basic_qos(prefetch_count=1)
    consumer.redis.lpush(QUEUE, HINT)
    assert consumer.receive()
    consumer.server.connected = False
    with pytest.raises(RedisConnectionError):
        consumer.received[0].ack()
    assert not consumer.channel.qos.can_consume()
    consumer.server.connected = True
    consumer.channel.close()


def test_one_client_serves_all_of_a_channels_commands(consumer: Consumer) -> None:
    assert consumer.channel._create_client() is consumer.channel._create_client()
