"""What opens again, by a newer result or a person, is heard of where its page is, and pages where nobody was paged."""

from datetime import timedelta

import pytest
from redis import Redis

from tests.escalation.builders import result
from tests.escalation.desks import Desk, FakeSink
from tests.escalation.test_doubtful_pages import handled
from tests.escalation.test_pages_nobody_needs import decide
from tests.escalation.unguarded import Unguarded
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from tests.registry.entries import finished
from worker.contract import Disposition, TriageResult
from worker.contract.handling import Action
from worker.contract.proposal import Decision
from worker.contract.queue import handling_history_key, handling_key
from worker.escalation.deliveries import Deliveries
from worker.escalation.sink_health import settled
from worker.escalation.standing import Standing, Standings
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]

INCIDENT_ID = result().incident.incident_id
NEWER = result(finished_at=result().finished_at + timedelta(minutes=10), summary="It failed again.")

BEHIND = result(finished_at=result().finished_at - timedelta(seconds=1), summary="It failed again.")


def resolve(redis: Redis) -> None:
    """Let an engineer resolve the incident of the older result."""
    Handlings(redis).open(result())
    Handlings(redis).act(INCIDENT_ID, Action.RESOLVE, person="ann")


def settled_unsent(redis: Redis) -> Desk:
    """Return a desk whose page was settled before it was sent."""
    desk = Desk(redis, {"pager": FakeSink()})
    resolve(redis)
    desk.deliver(result())
    desk.send("pager")
    assert (desk.sinks["pager"].took, settled(redis)) == ([], 1)
    return desk


def paged_and_resolved(redis: Redis) -> Desk:
    """Return a desk whose sink has the page, and shows that it was resolved."""
    desk = Desk(redis, {"pager": FakeSink()})
    desk.deliver(result())
    desk.send("pager")
    resolve(redis)
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    desk.send("pager")
    return desk


@pytest.mark.parametrize("is_recorded", [True, False], ids=["recorded before", "delivered before it is recorded"])
def test_a_newer_result_that_opens_again_what_was_settled_unsent_is_one_page_of_that_result(
    redis: Redis, *, is_recorded: bool
) -> None:
    desk = settled_unsent(redis)
    if is_recorded:
        assert Handlings(redis).open(NEWER)
    for _ in range(3):
        desk.deliver(NEWER)
        desk.send("pager")
    assert [each.summary for each in desk.sinks["pager"].took] == [NEWER.summary]
    assert settled(redis) == 0


@pytest.mark.parametrize("is_recorded", [True, False], ids=["recorded before", "delivered before it is recorded"])
def test_a_newer_result_that_opens_again_what_was_paged_and_resolved_is_shown_there_once(
    redis: Redis, *, is_recorded: bool
) -> None:
    desk = paged_and_resolved(redis)
    if is_recorded:
        assert Handlings(redis).open(NEWER)
    for _ in range(3):
        desk.deliver(NEWER)
        desk.send("pager")
    pager = desk.sinks["pager"]
    assert (len(pager.took), pager.showed) == (1, ["resolve", "reopen"])


def test_a_later_result_is_shown_though_its_workers_clock_is_behind_and_the_first_that_comes_again_is_not(
    redis: Redis,
) -> None:
    desk = paged_and_resolved(redis)
    for each in (BEHIND, result(), BEHIND):
        desk.deliver(each)
        desk.send("pager")
    pager = desk.sinks["pager"]
    assert (len(pager.took), pager.showed) == (1, ["resolve", "reopen"])


@pytest.mark.parametrize(
    "again",
    [result(), NEWER.model_copy(update={"disposition": Disposition.RECOVERED})],
    ids=["the same result", "one that needs nobody"],
)
def test_a_result_that_opens_nothing_again_pages_nobody_and_shows_nothing(redis: Redis, again: TriageResult) -> None:
    """The control of the tests above."""
    desk = paged_and_resolved(redis)
    desk.deliver(again)
    desk.send("pager")
    assert (len(desk.sinks["pager"].took), desk.sinks["pager"].showed) == (1, ["resolve"])


def test_what_was_opened_again_and_resolved_since_is_not_said_to_be_open(redis: Redis) -> None:
    desk = paged_and_resolved(redis)
    Handlings(redis).open(NEWER)
    Handlings(redis).act(INCIDENT_ID, Action.RESOLVE, person="ann")
    desk.deliver(NEWER)
    desk.send("pager")
    assert desk.sinks["pager"].showed == ["resolve"]


def test_a_newer_result_of_what_is_still_open_is_no_page_and_no_news(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink()})
    Handlings(redis).open(result())
    for each in (result(), NEWER):
        desk.deliver(each)
        desk.send("pager")
    assert (len(desk.sinks["pager"].took), desk.sinks["pager"].showed) == (1, [])


def test_a_handling_that_can_not_be_read_keeps_no_result_from_being_delivered(redis: Redis) -> None:
    desk = paged_and_resolved(redis)
    redis.rpush(handling_history_key(INCIDENT_ID), "odd")
    desk.deliver(NEWER)
    assert desk.send("pager") == 0


def test_a_result_that_went_to_no_sink_keeps_a_newer_one_from_none(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink()})
    desk.deliver(result(disposition=Disposition.NO_ACTION), NEWER)
    desk.send("pager")
    assert desk.sinks["pager"].took == [NEWER]


def act(desk: Desk, proposal: TriageResult, *actions: Action) -> None:
    for action in actions:
        Handlings(desk.redis).act(proposal.incident.incident_id, action, person="ann")
        desk.dispatcher.follow(proposal, handled(action))


def test_a_decided_proposal_that_a_person_resolves_and_opens_again_is_a_page(redis: Redis) -> None:
    desk, proposal = Desk(redis, {"pager": FakeSink()}), finished(redis, Disposition.AWAITING_APPROVAL)
    Handlings(redis).open(proposal)
    desk.deliver(proposal)
    decide(redis, proposal, Decision.REJECTED)
    desk.send("pager")
    assert settled(redis) == 1
    act(desk, proposal, Action.RESOLVE, Action.REOPEN)
    desk.send("pager")
    assert (len(desk.sinks["pager"].took), settled(redis)) == (1, 0)


def test_a_proposal_that_was_decided_after_it_was_opened_again_pages_nobody(redis: Redis) -> None:
    """The control of the test above."""
    desk, proposal = Desk(redis, {"pager": FakeSink()}), finished(redis, Disposition.AWAITING_APPROVAL)
    Handlings(redis).open(proposal)
    desk.deliver(proposal)
    act(desk, proposal, Action.RESOLVE, Action.REOPEN)
    let_time_pass(redis, 1)
    decide(redis, proposal, Decision.REJECTED)
    desk.send("pager")
    assert (desk.sinks["pager"].took, settled(redis)) == ([], 1)


def pages_when_opened_again_while_somebody_settles(redis: Redis) -> int:
    """Open it again between a sender's look at how it stands and what the sender makes of that."""
    desk = Desk(redis, {"pager": FakeSink()})
    desk.deliver(result())
    taken = Deliveries(redis).take("pager")
    assert taken is not None
    resolve(redis)
    standing = Standings(redis).of(result())
    Handlings(redis).open(NEWER)
    desk.deliver(NEWER)
    assert isinstance(standing, Standing)
    assert standing.settled is not None
    Deliveries(redis).settle(taken)
    desk.send("pager")
    return len(desk.sinks["pager"].took)


def test_what_is_opened_again_while_somebody_settles_its_page_is_a_page(redis: Redis) -> None:
    assert pages_when_opened_again_while_somebody_settles(redis) == 1


def test_control_without_a_second_look_it_pages_nobody() -> None:
    redis = Unguarded("redis.call('HEXISTS', delivery, 'opened_again') == 1", "false")
    assert pages_when_opened_again_while_somebody_settles(redis) == 0
    assert redis.scripts_weakened, "the guard is written otherwise now"


def test_a_result_that_was_delivered_first_is_not_what_opens_again_what_an_engineer_resolves_then(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink()})
    Handlings(redis).open(result())
    desk.deliver(NEWER)
    resolve(redis)
    assert not Handlings(redis).open(NEWER)


@pytest.mark.parametrize("is_paged", [True, False], ids=["paged before", "settled before"])
def test_a_result_that_comes_after_its_incident_was_forgotten_is_heard_of(redis: Redis, *, is_paged: bool) -> None:
    desk = paged_and_resolved(redis) if is_paged else settled_unsent(redis)
    redis.delete(handling_key(INCIDENT_ID), handling_history_key(INCIDENT_ID))
    for _ in range(2):
        desk.deliver(NEWER)
        desk.send("pager")
    pager = desk.sinks["pager"]
    assert (len(pager.took), pager.showed) == (1, ["resolve", "reopen"] if is_paged else [])


def shown_of_a_result_that_comes_twice(redis: Redis) -> list[str]:
    desk = Desk(redis, {"pager": FakeSink()})
    for _ in range(2):
        desk.deliver(result())
        desk.send("pager")
    return desk.sinks["pager"].showed


def test_what_opens_its_incident_first_opens_nothing_again_however_often_it_comes(redis: Redis) -> None:
    assert shown_of_a_result_that_comes_twice(redis) == []


def test_control_without_a_look_at_which_result_the_page_is_of_it_does() -> None:
    redis = Unguarded("if finished_at > 0 and", "if false and")
    assert shown_of_a_result_that_comes_twice(redis) == ["reopen"]
    assert redis.scripts_weakened, "the guard is written otherwise now"
