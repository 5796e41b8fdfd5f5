"""A page that was given up though its sink may have it: engineers' actions are shown there, and a retry still works."""

from datetime import timedelta

import pytest
from redis import Redis

from tests.escalation.builders import NOW, result
from tests.escalation.desks import Desk, Failing, FakeSink, Killed
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract.handling import Action, Handled
from worker.errors import NotDelivered
from worker.escalation.deliveries import LEASE_SECONDS, Deliveries
from worker.escalation.sink_health import given_up, sinks_in_use
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]

REFUSED = NotDelivered("No.", is_final=True)
CUT_OFF = NotDelivered("It took the page, and broke off.", is_final=True, is_doubtful=True)


def handled(action: Action, *, minutes: int = 0) -> Handled:
    return Handled(at=NOW + timedelta(minutes=minutes), person="ann", action=action)


def acknowledged(redis: Redis) -> Handled:
    """Let an engineer acknowledge the incident, and return what its handling says of it."""
    handlings, incident_id = Handlings(redis), result().incident.incident_id
    handlings.open(result())
    handlings.act(incident_id, Action.ACKNOWLEDGE, person="ann")
    handling = handlings.find(incident_id)
    assert handling is not None
    return handling.history[-1]


def desk_that_gave_up(redis: Redis, error: NotDelivered, *actions: Action) -> tuple[Desk, FakeSink]:
    """Return a desk whose one sink failed for good; these actions came while its page waited."""
    pager = FakeSink(before=Failing(error, times=1))
    desk = Desk(redis, {"pager": pager})
    desk.deliver(result())
    for action in actions:
        desk.dispatcher.follow(result(), handled(action))
    desk.dispatcher.senders["pager"].send_next()
    assert given_up(redis) == 1
    return desk, pager


@pytest.mark.parametrize(
    ("error", "shown"), [(CUT_OFF, ["acknowledge", "resolve"]), (REFUSED, [])], ids=["in doubt", "the control"]
)
def test_what_engineers_do_reaches_the_sink_that_may_have_the_page(
    redis: Redis, error: NotDelivered, shown: list[str]
) -> None:
    desk, pager = desk_that_gave_up(redis, error)
    for action in (Action.ACKNOWLEDGE, Action.RESOLVE, Action.RESOLVE):
        desk.dispatcher.follow(result(), handled(action))
        desk.send("pager")
    assert (pager.took, pager.showed) == ([], shown)
    assert given_up(redis) == 1
    assert sinks_in_use(redis)[0].waiting == 0


@pytest.mark.parametrize(
    ("error", "shown"), [(CUT_OFF, ["acknowledge"]), (REFUSED, [])], ids=["in doubt", "the control"]
)
def test_what_engineers_did_while_the_page_waited_is_shown_there_too(
    redis: Redis, error: NotDelivered, shown: list[str]
) -> None:
    desk, pager = desk_that_gave_up(redis, error, Action.ACKNOWLEDGE)
    desk.send("pager")
    assert (pager.took, pager.showed) == ([], shown)


@pytest.mark.parametrize("error", [CUT_OFF, REFUSED], ids=["in doubt", "refused"])
def test_a_retry_sends_the_page_once_and_before_what_followed_it(redis: Redis, error: NotDelivered) -> None:
    desk, pager = desk_that_gave_up(redis, error, Action.NOTE)
    assert Deliveries(redis).retry("pager") == 1
    desk.send("pager")
    assert [pager.sends[each] for each in pager.pages] == [1]
    assert (pager.showed, given_up(redis)) == (["note"], 0)


@pytest.mark.parametrize("still_holds", [True, False], ids=["acknowledged", "the control"])
def test_who_has_it_is_shown_again_after_a_page_that_comes_on_retry(redis: Redis, *, still_holds: bool) -> None:
    desk, pager = desk_that_gave_up(redis, CUT_OFF)
    done = acknowledged(redis) if still_holds else handled(Action.ACKNOWLEDGE)
    desk.dispatcher.follow(result(), done)
    desk.send("pager")
    assert Deliveries(redis).retry("pager") == 1
    for _ in range(2):
        desk.send("pager")
    assert (len(pager.took), pager.showed) == (1, ["acknowledge", "acknowledge"] if still_holds else ["acknowledge"])


def test_what_is_still_to_be_shown_when_a_page_comes_on_retry_is_shown_once(redis: Redis) -> None:
    desk, pager = desk_that_gave_up(redis, CUT_OFF)
    desk.dispatcher.follow(result(), acknowledged(redis))
    assert Deliveries(redis).retry("pager") == 1
    desk.send("pager")
    assert (len(pager.took), pager.showed) == (1, ["acknowledge"])


def test_the_tries_of_an_action_are_not_the_pages_when_it_comes_on_retry(redis: Redis) -> None:
    desk, pager = desk_that_gave_up(redis, CUT_OFF)
    pager.before = Failing(NotDelivered("Away."), times=1)
    desk.dispatcher.follow(result(), handled(Action.NOTE))
    desk.send("pager")
    assert Deliveries(redis).retry("pager") == 1
    desk.send("pager")
    assert [(told.action, told.tries) for told in desk.told[-2:]] == [("page", 1), ("note", 1)]


def test_an_action_that_the_sink_refuses_then_is_said_after_the_page_on_retry(redis: Redis) -> None:
    desk, pager = desk_that_gave_up(redis, CUT_OFF)
    pager.before = Failing(REFUSED, times=1)
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    desk.send("pager")
    desk.dispatcher.follow(result(), handled(Action.NOTE, minutes=1))
    assert Deliveries(redis).retry("pager") == 1
    desk.send("pager")
    assert (len(pager.took), pager.showed, given_up(redis)) == (1, ["resolve", "note"], 0)


@pytest.mark.parametrize("is_late", [True, False], ids=["a late yes", "the control"])
def test_a_yes_that_comes_after_the_page_was_given_up_makes_it_one_that_arrived(redis: Redis, *, is_late: bool) -> None:
    deliveries = Deliveries(redis)
    desk = Desk(redis, {"pager": FakeSink()})
    desk.deliver(result())
    slow = deliveries.take("pager")
    assert slow is not None
    let_time_pass(redis, LEASE_SECONDS + 1)
    desk.sinks["pager"].before = Failing(REFUSED, times=1)
    desk.send("pager")
    if is_late:
        assert deliveries.record(slow)
    assert deliveries.retry("pager") == (0 if is_late else 1)
    desk.send("pager")
    assert len(desk.sinks["pager"].took) == (0 if is_late else 1)


def test_a_consumer_that_dies_over_a_given_up_pages_action_leaves_it_to_the_next(redis: Redis) -> None:
    desk, pager = desk_that_gave_up(redis, CUT_OFF)
    pager.before = Failing(Killed(), times=1)
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    with pytest.raises(Killed):
        desk.send("pager")
    let_time_pass(redis, LEASE_SECONDS + 1)
    after = Desk(redis, {"pager": pager})
    after.send("pager")
    assert (pager.took, pager.showed) == ([], ["resolve"])
