"""What the guards of the records are for: each scenario runs with them, and on scripts from which one is taken out."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from redis import Redis

from tests.escalation.builders import result
from tests.escalation.desks import Desk, FakeSink, nothing
from tests.escalation.unguarded import Unguarded
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract import TriageResult
from worker.errors import NotDelivered
from worker.escalation.deliveries import LEASE_SECONDS, Deliveries

__all__ = ["redis_fixture", "valkey_fixture"]


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A scenario that counts pages, and the piece of the scripts without which there are more."""

    scenario: Callable[[Redis], int]
    pages: int
    pages_without: int
    piece: str
    instead: str = "false"


def a_result_comes_four_times(redis: Redis) -> int:
    sink = FakeSink()
    desks = [Desk(redis, {"pager": sink}) for _ in range(2)]
    for desk in (*desks, *desks):
        desk.deliver(result())
        desk.send("pager")
    return len(sink.took)


def another_looks_while_one_sends(redis: Redis) -> int:
    sink = FakeSink()
    first, second = (Desk(redis, {"pager": sink}) for _ in range(2))
    first.deliver(result())

    def look(_: TriageResult) -> None:
        sink.before = nothing
        second.send("pager")

    sink.before = look
    first.send("pager")
    return len(sink.took)


def one_fails_while_another_sends(redis: Redis, error: NotDelivered) -> int:
    """Let a consumer hang until another has its lease, and fail then; count the pages besides the other's."""
    pager, mail = FakeSink(), FakeSink()
    desk = Desk(redis, {"pager": pager, "mail": mail}, backups={"pager": "mail"})

    def hang_and_fail(_: TriageResult) -> None:
        pager.before = nothing
        let_time_pass(redis, LEASE_SECONDS + 1)
        assert Deliveries(redis).take("pager") is not None
        raise error

    pager.before = hang_and_fail
    desk.deliver(result())
    desk.send("pager")
    let_time_pass(redis, LEASE_SECONDS / 2)
    desk.send("pager")
    desk.send("mail")
    return len(pager.took) + len(mail.took)


def one_fails_for_good_while_another_sends(redis: Redis) -> int:
    return one_fails_while_another_sends(redis, NotDelivered("No.", is_final=True))


def one_fails_for_now_while_another_sends(redis: Redis) -> int:
    return one_fails_while_another_sends(redis, NotDelivered("Away."))


IS_NOTED = "redis.call('EXISTS', delivery) == 1"
LEASE = "redis.call('ZADD', due, now + lease, id)"
IS_LOST = "not has_lease(delivery, token)"

GUARDS = [
    Guard(scenario=a_result_comes_four_times, pages=1, pages_without=4, piece=IS_NOTED),
    Guard(scenario=another_looks_while_one_sends, pages=1, pages_without=2, piece=LEASE, instead=""),
    Guard(scenario=one_fails_for_good_while_another_sends, pages=0, pages_without=1, piece=IS_LOST),
    Guard(scenario=one_fails_for_now_while_another_sends, pages=0, pages_without=1, piece=IS_LOST),
]


def scenario_of(guard: Guard) -> str:
    return guard.scenario.__name__.replace("_", " ")


@pytest.mark.parametrize("guard", GUARDS, ids=scenario_of)
def test_with_its_guard_an_incident_is_one_page(redis: Redis, guard: Guard) -> None:
    assert guard.scenario(redis) == guard.pages


@pytest.mark.parametrize("guard", GUARDS, ids=scenario_of)
def test_control_without_its_guard_there_are_more(guard: Guard) -> None:
    redis = Unguarded(guard.piece, guard.instead)
    pages = guard.scenario(redis)
    assert redis.scripts_weakened, "the guard is written otherwise now"
    assert pages == guard.pages_without
