"""The sweeper: what the broker or a dead worker has lost comes back, and nothing that is on its way is sent twice."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.redis_servers import let_time_pass
from tests.registry.entries import published, result_of, sweeper_of
from worker.contract.incident import Incident
from worker.contract.queue import (
    BROKER_KEY_PREFIX,
    OPEN_INCIDENTS,
    QUEUES,
    WATCHED_INCIDENTS,
    WATCHED_UP_TO,
    incident_key,
)
from worker.registry import Registry
from worker.registry.dead_letters import DeadLetters
from worker.registry.sweeper import PATIENCE_SECONDS

QUEUE = BROKER_KEY_PREFIX + QUEUES[1]


def taken_in(redis: Redis, count: int = 1) -> list[Incident]:
    now = datetime.now(UTC)
    incidents = [parse_text(f"server-{number} is slow", received_at=now, unique=uuid4().hex) for number in range(count)]
    list(take_in(redis, incidents))
    return incidents


def waiting(redis: Any) -> list[str]:
    """Incident ids in the queue, the next one first."""
    return [json.loads(raw)["headers"]["id"] for raw in reversed(redis.lrange(QUEUE, 0, -1))]


def ids(incidents: Iterable[Incident]) -> list[str]:
    return [incident.incident_id for incident in incidents]


def test_an_incident_whose_message_was_lost_goes_back_to_its_queue(redis: Redis) -> None:
    (lost,) = taken_in(redis)
    redis.delete(QUEUE)
    let_time_pass(redis, PATIENCE_SECONDS + 1)
    assert sweeper_of(redis).sweep() == 1
    assert waiting(redis) == ids([lost])


def test_nothing_is_looked_at_before_its_time(redis: Redis) -> None:
    taken_in(redis)
    redis.delete(QUEUE)
    assert sweeper_of(redis).sweep() == 0


def test_a_second_sweep_finds_nothing_until_the_patience_is_over_again(redis: Redis) -> None:
    taken_in(redis)
    redis.delete(QUEUE)
    let_time_pass(redis, PATIENCE_SECONDS + 1)
    assert [sweeper_of(redis).sweep() for _ in range(2)] == [1, 0]


def test_a_long_queue_is_not_doubled(redis: Redis) -> None:
    incidents = taken_in(redis, 50)
    let_time_pass(redis, 10 * PATIENCE_SECONDS)
    assert sweeper_of(redis).sweep() == 0
    assert waiting(redis) == ids(incidents)


def test_one_lost_message_in_a_long_queue_is_found_when_its_turn_has_passed(redis: Any) -> None:
    first, *rest = taken_in(redis, 1)
    let_time_pass(redis, 5)
    rest = taken_in(redis, 10)
    redis.rpop(QUEUE)  # the broker loses the first
    let_time_pass(redis, PATIENCE_SECONDS + 1)
    assert sweeper_of(redis).sweep() == 1
    assert waiting(redis) == ids([first, *rest])


def test_what_is_put_back_does_not_make_the_others_look_lost(redis: Any) -> None:
    taken_in(redis, 1)
    let_time_pass(redis, 5)
    taken_in(redis, 10)
    redis.rpop(QUEUE)
    for _ in range(3):
        let_time_pass(redis, PATIENCE_SECONDS + 1)
        sweeper_of(redis).sweep()
    assert len(waiting(redis)) == 11


def test_a_claimed_incident_is_left_alone_while_its_lease_lives(redis: Redis) -> None:
    (held,) = taken_in(redis)
    redis.delete(QUEUE)
    registry = Registry(redis, worker="w1", lease_seconds=1000)
    with registry.claim(held.incident_id):
        let_time_pass(redis, PATIENCE_SECONDS + 1)
        assert sweeper_of(redis, lease_seconds=1000).sweep() == 0
    registry.close()


def test_an_incident_of_a_dead_worker_comes_back_when_its_lease_is_over(redis: Redis) -> None:
    (held,) = taken_in(redis)
    redis.delete(QUEUE)
    registry = Registry(redis, worker="w1")
    claim = registry.claim(held.incident_id)
    claim.__enter__()
    let_time_pass(redis, PATIENCE_SECONDS + 31)
    assert sweeper_of(redis).sweep() == 1
    assert waiting(redis) == ids([held])
    registry.close()


def test_a_closed_incident_is_watched_no_more(redis: Redis) -> None:
    (done,) = taken_in(redis)
    registry = Registry(redis, worker="w1")
    with registry.claim(done.incident_id) as claim:
        assert claim is not None
        claim.finish(result_of(claim.incident))
    registry.close()
    assert redis.zcard(WATCHED_INCIDENTS) == 0


def test_a_poisoned_head_of_the_queue_makes_nothing_look_lost(redis: Any) -> None:
    taken_in(redis, 3)
    redis.rpush(QUEUE, "no message at all")
    let_time_pass(redis, PATIENCE_SECONDS + 1)
    assert sweeper_of(redis).sweep() == 0


@pytest.mark.parametrize("claims", [5, 6])
def test_the_claim_after_so_many_without_a_result_is_the_last(redis: Redis, claims: int) -> None:
    (incident,) = taken_in(redis)
    registry = Registry(redis, worker="w1")
    for _ in range(claims):
        with registry.claim(incident.incident_id) as claim:
            assert claim is not None
            is_the_last = claim.is_the_last
    registry.close()
    assert is_the_last is (claims > 5)


@pytest.mark.parametrize("spoil", ["delete", "set"])
def test_an_accepted_incident_whose_entry_is_gone_or_none_is_told(redis: Any, spoil: str) -> None:
    (lost,) = taken_in(redis)
    redis.delete(incident_key(lost.incident_id))
    if spoil == "set":
        redis.set(incident_key(lost.incident_id), "something else")
    let_time_pass(redis, PATIENCE_SECONDS + 1)
    assert [sweeper_of(redis).sweep() for _ in range(2)] == [0, 0]
    (told,) = published(redis)
    assert told["incident_id"] == lost.incident_id
    assert DeadLetters(redis).count() == 1
    assert redis.zcard(OPEN_INCIDENTS) == redis.zcard(WATCHED_INCIDENTS) == 0


def test_a_strangers_member_among_the_open_ones_holds_nothing_up(redis: Any) -> None:
    (lost,) = taken_in(redis)
    redis.delete(QUEUE)
    redis.zadd(OPEN_INCIDENTS, {"garbage": 1})
    redis.zadd(WATCHED_INCIDENTS, {"garbage": 1, lost.incident_id: 1})
    redis.hset(incident_key(lost.incident_id), "queue", "celery:nobody-reads-this")
    assert sweeper_of(redis).sweep() == 1
    assert waiting(redis) == ids([lost])
    assert redis.zcard(OPEN_INCIDENTS) == 1


def test_an_open_incident_that_nobody_watches_is_found(redis: Redis) -> None:
    incidents = taken_in(redis, 5)
    sweeper = sweeper_of(redis)
    let_time_pass(redis, PATIENCE_SECONDS + 1)
    sweeper.sweep()
    redis.delete(QUEUE, WATCHED_INCIDENTS)
    assert sum(sweeper.sweep() for _ in range(20)) == 5
    assert sorted(waiting(redis)) == sorted(ids(incidents))


def test_more_than_one_sweep_looks_at_are_all_watched_however_many_came_in_one_millisecond(redis: Any) -> None:
    incidents = taken_in(redis, 700)
    moment = redis.zscore(OPEN_INCIDENTS, incidents[0].incident_id)
    redis.zadd(OPEN_INCIDENTS, dict.fromkeys(ids(incidents[:600]), moment))
    later = taken_in(redis, 600)
    let_time_pass(redis, PATIENCE_SECONDS + 1)
    found: list[str] = []
    for _ in range(4):
        redis.delete(QUEUE)  # the broker loses everything, again and again
        sweeper_of(redis).sweep()
        found += waiting(redis)
    assert sorted(found) == sorted(ids([*incidents, *later]))


@pytest.mark.parametrize("spoilt", ["9999999999999", "no number", "a list"])
def test_what_a_wrong_clock_or_a_stranger_has_written_hides_no_open_incident(redis: Any, spoilt: str) -> None:
    (lost,) = taken_in(redis)
    redis.delete(QUEUE)
    let_time_pass(redis, PATIENCE_SECONDS + 1)
    redis.delete(WATCHED_UP_TO)
    redis.rpush(WATCHED_UP_TO, spoilt) if spoilt == "a list" else redis.set(WATCHED_UP_TO, spoilt)
    assert sweeper_of(redis).sweep() == 1
    assert waiting(redis) == ids([lost])


def test_a_lease_and_a_look_that_a_wrong_clock_has_put_far_ahead_hold_nothing_up(redis: Any) -> None:
    (held,) = taken_in(redis)
    seconds, _ = redis.time()
    in_an_hour = 1000 * (seconds + 3600)
    redis.hset(incident_key(held.incident_id), mapping={"state": "CLAIMED", "epoch": 1, "lease_until": in_an_hour})
    redis.zadd(WATCHED_INCIDENTS, {held.incident_id: in_an_hour})
    redis.delete(QUEUE)
    assert sweeper_of(redis).sweep() == 1
    with Registry(redis, worker="w2").claim(held.incident_id) as claim:
        assert claim is not None
