"""A sink that may have a page is told what became of it; a backup is told what was done once, and after its page."""

from datetime import timedelta

import pytest
from redis import Redis

from tests.escalation.builders import NOW, result
from tests.escalation.desks import Desk, Failing, FakeSink, Killed
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract.handling import Action, Handled
from worker.errors import NotDelivered
from worker.escalation.deliveries import LEASE_SECONDS, Deliveries
from worker.escalation.sink_health import given_up
from worker.escalation.telling import Outcome
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]

FINAL = NotDelivered("No.", is_final=True)


def handled(action: Action, *, words: str = "", minutes: int = 0) -> Handled:
    return Handled(at=NOW + timedelta(minutes=minutes), person="ann", action=action, words=words)


def die_while_sending(desk: Desk) -> None:
    """Let a consumer take the page, send it, and die before it says so; its lease runs out."""
    pager = desk.sinks["pager"]
    pager.after = Failing(Killed(), times=1)
    desk.deliver(result())
    with pytest.raises(Killed):
        desk.send("pager")
    let_time_pass(desk.redis, LEASE_SECONDS + 1)


@pytest.mark.parametrize("is_dead", [True, False], ids=["its consumer died", "the control"])
def test_a_sink_whose_consumer_died_while_sending_shows_what_was_done_though_its_backup_has_the_page(
    redis: Redis, *, is_dead: bool
) -> None:
    desk = Desk(redis, {"pager": FakeSink(), "mail": FakeSink()}, backups={"pager": "mail"})
    pager, mail = desk.sinks["pager"], desk.sinks["mail"]
    if is_dead:
        die_while_sending(desk)
    else:
        desk.deliver(result())
    pager.before = Failing(FINAL, times=1)
    desk.send("pager")
    desk.send("mail")
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    desk.send("pager")
    desk.send("mail")
    assert mail.showed == ["resolve"]
    assert pager.showed == (["resolve"] if is_dead else [])


@pytest.mark.parametrize("is_dead", [True, False], ids=["its consumer died", "the control"])
def test_a_sink_whose_consumer_died_while_sending_is_told_that_the_incident_was_resolved(
    redis: Redis, *, is_dead: bool
) -> None:
    desk = Desk(redis, {"pager": FakeSink()})
    if is_dead:
        die_while_sending(desk)
    else:
        desk.deliver(result())
    Handlings(redis).open(result())
    Handlings(redis).act(result().incident.incident_id, Action.RESOLVE, person="ann")
    desk.send("pager")
    assert desk.outcomes()[0] == ("pager", Outcome.SETTLED)
    assert len(desk.sinks["pager"].took) == (1 if is_dead else 0)
    assert desk.sinks["pager"].showed == (["resolve"] if is_dead else [])


def test_an_action_that_went_to_the_backup_with_the_page_is_not_shown_there_again(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink(before=Failing(FINAL)), "mail": FakeSink()}, backups={"pager": "mail"})
    desk.deliver(result())
    desk.dispatcher.follow(result(), handled(Action.ACKNOWLEDGE))
    desk.send("pager")
    for _ in range(2):
        desk.dispatcher.follow(result(), handled(Action.ACKNOWLEDGE))
    desk.send("mail")
    assert (len(desk.sinks["mail"].took), desk.sinks["mail"].showed) == (1, ["acknowledge"])


def left_over(redis: Redis, *actions: Handled) -> Desk:
    """Return a desk whose sink has the page, and refused these actions for good."""
    desk = Desk(redis, {"pager": FakeSink()})
    desk.deliver(result())
    desk.send("pager")
    desk.sinks["pager"].before = Failing(FINAL, times=len(actions))
    for each in actions:
        desk.dispatcher.follow(result(), each)
    desk.send("pager")
    return desk


@pytest.mark.parametrize("later", [Action.RESOLVE, Action.REOPEN])
def test_of_what_was_left_a_move_that_a_later_one_overtook_is_not_said_on_retry(redis: Redis, later: Action) -> None:
    desk = left_over(redis, handled(Action.ACKNOWLEDGE), handled(Action.RESOLVE), handled(Action.NOTE, words="a"))
    desk.dispatcher.follow(result(), handled(later, minutes=5))
    desk.send("pager")
    assert Deliveries(redis).retry("pager") == 1
    desk.send("pager")
    assert desk.sinks["pager"].showed == [later, "note"]


def test_a_note_overtakes_no_move(redis: Redis) -> None:
    """The control of the test above."""
    desk = left_over(redis, handled(Action.ACKNOWLEDGE))
    desk.dispatcher.follow(result(), handled(Action.NOTE, words="a"))
    desk.send("pager")
    assert Deliveries(redis).retry("pager") == 1
    desk.send("pager")
    assert desk.sinks["pager"].showed == ["note", "acknowledge"]


def test_what_was_left_is_said_on_retry_in_its_order_and_before_what_came_since(redis: Redis) -> None:
    desk = left_over(redis, handled(Action.ACKNOWLEDGE), handled(Action.NOTE, words="a"), handled(Action.RESOLVE))
    desk.dispatcher.follow(result(), handled(Action.REOPEN, minutes=5))
    assert Deliveries(redis).retry("pager") == 1
    desk.send("pager")
    assert desk.sinks["pager"].showed == ["acknowledge", "note", "resolve", "reopen"]


@pytest.mark.parametrize(("later", "counted"), [(Action.RESOLVE, 0), (Action.NOTE, 1)], ids=["a move", "the control"])
def test_what_a_later_move_overtook_is_not_counted_as_taken_by_no_sink(
    redis: Redis, later: Action, counted: int
) -> None:
    desk = left_over(redis, handled(Action.ACKNOWLEDGE))
    assert given_up(redis) == 1
    desk.dispatcher.follow(result(), handled(later, minutes=5))
    desk.send("pager")
    assert (desk.sinks["pager"].showed, given_up(redis)) == ([later], counted)
    assert Deliveries(redis).retry("pager") == counted
