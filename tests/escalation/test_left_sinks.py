"""A sink that leaves the routes file leaves no page behind that nobody gets."""

import threading
from datetime import UTC, time

import pytest
from redis import Redis

from tests.escalation.builders import NOW, incident, result
from tests.escalation.desks import Desk, Failing, FakeSink
from tests.programs import wait_until
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract import Severity
from worker.contract.handling import Action, Handled
from worker.errors import NotDelivered
from worker.escalation.deliveries import LEASE_SECONDS, Deliveries
from worker.escalation.delivery import delivery_key
from worker.escalation.left_sinks import STEP_PAUSE_SECONDS
from worker.escalation.routes import Hours, Routes
from worker.escalation.sink_health import given_up, sinks_in_use
from worker.escalation.telling import Outcome

__all__ = ["redis_fixture", "valkey_fixture"]

NIGHT = (Hours(begins=time(2), ends=time(7), zone=UTC),)
RESOLVED = Handled(at=NOW, person="ann", action=Action.RESOLVE)
INCIDENT_ID = result().incident.incident_id


def old_desk(redis: Redis, sink: FakeSink | None = None) -> Desk:
    return Desk(redis, {"old": sink or FakeSink()})


def new_desk(redis: Redis) -> Desk:
    return Desk(redis, {"new": FakeSink()})


def waiting(redis: Redis) -> dict[str, int]:
    return {health.sink: health.waiting for health in sinks_in_use(redis)}


def test_its_waiting_pages_go_to_the_sinks_that_the_routes_name_now_and_say_why(redis: Redis) -> None:
    old_desk(redis).deliver(result(1), result(2))
    desk = new_desk(redis)
    desk.dispatcher.drain()
    new = desk.sinks["new"]
    assert new.pages == {result(number).incident.incident_id for number in (1, 2)}
    assert new.took[0].evidence[-1].statement == "old has left the routes file, so new has this page"
    assert waiting(redis) == {"old": 0, "new": 0}
    assert desk.outcomes().count(("old", Outcome.HANDED_OVER)) == 2


def test_control_the_senders_of_the_present_sinks_alone_leave_them_there(redis: Redis) -> None:
    old_desk(redis).deliver(result())
    desk = new_desk(redis)
    desk.send("new")
    assert desk.sinks["new"].took == []
    assert waiting(redis) == {"old": 1}


def test_a_consumer_that_runs_hands_them_on_in_a_thread_of_its_own(redis: Redis) -> None:
    old_desk(redis).deliver(result())
    desk, stop = new_desk(redis), threading.Event()
    threads = desk.dispatcher.start(stop)
    try:
        wait_until(lambda: bool(desk.sinks["new"].took), seconds=10)
    finally:
        stop.set()
        for thread in threads:
            thread.join(10)


def taken_from_others(redis: Redis) -> int:
    """Let two consumers with different routes files run, and count the pages that one took from the other's sink."""
    old, new = old_desk(redis), new_desk(redis)
    for desk in (old, new, old, new):
        desk.dispatcher.drain()
        desk.deliver(result(1) if desk is old else result(2))
    for desk in (new, old, new, old):
        desk.dispatcher.drain()
    return sum(outcome is Outcome.HANDED_OVER for _, outcome in old.outcomes() + new.outcomes())


def test_of_a_sink_that_another_consumer_serves_nothing_is_taken(redis: Redis) -> None:
    assert taken_from_others(redis) == 0


def test_control_where_nobody_says_what_they_serve_pages_are_taken_from_each_other(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deliveries, "serve", lambda *_: None)
    assert taken_from_others(redis) > 0


def test_every_sink_of_the_present_route_gets_the_page_once(redis: Redis) -> None:
    old_desk(redis).deliver(result())
    desk = Desk(redis, {"new": FakeSink(), "chat": FakeSink()})
    desk.dispatcher.drain()
    desk.deliver(result())
    desk.dispatcher.drain()
    assert [sink.sends[INCIDENT_ID] for sink in desk.sinks.values()] == [1, 1]


def test_a_page_that_failed_there_or_is_being_sent_is_handed_on_when_it_is_due_again(redis: Redis) -> None:
    failing = old_desk(redis, FakeSink(before=Failing(NotDelivered("Away."))))
    failing.deliver(result(1), result(2))
    failing.dispatcher.senders["old"].send_next()
    assert Deliveries(redis).take("old") is not None
    desk = new_desk(redis)
    desk.dispatcher.drain()
    assert desk.sinks["new"].took == []
    let_time_pass(redis, LEASE_SECONDS + 1)
    desk.dispatcher.drain()
    assert len(desk.sinks["new"].pages) == 2


@pytest.mark.parametrize(("quiet", "pages"), [((), 1), (NIGHT, 0)], ids=["no quiet hours", "quiet hours"])
def test_the_quiet_hours_of_the_new_sink_count_and_not_those_of_the_old_one(
    redis: Redis, quiet: tuple[Hours, ...], pages: int
) -> None:
    before = Routes(default=("old",), quiet={"old": NIGHT})
    Desk(redis, {"old": FakeSink()}, routes=before).deliver(result(incident=incident(severity=Severity.WARNING)))
    desk = Desk(redis, {"new": FakeSink()}, routes=Routes(default=("new",), quiet={"new": quiet}))
    desk.dispatcher.drain()
    assert len(desk.sinks["new"].took) == pages


def test_what_was_done_since_its_page_waits_and_is_shown_there_when_the_table_comes_back(redis: Redis) -> None:
    before = old_desk(redis)
    before.deliver(result())
    before.send("old")
    before.dispatcher.follow(result(), RESOLVED)
    new_desk(redis).dispatcher.drain()
    assert waiting(redis) == {"old": 1}
    let_time_pass(redis, STEP_PAUSE_SECONDS + 1)
    back = old_desk(redis)
    back.send("old")
    assert back.sinks["old"].showed == [Action.RESOLVE]


def test_what_can_not_be_read_or_has_no_route_any_more_is_counted_as_taken_by_no_sink(redis: Redis) -> None:
    old_desk(redis).deliver(result(1), result(2))
    redis.hset(delivery_key("old", INCIDENT_ID), "result", "odd")
    Desk(redis, {"new": FakeSink()}, routes=Routes(default=())).dispatcher.drain()
    assert given_up(redis) == 2


def test_a_page_that_was_handed_on_is_not_sent_again_when_the_old_file_comes_back(redis: Redis) -> None:
    old_desk(redis).deliver(result())
    new_desk(redis).dispatcher.drain()
    back = old_desk(redis)
    back.deliver(result())
    back.dispatcher.drain()
    assert back.sinks["old"].took == []
