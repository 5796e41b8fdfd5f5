"""Rate limits: never more calls than allowed, all limits or none, and no call when Redis can't be asked."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from redis import Redis

from tests.redis_servers import SwitchableRedis, let_time_pass
from tests.redis_servers import redis_fixture as redis_fixture  # noqa: PLC0414 - pytest finds fixtures by import
from tests.redis_servers import valkey_fixture as valkey_fixture  # noqa: PLC0414
from worker.errors import ConfigurationError, GuardrailUnavailable
from worker.guardrails.rate_limit import RateLimit, RateLimiter

A_MINUTE = 60.0
SLOW = RateLimit("health", count=2, per_seconds=A_MINUTE)
BURSTY = RateLimit("health", count=10, per_seconds=A_MINUTE, burst=3)


def granted_in_a_row(take: Callable[[], float], tries: int) -> int:
    return sum(take() == 0.0 for _ in range(tries))


def test_a_call_is_granted_and_the_next_is_told_how_long_to_wait(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    assert limiter.take([(SLOW, "server-1")]) == 0.0
    assert 29.0 < limiter.take([(SLOW, "server-1")]) <= 30.0


def test_after_the_wait_the_call_is_granted(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    limiter.take([(SLOW, "server-1")])
    let_time_pass(redis, limiter.take([(SLOW, "server-1")]))
    assert limiter.take([(SLOW, "server-1")]) == 0.0


def test_a_burst_comes_at_once_and_no_more_than_that(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    assert granted_in_a_row(lambda: limiter.take([(BURSTY, "server-1")]), 20) == 3


def test_a_quiet_time_saves_up_no_more_than_the_burst(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    limiter.take([(BURSTY, "server-1")])
    let_time_pass(redis, 10_000)
    assert granted_in_a_row(lambda: limiter.take([(BURSTY, "server-1")]), 20) == 3


@pytest.mark.parametrize(("burst", "most"), [(1, 6), (4, 9)])
def test_a_window_never_holds_more_than_count_and_burst_minus_one(redis: Redis, burst: int, most: int) -> None:
    limiter = RateLimiter(redis)
    limit = RateLimit("tool", count=6, per_seconds=A_MINUTE, burst=burst)
    granted = 0
    for _ in range(59):
        granted += granted_in_a_row(lambda: limiter.take([(limit, "server-1")]), 3)
        let_time_pass(redis, 1)
    assert granted == most


def test_scopes_and_names_do_not_share_their_calls(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    other = RateLimit("logs", count=2, per_seconds=A_MINUTE)
    takes = [(SLOW, "server-1"), (SLOW, "server-2"), (other, "server-1")]
    assert [limiter.take([take]) for take in takes] == [0.0, 0.0, 0.0]


def test_when_one_limit_refuses_the_others_are_not_charged(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    fleet = RateLimit("fleet", count=2, per_seconds=A_MINUTE)
    limiter.take([(SLOW, "server-1")])
    assert limiter.take([(fleet, "fleet"), (SLOW, "server-1")]) > 0
    assert limiter.take([(fleet, "fleet")]) == 0.0


def test_the_wait_is_that_of_the_tightest_limit(redis: Redis) -> None:
    limiter = RateLimiter(redis)
    tight = RateLimit("tight", count=1, per_seconds=600)
    both = [(SLOW, "fleet"), (tight, "fleet")]
    limiter.take(both)
    for order in (both, both[::-1]):
        assert 590 < limiter.take(order) <= 600


def test_no_limit_at_all_is_granted_without_asking() -> None:
    switchable = SwitchableRedis()
    switchable.goes_away()
    assert RateLimiter(switchable.client).take([]) == 0.0


def test_without_redis_no_call_is_granted() -> None:
    switchable = SwitchableRedis()
    limiter = RateLimiter(switchable.client)
    switchable.goes_away()
    with pytest.raises(GuardrailUnavailable, match=r"rate_limit\.lua"):
        limiter.take([(SLOW, "server-1")])


def test_a_key_expires_when_it_means_nothing_more(redis: Redis) -> None:
    RateLimiter(redis).take([(SLOW, "server-1")])
    assert 29_000 < redis.pttl("firstline:rate:health:server-1") <= 30_000


@pytest.mark.parametrize("wrong", [{"count": 0}, {"per_seconds": 0.0}, {"burst": 0}])
def test_a_limit_that_means_nothing_cannot_be_made(wrong: dict[str, int]) -> None:
    numbers: dict[str, int] = {"count": 1, "per_seconds": 1, "burst": 1}
    with pytest.raises(ValueError, match="health"):
        RateLimit("health", **{**numbers, **wrong})


def test_a_client_that_does_not_decode_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="decode_responses"):
        RateLimiter(Redis())


@pytest.mark.integration
def test_many_workers_at_once_get_no_more_than_one_would(valkey: Redis) -> None:
    limiters = [RateLimiter(valkey) for _ in range(8)]
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda number: limiters[number % 8].take([(BURSTY, "fleet")]), range(400)))
    assert waits.count(0.0) == 3


@pytest.mark.integration
def test_control_counting_in_two_trips_grants_more_than_the_limit(valkey: Redis) -> None:
    """What the script is for: between a worker's reading and its writing, all the others read too."""
    all_have_read = Barrier(16, timeout=10)

    def take_naively(_: int) -> bool:
        is_free = int(valkey.get("naive") or 0) < 3
        all_have_read.wait()
        if is_free:
            valkey.incr("naive")
        return is_free

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take_naively, range(16))) == 16


@pytest.mark.integration
def test_a_worker_whose_clock_steps_back_gains_nothing(valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    limiter = RateLimiter(valkey)
    limiter.take([(SLOW, "server-1")])
    for worker_time in (0.0, 4e9):
        monkeypatch.setattr("time.time", lambda now=worker_time: now)
        assert 29.0 < limiter.take([(SLOW, "server-1")]) <= 30.0
