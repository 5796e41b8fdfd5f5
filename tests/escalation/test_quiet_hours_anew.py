"""Quiet hours are those of the routes file that is in force: pages put off under an earlier one are looked at anew."""

from datetime import UTC, time

import pytest
from redis import Redis

from tests.escalation.builders import incident, result
from tests.escalation.desks import Desk, Failing, FakeSink
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract import Severity
from worker.errors import NotDelivered
from worker.escalation.deliveries import Deliveries
from worker.escalation.routes import Hours, Routes

__all__ = ["redis_fixture", "valkey_fixture"]

NIGHT = (Hours(begins=time(2), ends=time(7), zone=UTC),)
WARNING = result(incident=incident(severity=Severity.WARNING))
LOUD = Routes(default=("pager",))


@pytest.mark.parametrize("is_loud", [True, False], ids=["no quiet hours any more", "the control"])
def test_a_page_that_was_noted_in_quiet_hours_is_sent_at_once_by_whoever_starts_without_them(
    redis: Redis, *, is_loud: bool
) -> None:
    pager, quiet = FakeSink(), Routes(default=("pager",), quiet={"pager": NIGHT})
    Desk(redis, {"pager": pager}, routes=quiet).deliver(WARNING)
    Desk(redis, {"pager": pager}, routes=LOUD if is_loud else quiet).send("pager")
    assert len(pager.took) == (1 if is_loud else 0)


def test_a_page_that_was_handed_over_in_quiet_hours_is_sent_at_once_by_whoever_starts_without_them(
    redis: Redis,
) -> None:
    sinks = {"pager": FakeSink(before=Failing(NotDelivered("No.", is_final=True))), "mail": FakeSink()}
    quiet, backups = Routes(default=("pager",), quiet={"mail": NIGHT}), {"pager": "mail"}
    before = Desk(redis, sinks, backups=backups, routes=quiet)
    before.deliver(WARNING)
    before.send("pager")
    Desk(redis, sinks, backups=backups, routes=LOUD).send("mail")
    assert len(sinks["mail"].took) == 1


def test_what_waits_after_a_failure_is_not_woken_by_whoever_starts(redis: Redis) -> None:
    pager = FakeSink(before=Failing(NotDelivered("Away."), times=1))
    desk = Desk(redis, {"pager": pager})
    desk.deliver(result())
    desk.send("pager")
    assert Desk(redis, {"pager": pager}).send("pager") == 0
    let_time_pass(redis, 3)
    assert desk.send("pager") == 1


def test_only_what_quiet_hours_hold_is_woken_and_once(redis: Redis) -> None:
    quiet = Routes(default=("pager",), quiet={"pager": NIGHT})
    desk = Desk(redis, {"pager": FakeSink()}, routes=quiet)
    desk.deliver(WARNING, result(2))
    assert [Deliveries(redis).wake("pager") for _ in range(2)] == [1, 0]


def test_what_waits_longer_keeps_its_place_before_what_came_later(redis: Redis) -> None:
    later, earlier = sorted((result(1), result(2)), key=lambda each: each.incident.incident_id)
    deliveries = Deliveries(redis)
    deliveries.schedule("pager", earlier, delay_seconds=60)
    let_time_pass(redis, 70)
    deliveries.schedule("pager", later, delay_seconds=0)
    deliveries.wake("pager")
    taken = deliveries.take("pager")
    assert taken is not None
    assert taken.incident_id == earlier.incident.incident_id
