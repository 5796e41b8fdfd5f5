"""The order of the queues: urgent ones first, and none is starved."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from redis import Redis

from producers.intake import take_in
from tests.fakes import an_incident
from tests.redis_servers import redis_fixture, valkey_fixture
from worker.contract.incident import Severity
from worker.contract.queue import BROKER_KEY_PREFIX, QUEUES
from worker.queue_order import QueueOrder, heed
from worker.registry.view import RegistryView

__all__ = ["redis_fixture", "valkey_fixture"]

P1, P2, P3 = QUEUES
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def order() -> Iterator[QueueOrder]:
    order = QueueOrder()
    order.update([P3, P1, P2])
    yield order
    heed({})


def first_queues(order: QueueOrder, number: int) -> list[str]:
    """Receive so many messages while every queue has some; return where each came from."""
    received = []
    for _ in range(number):
        received.append(order.consume(3)[0])
        order.rotate(received[-1])
    return received


def test_the_most_urgent_queue_comes_first_while_nobody_has_waited_too_long(order: QueueOrder) -> None:
    heed({P1: 5000, P2: 299, P3: 899})
    assert first_queues(order, 8) == [P1] * 8


def test_of_four_messages_one_is_taken_from_what_has_waited_too_long(order: QueueOrder) -> None:
    heed({P3: 901})
    assert first_queues(order, 8) == [P3, P1, P1, P1, P3, P1, P1, P1]


def test_of_several_that_are_overdue_each_has_its_turn(order: QueueOrder) -> None:
    heed({P2: 301, P3: 901})
    assert first_queues(order, 16) == [P2, P1, P1, P1, P3, P1, P1, P1] * 2


def test_what_is_no_longer_overdue_has_to_wait_again(order: QueueOrder) -> None:
    heed({P3: 901})
    heed({P3: 10})
    assert first_queues(order, 4) == [P1] * 4


def test_how_long_the_next_of_each_queue_has_waited_is_read_from_the_registry(redis: Redis) -> None:
    older, newer = (
        an_incident(text).model_copy(update={"severity": Severity.INFO, "received_at": NOW}) for text in ("a", "b")
    )
    list(take_in(redis, [older]))
    redis.hincrby(f"firstline:incident:{older.incident_id}", "accepted_at", -1_000_000)
    list(take_in(redis, [newer]))
    redis.lpush(BROKER_KEY_PREFIX + P2, "poison")
    waiting = RegistryView(redis).waiting_seconds()
    assert waiting.keys() == {P3}
    assert 1000 <= waiting[P3] < 1010
