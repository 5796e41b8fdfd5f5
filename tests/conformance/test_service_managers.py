"""What every service manager must keep, over the fake, recordings, real servers and documented exchanges."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from tests.conformance.manager_subjects import MANAGERS, REAL_MANAGERS
from tests.conformance.ordered import ManagerSubject
from tests.conformance.subjects import an_order, parameters, unavailable
from worker.errors import OrderRefused
from worker.ports import RestartOrder

FENCES = count(1)
"""As Redis gives them: each order has a greater one than the last."""


@pytest.fixture(scope="module", params=parameters(MANAGERS, real=REAL_MANAGERS))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagerSubject]:
    with request.param(tmp_path_factory.mktemp("manager")) as subject:
        yield subject


def the_next(subject: ManagerSubject, *, seconds_left: float = 30) -> RestartOrder:
    return an_order(subject.clock, fence=next(FENCES), seconds_left=seconds_left)


def is_carried_out(subject: ManagerSubject, order: RestartOrder) -> bool:
    try:
        subject.manager.restart(order)
    except OrderRefused:
        return False
    return True


def test_an_order_in_time_restarts_once(subject: ManagerSubject) -> None:
    before = subject.restarts()
    subject.manager.restart(the_next(subject))
    assert subject.restarts() == before + 1


def test_a_restart_shows_in_the_time_of_the_service_s_start(subject: ManagerSubject) -> None:
    if subject.health is None:
        pytest.skip("its start is not seen here")
    ordered_at = subject.clock.now()
    earlier = subject.health.read_health().service_started_at
    assert earlier is None or earlier <= ordered_at
    ordered_at = subject.clock.now()
    subject.manager.restart(the_next(subject))
    started_at = subject.health.read_health().service_started_at
    assert started_at is not None
    assert ordered_at <= started_at <= subject.clock.now()


def test_an_order_past_its_time_is_refused_and_reaches_nothing(subject: ManagerSubject) -> None:
    before = subject.restarts()
    with pytest.raises(OrderRefused, match=r"too old; nothing was restarted\.$"):
        subject.manager.restart(the_next(subject, seconds_left=-0.001))
    assert subject.restarts() == before


def test_the_same_order_again_is_refused_by_the_target_as_far_as_its_fence_reaches(subject: ManagerSubject) -> None:
    order, before = the_next(subject), subject.restarts()
    assert is_carried_out(subject, order)
    assert is_carried_out(subject, order) is not subject.fence_reaches
    assert subject.restarts() == before + (1 if subject.fence_reaches else 2)


def test_an_order_that_a_newer_one_has_overtaken_is_refused_as_far_as_the_fence_reaches(
    subject: ManagerSubject,
) -> None:
    overtaken, newer, before = the_next(subject), the_next(subject), subject.restarts()
    assert is_carried_out(subject, newer)
    assert is_carried_out(subject, overtaken) is not subject.fence_reaches
    assert subject.restarts() == before + (1 if subject.fence_reaches else 2)


def test_of_one_order_at_once_by_many_the_target_carries_out_one_as_far_as_its_fence_reaches(
    subject: ManagerSubject,
) -> None:
    if not subject.fence_reaches:
        pytest.skip("its target knows no fence")
    order, before = the_next(subject), subject.restarts()
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: is_carried_out(subject, order), range(4)))
    assert sorted(outcomes) == [False, False, False, True]
    assert subject.restarts() == before + 1


def test_to_check_the_way_changes_nothing_and_finds_what_is_missing(subject: ManagerSubject) -> None:
    before = subject.restarts()
    assert subject.manager.check()
    unavailable(subject.missing.check, named=subject.named)
    assert subject.restarts() == before


def test_a_target_that_does_not_exist_is_one_sentence_and_nothing_else_is_restarted(subject: ManagerSubject) -> None:
    before = subject.restarts()
    unavailable(lambda: subject.missing.restart(the_next(subject)), named=subject.named)
    assert subject.restarts() == before


# The HTTP library leaves a socket that found nobody to be closed by the garbage collector, which warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_system_that_is_not_there_is_one_sentence(subject: ManagerSubject) -> None:
    if subject.unreachable is None:
        pytest.skip("it has no system")
    unreachable = subject.unreachable
    unavailable(lambda: unreachable.restart(the_next(subject)), named=subject.system)
    gc.collect()


def test_an_order_whose_answer_is_lost_is_not_known_and_not_sent_again(subject: ManagerSubject) -> None:
    before = subject.cut_off_restarts()
    failure = unavailable(lambda: subject.cut_off.restart(the_next(subject)), named="")
    assert not isinstance(failure, OrderRefused)
    assert subject.cut_off_restarts() == before + 1
