"""What people read of the registry: one incident whole, the open ones, the queues and the workers that live."""

from collections.abc import Callable

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from tests.redis_servers import SwitchableRedis, let_time_pass
from tests.registry.entries import accept, all_keys, result_of, step
from worker.contract.incident import Incident
from worker.contract.queue import BROKER_KEY_PREFIX, OPEN_INCIDENTS, incident_key
from worker.errors import ContractError
from worker.registry import IncidentState, Registry, RegistryView

RegistryOf = Callable[..., Registry]


def test_an_unknown_incident_is_not_found(redis: Redis) -> None:
    assert RegistryView(redis).find("inc-unknown") is None


def test_an_incident_that_nobody_has_claimed(redis: Redis, accepted: Incident) -> None:
    entry = RegistryView(redis).find(accepted.incident_id)
    assert entry is not None
    assert (entry.incident, entry.state, entry.epoch, entry.deliveries) == (accepted, IncidentState.NEW, 0, 0)
    assert (entry.worker, entry.lease_seconds_left, entry.steps, entry.result) == (None, None, (), None)


def test_an_incident_under_triage_shows_worker_lease_and_steps(
    redis: Redis, accepted: Incident, registry_of: RegistryOf
) -> None:
    with registry_of(redis).claim(accepted.incident_id) as claim:
        assert claim is not None
        claim.record(step(1))
        before = all_keys(redis)
        entry = RegistryView(redis).find(accepted.incident_id)
        assert all_keys(redis) == before
    assert entry is not None
    assert (entry.state, entry.worker, entry.epoch, entry.steps) == (IncidentState.CLAIMED, "w1", 1, (step(1),))
    assert entry.lease_seconds_left is not None
    assert 29 < entry.lease_seconds_left <= 30


def test_a_closed_incident_shows_its_result(redis: Redis, accepted: Incident, registry_of: RegistryOf) -> None:
    with registry_of(redis).claim(accepted.incident_id) as claim:
        assert claim is not None
        claim.finish(result_of(accepted))
    entry = RegistryView(redis).find(accepted.incident_id)
    assert entry is not None
    assert (entry.state, entry.lease_seconds_left) == (IncidentState.CLOSED, None)
    assert entry.result == result_of(accepted).model_copy(update={"occurrences": claim.occurrences})


@pytest.mark.parametrize(("field", "value"), [("incident", "{}"), ("state", "ODD"), ("epoch", "many")])
def test_an_entry_that_cannot_be_read_says_so(redis: Redis, accepted: Incident, field: str, value: str) -> None:
    redis.hset(incident_key(accepted.incident_id), field, value)
    with pytest.raises(ContractError, match=accepted.incident_id):
        RegistryView(redis).find(accepted.incident_id)


def test_open_incidents_come_oldest_first_with_their_ages(redis: Redis, registry_of: RegistryOf) -> None:
    registry = registry_of(redis)
    old = accept(redis, "old")
    let_time_pass(redis, 100)
    new = accept(redis, "new")
    with registry.claim(new.incident_id):
        first, second = registry.open_incidents(10)
    assert (first.incident_id, first.state, first.worker) == (old.incident_id, IncidentState.NEW, None)
    assert (second.incident_id, second.state, second.worker) == (new.incident_id, IncidentState.CLAIMED, "w1")
    assert 100 <= first.age_seconds < 105
    assert (registry.open_count(), len(registry.open_incidents(1))) == (2, 1)
    assert 100 <= (registry.oldest_open_age_seconds() or 0) < 105


def test_with_nothing_open_there_is_no_oldest(redis: Redis) -> None:
    view = RegistryView(redis)
    assert (view.open_count(), view.open_incidents(10), view.oldest_open_age_seconds()) == (0, (), None)


def test_one_unreadable_incident_does_not_hide_the_other_open_ones(redis: Redis, accepted: Incident) -> None:
    redis.delete(incident_key(accepted.incident_id))
    other = accept(redis, "another")
    listed = RegistryView(redis).open_incidents(10)
    assert {line.incident_id for line in listed} == {accepted.incident_id, other.incident_id}


@pytest.mark.parametrize(
    ("field", "value"), [("state", "ODD"), ("epoch", "1e5"), ("lease_until", "x"), ("lease_until", "9" * 400)]
)
def test_an_open_incident_that_cannot_be_read_is_named_beside_the_others(
    redis: Redis, accepted: Incident, field: str, value: str
) -> None:
    redis.hset(incident_key(accepted.incident_id), field, value)
    other = accept(redis, "another")
    listed = {line.incident_id: line.state for line in RegistryView(redis).open_incidents(10)}
    assert listed == {accepted.incident_id: None, other.incident_id: IncidentState.NEW}


def test_an_entry_of_the_wrong_type_is_named_beside_the_others(redis: Redis, accepted: Incident) -> None:
    redis.delete(incident_key(accepted.incident_id))
    redis.set(incident_key(accepted.incident_id), "no hash")
    other = accept(redis, "another")
    listed = {line.incident_id: line.state for line in RegistryView(redis).open_incidents(10)}
    assert listed == {accepted.incident_id: None, other.incident_id: IncidentState.NEW}


@pytest.mark.parametrize("score", [float("-inf"), float("inf"), 1e300])
def test_an_age_is_a_number_whatever_time_is_stored(redis: Redis, score: float) -> None:
    redis.zadd(OPEN_INCIDENTS, {"inc-odd": score})
    view = RegistryView(redis)
    (listed,) = view.open_incidents(10)
    assert 0 <= listed.age_seconds < 1e11
    assert listed.age_seconds == pytest.approx(view.oldest_open_age_seconds(), abs=5)


def test_an_entry_with_an_impossible_time_says_so(redis: Redis, accepted: Incident) -> None:
    redis.hset(incident_key(accepted.incident_id), "accepted_at", "9" * 30)
    with pytest.raises(ContractError, match=accepted.incident_id):
        RegistryView(redis).find(accepted.incident_id)


def test_queue_lengths_come_most_urgent_first(redis: Redis) -> None:
    redis.lpush(BROKER_KEY_PREFIX + "triage.p1", "a", "b")
    lengths = RegistryView(redis).queue_lengths()
    assert list(lengths.items()) == [("triage.p1", 2), ("triage.p2", 0), ("triage.p3", 0)]


def test_workers_are_listed_while_they_beat(redis: Redis, registry_of: RegistryOf) -> None:
    registry_of(redis, worker="w2").beat({"concurrency": 16})
    registry_of(redis, worker="w[1]*").beat({"concurrency": 8, "model": "rules"})
    beats = RegistryView(redis).workers()
    assert [(beat.name, beat.fields) for beat in beats] == [
        ("w2", {"concurrency": "16"}),
        ("w[1]*", {"concurrency": "8", "model": "rules"}),
    ]
    assert 13 < redis.ttl("firstline:worker:w2") <= 15


def test_a_beat_of_the_wrong_type_hides_no_worker(redis: Redis, registry_of: RegistryOf) -> None:
    registry_of(redis, worker="w1").beat({"concurrency": 16})
    redis.set("firstline:worker:odd", "no hash")
    beats = {beat.name: beat.fields for beat in RegistryView(redis).workers()}
    assert beats == {"odd": None, "w1": {"concurrency": "16"}}


def test_without_redis_reading_raises() -> None:
    switchable = SwitchableRedis()
    view = RegistryView(switchable.client)
    switchable.goes_away()
    with pytest.raises(RedisGone):
        view.find("inc-1")
