"""What a newer result opens again is a page where no sink took the first one, or where its sink has left the file."""

import pytest
from redis import Redis

from tests.escalation.builders import result
from tests.escalation.desks import Desk, Failing, FakeSink
from tests.escalation.test_doubtful_pages import handled
from tests.escalation.test_given_up_in_doubt import CUT_OFF, REFUSED, desk_that_gave_up
from tests.escalation.test_opened_again import INCIDENT_ID, NEWER, paged_and_resolved, resolve
from tests.escalation.unguarded import Unguarded
from tests.redis_servers import redis_fixture, valkey_fixture
from worker.contract.handling import Action
from worker.errors import NotDelivered
from worker.escalation.deliveries import Deliveries
from worker.escalation.sink_health import given_up
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]


def paged_after_the_sink_left(redis: Redis, *sinks: str) -> Desk:
    """Let the newer result come, again and again, to a desk whose file has these sinks and not the pager."""
    paged_and_resolved(redis)
    desk = Desk(redis, {name: FakeSink() for name in sinks})
    for _ in range(3):
        desk.deliver(NEWER)
        desk.dispatcher.drain()
    return desk


def test_a_page_whose_sink_has_left_the_file_is_one_page_at_each_present_sink(redis: Redis) -> None:
    desk = paged_after_the_sink_left(redis, "chat", "mail")
    assert [(sink.took, sink.showed) for sink in desk.sinks.values()] == [([NEWER], []), ([NEWER], [])]


def paged_after_the_backup_left(redis: Redis) -> Desk:
    """Let a page go to the backup, and the newer result come when that has left the file."""
    sinks = {"pager": FakeSink(before=Failing(REFUSED, times=1)), "mail": FakeSink()}
    before = Desk(redis, sinks, backups={"pager": "mail"})
    before.deliver(result())
    before.dispatcher.drain()
    assert len(sinks["mail"].took) == 1
    resolve(redis)
    desk = Desk(redis, {"pager": FakeSink()})
    for _ in range(2):
        desk.deliver(NEWER)
        desk.dispatcher.drain()
    return desk


def test_a_page_whose_backup_has_left_the_file_is_one_page_at_the_sink_that_handed_it_over(redis: Redis) -> None:
    assert paged_after_the_backup_left(redis).sinks["pager"].took == [NEWER]


def test_control_without_a_note_anew_it_is_a_page_nowhere() -> None:
    redis = Unguarded("and not may_be_anew", "")
    assert paged_after_the_backup_left(redis).sinks["pager"].took == []
    assert redis.scripts_weakened, "the guard is written otherwise now"


def test_what_waits_at_a_sink_that_left_is_handed_on_and_no_second_page(redis: Redis) -> None:
    Desk(redis, {"pager": FakeSink()}).deliver(result())
    resolve(redis)
    desk = Desk(redis, {"chat": FakeSink()})
    desk.deliver(NEWER)
    desk.dispatcher.drain()
    assert [each.summary for each in desk.sinks["chat"].took] == [NEWER.summary]


def test_control_a_sink_that_is_still_in_the_file_shows_it_and_nobody_else_is_paged(redis: Redis) -> None:
    desk = paged_after_the_sink_left(redis, "chat", "pager")
    assert [(len(sink.took), sink.showed) for sink in desk.sinks.values()] == [(0, []), (0, ["reopen"])]


def test_control_without_a_look_at_who_has_the_page_nobody_is_paged(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deliveries, "is_left_behind", lambda *_: False)
    desk = paged_after_the_sink_left(redis, "chat")
    assert desk.sinks["chat"].took == []


def test_the_first_result_that_comes_again_pages_no_present_sink(redis: Redis) -> None:
    before = Desk(redis, {"pager": FakeSink()})
    before.deliver(result())
    before.send("pager")
    desk = Desk(redis, {"chat": FakeSink()})
    desk.deliver(result())
    desk.dispatcher.drain()
    assert desk.sinks["chat"].took == []


def opened_again_after_it_was_given_up(redis: Redis, error: NotDelivered) -> Desk:
    """Return a desk with one page that no sink took, resolved since and opened again by a newer result."""
    desk, _ = desk_that_gave_up(redis, error)
    resolve(redis)
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    for _ in range(2):
        desk.deliver(NEWER)
        desk.send("pager")
    return desk


@pytest.mark.parametrize("error", [REFUSED, CUT_OFF], ids=["refused", "in doubt"])
def test_a_page_that_was_given_up_is_one_page_of_the_newer_result(redis: Redis, error: NotDelivered) -> None:
    desk = opened_again_after_it_was_given_up(redis, error)
    pager = desk.sinks["pager"]
    assert ([each.summary for each in pager.took], pager.showed) == ([NEWER.summary], [])
    assert (given_up(redis), Deliveries(redis).retry("pager")) == (0, 0)


def test_control_where_only_what_was_settled_is_a_page_nobody_is_paged() -> None:
    redis = Unguarded(" or state == 'GIVEN_UP')", ")")
    desk = opened_again_after_it_was_given_up(redis, REFUSED)
    assert (desk.sinks["pager"].took, given_up(redis)) == ([], 1)
    assert redis.scripts_weakened, "the guard is written otherwise now"


def test_a_page_that_was_given_up_is_one_when_a_person_opens_its_incident_again(redis: Redis) -> None:
    desk, pager = desk_that_gave_up(redis, REFUSED)
    resolve(redis)
    Handlings(redis).act(INCIDENT_ID, Action.REOPEN, person="ann")
    desk.dispatcher.follow(result(), handled(Action.REOPEN))
    desk.send("pager")
    assert (len(pager.took), given_up(redis)) == (1, 0)


def test_an_action_that_the_sink_refused_before_does_not_come_after_the_new_page(redis: Redis) -> None:
    desk, pager = desk_that_gave_up(redis, CUT_OFF)
    resolve(redis)
    pager.before = Failing(REFUSED, times=1)
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    desk.send("pager")
    desk.deliver(NEWER)
    desk.send("pager")
    assert (Deliveries(redis).retry("pager"), given_up(redis)) == (0, 0)
    assert ([each.summary for each in pager.took], pager.showed) == ([NEWER.summary], [])
