"""The circuit breaker: a source that is down is spared, and tried again."""

import pytest

from tests.fakes import FakeClock
from worker.errors import SourceUnavailable
from worker.infrastructure.breaker import CircuitBreaker


def failed(breaker: CircuitBreaker, *, times: int) -> None:
    for _ in range(times):
        breaker.failed(SourceUnavailable("metrics did not answer in 3 s."))


def test_a_blip_closes_nothing() -> None:
    breaker = CircuitBreaker("metrics", FakeClock())
    failed(breaker, times=2)
    breaker.check()
    breaker.succeeded()
    failed(breaker, times=2)
    breaker.check()


def test_after_three_failures_nobody_asks_for_a_while_and_the_sentence_says_why() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker("metrics", clock)
    failed(breaker, times=3)
    clock.sleep(5)
    with pytest.raises(SourceUnavailable) as raised:
        breaker.check()
    assert str(raised.value) == (
        "metrics was not asked: it failed 3 times in a row, and is tried again in 10 s. "
        "The last failure: metrics did not answer in 3 s."
    )


def test_then_one_at_a_time_tries_until_one_succeeds() -> None:
    clock = FakeClock()
    breaker = CircuitBreaker("metrics", clock)
    failed(breaker, times=3)
    clock.sleep(15)
    breaker.check()
    with pytest.raises(SourceUnavailable):
        breaker.check()
    breaker.succeeded()
    breaker.check()
