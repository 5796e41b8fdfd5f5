"""A call that does not end is left behind in its time, and so many of them at most."""

import threading

import pytest

from worker.infrastructure.bounded_call import BoundedCalls, TooManyLeftBehindError


def test_what_a_call_returns_or_raises_comes_back() -> None:
    calls = BoundedCalls()
    assert calls.run(lambda: 7, seconds=5) == 7
    with pytest.raises(ZeroDivisionError):
        calls.run(lambda: 1 // 0, seconds=5)


def test_a_call_that_does_not_end_is_left_behind_and_eight_of_them_are_all() -> None:
    calls, end = BoundedCalls(), threading.Event()
    begun: list[int] = []

    def endless() -> None:
        begun.append(1)
        end.wait(30)

    for _ in range(8):
        with pytest.raises(TimeoutError, match="does not end"):
            calls.run(endless, seconds=0.01)
    with pytest.raises(TooManyLeftBehindError):
        calls.run(endless, seconds=0.01)
    end.set()
    for thread in threading.enumerate():
        if thread.name == "bounded call":
            thread.join(5)
    assert calls.run(lambda: 7, seconds=5) == 7
