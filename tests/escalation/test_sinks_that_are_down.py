"""A sink that is down is tried by one page in a while, however many consumers there are."""

from redis import Redis

from tests.escalation.builders import incident, result
from tests.escalation.unguarded import Unguarded
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.escalation.deliveries import (
    DOWN_AFTER_SECONDS,
    FAILURES_OF_A_SINK_THAT_IS_DOWN,
    TRIED_AGAIN_SECONDS,
    Deliveries,
)
from worker.escalation.delivery import Delivery

__all__ = ["redis_fixture", "valkey_fixture"]

TAKERS = 10


def let_it_be_down(redis: Redis) -> Deliveries:
    """Let a sink fail until it is down and may be tried again, and much wait for it."""
    deliveries = Deliveries(redis)
    for number in range(TAKERS):
        deliveries.schedule("pager", result(incident=incident(number)), delay_seconds=0)
    for _ in range(FAILURES_OF_A_SINK_THAT_IS_DOWN):
        deliveries.postpone(take(deliveries), delay_seconds=0, failure="Away.")
    let_time_pass(redis, DOWN_AFTER_SECONDS + TRIED_AGAIN_SECONDS)
    return deliveries


def take(deliveries: Deliveries) -> Delivery:
    taken = deliveries.take("pager")
    assert taken is not None
    return taken


def told_to_try(redis: Redis) -> int:
    deliveries = let_it_be_down(redis)
    return sum(take(deliveries).sink_is_down_for_seconds == 0 for _ in range(TAKERS))


def test_of_many_that_take_at_once_one_tries(redis: Redis) -> None:
    assert told_to_try(redis) == 1


def test_control_where_the_take_moves_no_time_all_of_them_do() -> None:
    redis = Unguarded("redis.call('HSET', sink, 'tried_again_at', now + again)", "")
    assert told_to_try(redis) == TAKERS
    assert redis.scripts_weakened


def test_where_whoever_tries_dies_another_tries_after_the_same_time(redis: Redis) -> None:
    deliveries = let_it_be_down(redis)
    take(deliveries)
    assert take(deliveries).sink_is_down_for_seconds > 0
    let_time_pass(redis, TRIED_AGAIN_SECONDS)
    assert take(deliveries).sink_is_down_for_seconds == 0


def test_where_it_takes_the_page_that_tried_it_all_others_are_sent(redis: Redis) -> None:
    deliveries = let_it_be_down(redis)
    deliveries.record(take(deliveries))
    assert {take(deliveries).sink_is_down_for_seconds for _ in range(TAKERS - 1)} == {0}
