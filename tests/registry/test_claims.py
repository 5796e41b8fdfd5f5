"""Claims: one worker at a time, stale writes refused, a result exactly once, and steps that survive their worker."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import RedisError

from tests.redis_servers import SwitchableRedis, let_time_pass
from tests.registry.entries import accept, all_keys, published, result_of, step
from worker.contract.incident import Incident
from worker.contract.queue import OPEN_INCIDENTS, RESULTS_STREAM, incident_key, journal_key
from worker.errors import ConfigurationError, ContractError, StaleClaim
from worker.registry import IncidentState, Registry
from worker.registry.claim import Finished

RegistryOf = Callable[..., Registry]


class TestClaiming:
    def test_a_claim_brings_the_incident_and_its_first_epoch(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        with registry_of(redis).claim(accepted.incident_id) as claim:
            assert claim is not None
            assert (claim.incident, claim.epoch, claim.deliveries, claim.steps) == (accepted, 1, 1, ())
            seconds, _ = redis.time()
            assert abs(claim.accepted_at.timestamp() - seconds) < 5

    def test_an_unknown_incident_is_nobodys_and_leaves_no_trace(self, redis: Redis, registry_of: RegistryOf) -> None:
        with registry_of(redis).claim("inc-unknown") as claim:
            assert claim is None
        assert all_keys(redis) == {}

    def test_a_second_worker_is_refused_while_the_lease_is_held(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        first, second = registry_of(redis), registry_of(redis, worker="w2")
        with first.claim(accepted.incident_id) as held, second.claim(accepted.incident_id) as refused:
            assert held is not None
            assert refused is None
            held.record(step(1))

    def test_the_same_worker_cannot_claim_twice_either(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        registry = registry_of(redis)
        with registry.claim(accepted.incident_id), registry.claim(accepted.incident_id) as again:
            assert again is None

    def test_a_lapsed_lease_lets_the_next_worker_in_under_the_next_epoch(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        with registry_of(redis).claim(accepted.incident_id):
            let_time_pass(redis, 31)
            with registry_of(redis, worker="w2").claim(accepted.incident_id) as claim:
                assert claim is not None
                assert (claim.epoch, claim.deliveries) == (2, 2)

    def test_every_delivery_is_counted_even_when_it_is_refused(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        registry = registry_of(redis)
        with registry.claim(accepted.incident_id), registry.claim(accepted.incident_id):
            pass
        with registry.claim(accepted.incident_id) as claim:
            assert claim is not None
            assert (claim.epoch, claim.deliveries) == (2, 3)

    def test_leaving_unfinished_gives_the_incident_back_at_once(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        registry = registry_of(redis)
        with pytest.raises(RuntimeError, match="broken"), registry.claim(accepted.incident_id):
            raise RuntimeError("the triage is broken")
        entry = registry.find(accepted.incident_id)
        assert entry is not None
        assert (entry.state, entry.lease_seconds_left) == (IncidentState.NEW, None)
        with registry.claim(accepted.incident_id) as claim:
            assert claim is not None

    def test_a_claim_whose_reply_was_lost_is_answered_again(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        registry = registry_of(redis)
        script = registry._claim

        def twice(**call: Any) -> object:
            script(**call)
            return script(**call)

        registry._claim = twice  # type: ignore[assignment]
        with registry.claim(accepted.incident_id) as claim:
            assert claim is not None
            assert (claim.epoch, claim.deliveries) == (1, 1)

    @pytest.mark.parametrize("field", ["incident", "accepted_at"])
    def test_an_entry_that_cannot_be_read_is_a_contract_error_that_quotes_nothing(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf, field: str
    ) -> None:
        redis.hset(incident_key(accepted.incident_id), field, '{"text": "password=hunter2"')
        if field == "accepted_at":
            redis.hdel(incident_key(accepted.incident_id), field)
        registry = registry_of(redis)
        with (
            pytest.raises(ContractError, match=accepted.incident_id) as caught,
            registry.claim(accepted.incident_id),
        ):
            raise AssertionError("the claim must not be given")
        assert "hunter2" not in str(caught.value)
        assert redis.hget(incident_key(accepted.incident_id), "state") == "NEW"

    def test_without_redis_a_claim_raises(self, registry_of: RegistryOf) -> None:
        switchable = SwitchableRedis()
        registry = registry_of(switchable.client)
        switchable.goes_away()
        with pytest.raises(RedisGone), registry.claim("inc-1"):
            raise AssertionError("the claim must not be given")

    def test_a_client_that_does_not_decode_is_refused_at_once(self) -> None:
        with pytest.raises(ConfigurationError, match="decode_responses"):
            Registry(Redis(), worker="w1")


class TestJournal:
    def test_the_next_claim_reads_the_steps_of_the_last(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        steps = (step(1), step(2, "ünïcode \u2028 and \x00"))
        with registry_of(redis).claim(accepted.incident_id) as claim:
            assert claim is not None
            for taken in steps:
                claim.record(taken)
        with registry_of(redis, worker="w2").claim(accepted.incident_id) as claim:
            assert claim is not None
            assert claim.steps == steps

    def test_a_step_that_is_recorded_twice_stands_there_once(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        with registry_of(redis).claim(accepted.incident_id) as claim:
            assert claim is not None
            for number in (1, 1, 2, 2, 1):
                claim.record(step(number))
        assert redis.llen(journal_key(accepted.incident_id)) == 2

    def test_a_stale_epoch_writes_nothing(self, redis: Redis, accepted: Incident, registry_of: RegistryOf) -> None:
        with registry_of(redis).claim(accepted.incident_id) as stale:
            assert stale is not None
            let_time_pass(redis, 31)
            with registry_of(redis, worker="w2").claim(accepted.incident_id) as held:
                assert held is not None
                before = all_keys(redis)
                with pytest.raises(StaleClaim):
                    stale.record(step(1))
                with pytest.raises(StaleClaim):
                    stale.finish(result_of(accepted))
                assert all_keys(redis) == before
                held.record(step(1))

    def test_a_claim_that_was_given_back_writes_nothing(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        with registry_of(redis).claim(accepted.incident_id) as claim:
            assert claim is not None
        with pytest.raises(StaleClaim):
            claim.record(step(1))
        assert redis.llen(journal_key(accepted.incident_id)) == 0

    @pytest.mark.parametrize("is_taken_over", [True, False])
    def test_a_claim_that_is_over_publishes_nothing(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf, *, is_taken_over: bool
    ) -> None:
        with registry_of(redis).claim(accepted.incident_id) as stale:
            assert stale is not None
        with ExitStack() as context:
            if is_taken_over:
                context.enter_context(registry_of(redis, worker="w2").claim(accepted.incident_id))
            with pytest.raises(StaleClaim):
                stale.finish(result_of(accepted))
        assert published(redis) == []
        assert redis.zcard(OPEN_INCIDENTS) == 1

    def test_a_stale_worker_that_leaves_does_not_release_the_claim_of_another(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        with ExitStack() as stale_context, ExitStack() as held_context:
            stale_context.enter_context(registry_of(redis).claim(accepted.incident_id))
            let_time_pass(redis, 31)
            held = held_context.enter_context(registry_of(redis, worker="w2").claim(accepted.incident_id))
            stale_context.close()
            assert held is not None
            held.record(step(1))


class TestFinishing:
    def test_the_result_is_published_and_the_incident_closed(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        registry = registry_of(redis)
        result = result_of(accepted)
        with registry.claim(accepted.incident_id) as claim:
            assert claim is not None
            assert claim.finish(result) is Finished.PUBLISHED
            told = result.model_copy(update={"occurrences": claim.occurrences})
        expected = {"incident_id": accepted.incident_id, "version": "1", "result": told.model_dump_json()}
        assert published(redis) == [expected]
        assert redis.zcard(OPEN_INCIDENTS) == 0
        with registry.claim(accepted.incident_id) as again:
            assert again is None

    def test_a_second_finish_publishes_nothing_and_says_so(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        with registry_of(redis).claim(accepted.incident_id) as claim:
            assert claim is not None
            claim.finish(result_of(accepted))
            before = all_keys(redis)
            assert claim.finish(result_of(accepted, summary="another")) is Finished.REPEATED
            assert all_keys(redis) == before

    def test_what_is_closed_takes_no_more_steps(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        with registry_of(redis).claim(accepted.incident_id) as claim:
            assert claim is not None
            claim.finish(result_of(accepted))
            with pytest.raises(StaleClaim):
                claim.record(step(1))

    def test_incident_and_journal_expire_after_the_retention_and_not_before_the_end(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        keys = [incident_key(accepted.incident_id), journal_key(accepted.incident_id)]
        with registry_of(redis, retention_seconds=100).claim(accepted.incident_id) as claim:
            assert claim is not None
            claim.record(step(1))
            assert [redis.ttl(key) for key in keys] == [-1, -1]
            claim.finish(result_of(accepted))
        assert all(95 < redis.ttl(key) <= 100 for key in keys)

    def test_a_result_that_was_published_before_redis_went_away_does_not_become_an_error(
        self, registry_of: RegistryOf
    ) -> None:
        switchable = SwitchableRedis()
        incident = accept(switchable.client)
        with registry_of(switchable.client).claim(incident.incident_id) as claim:
            assert claim is not None
            claim.finish(result_of(incident))
            switchable.goes_away()
        switchable.comes_back()
        assert len(published(switchable.client)) == 1


@pytest.mark.integration
class TestAtOnce:
    def test_a_message_that_comes_to_all_workers_at_once_gives_one_claim_and_one_result(
        self, valkey: Redis, registry_of: RegistryOf
    ) -> None:
        workers = [registry_of(valkey, worker=f"w{number}") for number in range(16)]
        together, all_have_asked = Barrier(16, timeout=30), Barrier(16, timeout=30)

        def triage(registry: Registry, incident: Incident) -> bool:
            together.wait()
            with registry.claim(incident.incident_id) as claim:
                all_have_asked.wait()
                return claim is not None and claim.finish(result_of(incident)) is Finished.PUBLISHED

        for number in range(20):
            incident = accept(valkey, f"incident {number}")
            with ThreadPoolExecutor(16) as pool:
                assert sum(pool.map(triage, workers, [incident] * 16)) == 1
        assert len(published(valkey)) == 20

    def test_control_a_claim_in_two_trips_is_given_twice(self, valkey: Redis) -> None:
        """What the script is for: between a worker's reading and its writing, all the others read too."""
        incident = accept(valkey)
        all_have_read = Barrier(16, timeout=30)

        def claim_naively(_: int) -> bool:
            is_new = valkey.hget(incident_key(incident.incident_id), "state") == "NEW"
            all_have_read.wait()
            valkey.hset(incident_key(incident.incident_id), "state", "CLAIMED")
            return is_new

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(claim_naively, range(16))) == 16

    def test_a_worker_whose_clock_steps_back_keeps_its_claim_and_gains_no_other(
        self, valkey: Redis, registry_of: RegistryOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        incident = accept(valkey)
        with registry_of(valkey).claim(incident.incident_id) as claim:
            assert claim is not None
            for worker_time in (0.0, 4e9):
                monkeypatch.setattr("time.time", lambda now=worker_time: now)
                with registry_of(valkey, worker="w2").claim(incident.incident_id) as other:
                    assert other is None
            claim.record(step(1))


class TestBrokenEntries:
    @pytest.mark.parametrize(
        "changes",
        [
            {"epoch": "9223372036854775807"},
            {"epoch": "1.5"},
            {"epoch": "1e5"},
            {"epoch": "-0"},
            {"deliveries": "abc"},
            {"deliveries": "0x10"},
            {"lease_until": "soon"},
            {"accepted_at": "9" * 40},
        ],
    )
    def test_a_number_that_is_none_is_said_and_nothing_is_written(
        self, redis: Any, accepted: Incident, registry_of: RegistryOf, changes: dict[str, str]
    ) -> None:
        redis.hset(incident_key(accepted.incident_id), mapping=changes)
        before = all_keys(redis)
        with pytest.raises(ContractError, match="a number is none"), registry_of(redis).claim(accepted.incident_id):
            pass
        assert all_keys(redis) == before

    @pytest.mark.parametrize("key_of", [incident_key, journal_key])
    def test_a_key_of_another_type_is_said_and_nothing_is_written(
        self, redis: Any, accepted: Incident, registry_of: RegistryOf, key_of: Callable[[str], str]
    ) -> None:
        redis.delete(key_of(accepted.incident_id))
        redis.set(key_of(accepted.incident_id), "something else")
        before = all_keys(redis)
        with pytest.raises(ContractError, match="is a string"), registry_of(redis).claim(accepted.incident_id):
            pass
        assert all_keys(redis) == before

    def test_a_claim_without_a_lease_is_nobodys(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        redis.hset(incident_key(accepted.incident_id), "state", "CLAIMED")
        with registry_of(redis).claim(accepted.incident_id) as claim:
            assert claim is not None

    @pytest.mark.integration
    def test_an_incident_whose_result_could_not_be_published_stays_open(
        self, valkey: Redis, registry_of: RegistryOf
    ) -> None:
        incident = accept(valkey)
        valkey.xadd(RESULTS_STREAM, {"last": "one"}, id="18446744073709551615-18446744073709551615")
        with registry_of(valkey).claim(incident.incident_id) as claim:
            assert claim is not None
            with pytest.raises(RedisError):
                claim.finish(result_of(incident))
            valkey.delete(RESULTS_STREAM)
            assert claim.finish(result_of(incident)) is Finished.PUBLISHED
        assert len(published(valkey)) == 1


class TestWhatNobodyCanEnd:
    """Each would come back for ever; the task buries what raises `ContractError`."""

    def test_an_entry_that_holds_another_incident_cannot_be_claimed(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        other = accept(redis, "another server is slow")
        redis.hset(incident_key(accepted.incident_id), "incident", other.model_dump_json())
        with pytest.raises(ContractError), registry_of(redis).claim(accepted.incident_id):
            pass

    @pytest.mark.parametrize("field", ["last_step", "occurrences", "resolved", "last_seen_at", "urgency"])
    def test_a_number_that_is_none_is_found_before_anything_is_done(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf, field: str
    ) -> None:
        redis.hset(incident_key(accepted.incident_id), field, "many")
        with pytest.raises(ContractError), registry_of(redis).claim(accepted.incident_id):
            pass

    def test_after_ten_claims_an_incident_is_not_even_read(
        self, redis: Redis, accepted: Incident, registry_of: RegistryOf
    ) -> None:
        registry = registry_of(redis)
        for _ in range(10):
            with registry.claim(accepted.incident_id) as claim:
                assert claim is not None
        with pytest.raises(ContractError, match="10 claims"), registry.claim(accepted.incident_id):
            pass


def test_while_redis_is_away_a_record_is_asked_for_again_as_long_as_the_lease_lives() -> None:
    redis = SwitchableRedis()
    accepted = accept(redis.client)
    seconds = [0.0]

    def pause(duration: float) -> None:
        seconds[0] += duration
        if seconds[0] >= comes_back_after:
            redis.comes_back()

    comes_back_after = 5.0
    registry = Registry(redis.client, worker="w1", monotonic=lambda: seconds[0], pause=pause)
    with registry.claim(accepted.incident_id) as claim:
        assert claim is not None
        redis.goes_away()
        claim.record(step(1))
        assert redis.client.llen(journal_key(accepted.incident_id)) == 1

        comes_back_after = 1000.0
        redis.goes_away()
        with pytest.raises(StaleClaim):
            claim.record(step(2))
    assert 30 <= seconds[0] < 40
    registry.close()
