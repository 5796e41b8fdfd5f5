"""Leases: renewed together while they are held, and never thought alive when they may be another's."""

import time
from collections.abc import Callable
from threading import enumerate as living_threads

import pytest
from redis import Redis

from tests.fakes import FakeClock
from tests.redis_servers import SwitchableRedis, let_time_pass
from tests.registry.entries import accept, published, result_of, step
from worker.contract.incident import Incident
from worker.contract.queue import incident_key
from worker.errors import StaleClaim
from worker.registry import Registry
from worker.registry.claim import Finished

RegistryOf = Callable[..., Registry]


def keeper_threads() -> int:
    return sum(thread.name == "lease-keeper" for thread in living_threads())


def lease_seconds_left(registry: Registry, incident: Incident) -> float:
    entry = registry.find(incident.incident_id)
    assert entry is not None
    assert entry.lease_seconds_left is not None
    return entry.lease_seconds_left


def test_every_held_lease_is_renewed_in_one_round(redis: Redis, registry_of: RegistryOf) -> None:
    registry = registry_of(redis)
    incidents = [accept(redis, f"incident {number}") for number in range(3)]
    with (
        registry.claim(incidents[0].incident_id),
        registry.claim(incidents[1].incident_id),
        registry.claim(incidents[2].incident_id),
    ):
        let_time_pass(redis, 20)
        registry._keeper.renew_all()
        assert all(29 < lease_seconds_left(registry, incident) <= 30 for incident in incidents)


def test_a_lease_that_went_to_another_makes_the_claim_stale_without_asking(registry_of: RegistryOf) -> None:
    switchable = SwitchableRedis()
    registry = registry_of(switchable.client)
    incident = accept(switchable.client)
    with registry.claim(incident.incident_id) as claim:
        assert claim is not None
        let_time_pass(switchable.client, 31)
        with registry_of(switchable.client, worker="w2").claim(incident.incident_id):
            registry._keeper.renew_all()
            switchable.goes_away()
            with pytest.raises(StaleClaim):
                claim.record(step(1))
            with pytest.raises(StaleClaim):
                claim.finish(result_of(incident))


def test_a_lapsed_lease_that_nobody_took_is_simply_renewed(redis: Redis, registry_of: RegistryOf) -> None:
    registry = registry_of(redis)
    incident = accept(redis)
    with registry.claim(incident.incident_id) as claim:
        assert claim is not None
        let_time_pass(redis, 31)
        registry._keeper.renew_all()
        claim.record(step(1))
        assert lease_seconds_left(registry, incident) > 29


def test_while_redis_is_away_the_claim_is_lost_when_its_lease_is_over(registry_of: RegistryOf) -> None:
    switchable, clock = SwitchableRedis(), FakeClock()
    registry = registry_of(switchable.client, monotonic=clock.monotonic_seconds)
    incident = accept(switchable.client)
    with registry.claim(incident.incident_id) as claim:
        assert claim is not None
        clock.sleep(20)
        registry._keeper.renew_all()
        switchable.goes_away()
        clock.sleep(29)
        registry._keeper.renew_all()
        switchable.comes_back()
        claim.record(step(1))
        clock.sleep(1)
        with pytest.raises(StaleClaim):
            claim.record(step(2))


def test_what_is_lost_stays_lost_when_redis_is_back(registry_of: RegistryOf) -> None:
    switchable, clock = SwitchableRedis(), FakeClock()
    registry = registry_of(switchable.client, monotonic=clock.monotonic_seconds)
    incident = accept(switchable.client)
    with registry.claim(incident.incident_id) as claim:
        assert claim is not None
        clock.sleep(31)
        registry._keeper.renew_all()
        with pytest.raises(StaleClaim):
            claim.finish(result_of(incident))
    assert published(switchable.client) == []


def test_a_renewal_that_meets_a_finished_claim_does_not_make_it_stale(redis: Redis, registry_of: RegistryOf) -> None:
    registry = registry_of(redis)
    incident = accept(redis)
    with registry.claim(incident.incident_id) as claim:
        assert claim is not None
        claim.finish(result_of(incident))
        registry._keeper.renew_all()
        assert claim.finish(result_of(incident)) is Finished.REPEATED
        assert redis.hget(incident_key(incident.incident_id), "lease_until") is None


def test_the_thread_lives_only_while_something_is_held(registry_of: RegistryOf) -> None:
    redis = SwitchableRedis().client
    registry = registry_of(redis)
    first, second = accept(redis, "first"), accept(redis, "second")
    assert keeper_threads() == 0
    with registry.claim(first.incident_id), registry.claim(second.incident_id):
        assert keeper_threads() == 1
        thread = registry._keeper._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
    accept(redis, "first")
    with registry.claim(first.incident_id):
        assert keeper_threads() == 1
        registry.close()
        assert keeper_threads() == 0


@pytest.mark.integration
def test_a_claim_outlives_many_leases_while_its_worker_lives(valkey: Redis, registry_of: RegistryOf) -> None:
    incident = accept(valkey)
    with registry_of(valkey, lease_seconds=0.6).claim(incident.incident_id) as claim:
        assert claim is not None
        for number in range(1, 9):
            time.sleep(0.2)
            with registry_of(valkey, worker="w2", lease_seconds=0.6).claim(incident.incident_id) as other:
                assert other is None
            claim.record(step(number))


@pytest.mark.integration
def test_control_without_renewal_another_takes_the_claim_over(valkey: Redis, registry_of: RegistryOf) -> None:
    incident = accept(valkey)
    registry = registry_of(valkey, lease_seconds=0.6)
    with registry.claim(incident.incident_id) as claim:
        assert claim is not None
        registry.close()
        time.sleep(0.8)
        with registry_of(valkey, worker="w2", lease_seconds=0.6).claim(incident.incident_id) as other:
            assert other is not None
        with pytest.raises(StaleClaim):
            claim.record(step(1))


def test_a_spoilt_entry_takes_no_lease_but_its_own(redis: Redis, registry_of: RegistryOf) -> None:
    spoilt, sound = accept(redis), accept(redis, "another server is slow")
    registry = registry_of(redis)
    with registry.claim(spoilt.incident_id) as one, registry.claim(sound.incident_id) as other:
        assert one is not None
        assert other is not None
        redis.delete(incident_key(spoilt.incident_id))
        redis.set(incident_key(spoilt.incident_id), "no hash")
        registry._keeper.renew_all()
        assert other.finish(result_of(sound)) is Finished.PUBLISHED
        with pytest.raises(StaleClaim):
            one.finish(result_of(spoilt))
        redis.delete(incident_key(spoilt.incident_id))
