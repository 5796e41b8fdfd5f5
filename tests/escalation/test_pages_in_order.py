"""What is critical stays ahead after a hand-over and a failure, and a route's own quiet hours hold all the way."""

from datetime import UTC, time

from redis import Redis

from tests.escalation.builders import NOW, result
from tests.escalation.desks import Desk, Failing, FakeSink
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract import Severity
from worker.contract.handling import Action, Handled
from worker.contract.result import Occurrences
from worker.errors import NotDelivered
from worker.escalation.deliveries import LEASE_SECONDS, Deliveries
from worker.escalation.routes import Hours, Route, Routes

__all__ = ["redis_fixture", "valkey_fixture"]

WARNING = Occurrences(severity=Severity.WARNING)
ALWAYS = (Hours(begins=time(0), ends=time(23, 59, 59), zone=UTC),)
FINAL = NotDelivered("No.", is_final=True)
QUIET_ROUTE = Routes(default=("pager",), routes=(Route(sinks=("pager",), quiet=ALWAYS),))


def first_of(sink: FakeSink) -> str:
    return sink.took[0].incident.incident_id


def test_a_critical_page_that_is_handed_over_passes_what_waits_there(redis: Redis) -> None:
    pager, mail = FakeSink(before=Failing(FINAL)), FakeSink()
    desk = Desk(redis, {"pager": pager, "mail": mail}, backups={"pager": "mail"})
    desk.deliver(result(1, occurrences=WARNING))
    desk.send("pager")
    let_time_pass(redis, 5)
    desk.deliver(result(2))
    desk.send("pager")
    desk.send("mail")
    assert first_of(mail) == result(2).incident.incident_id


def test_a_critical_page_that_failed_passes_what_came_before_its_next_try(redis: Redis) -> None:
    pager = FakeSink(before=Failing(NotDelivered("Away."), times=1))
    desk = Desk(redis, {"pager": pager})
    desk.deliver(result(2))
    desk.send("pager")
    desk.deliver(result(1, occurrences=WARNING))
    let_time_pass(redis, 5)
    desk.send("pager")
    assert first_of(pager) == result(2).incident.incident_id


def test_the_quiet_hours_of_a_route_hold_at_its_backup_and_end_with_a_new_file(redis: Redis) -> None:
    sinks = {"pager": FakeSink(before=Failing(FINAL)), "mail": FakeSink()}
    loud, backups = Routes(default=("pager",)), {"pager": "mail"}
    before = Desk(redis, sinks, backups=backups, routes=loud)
    before.deliver(result(occurrences=WARNING))
    before.send("pager")
    assert Desk(redis, sinks, backups=backups, routes=QUIET_ROUTE).send("mail") == 1
    assert sinks["mail"].took == []
    Desk(redis, sinks, backups=backups, routes=loud).send("mail")
    assert len(sinks["mail"].took) == 1


def test_what_follows_a_page_waits_for_the_consumer_that_tries_the_page_again(redis: Redis) -> None:
    """Another's late yes records the page; who has the lease now sends it a second time all the same."""
    deliveries = Deliveries(redis)
    deliveries.schedule("pager", result(), delay_seconds=0)
    deliveries.follow(result(), Handled(at=NOW, person="ann", action=Action.RESOLVE))
    slow = deliveries.take("pager")
    let_time_pass(redis, LEASE_SECONDS + 1)
    again = deliveries.take("pager")
    assert slow is not None
    assert again is not None
    deliveries.record(slow)
    assert deliveries.take("pager") is None
    let_time_pass(redis, LEASE_SECONDS + 1)
    following = deliveries.take("pager")
    assert following is not None
    assert not following.is_page
