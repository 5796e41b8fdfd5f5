"""No page for what engineers have settled: a proposal that was decided, an incident resolved while quiet hours held."""

from collections.abc import Callable
from datetime import UTC, time

import pytest
from redis import Redis

from tests.escalation.builders import incident, result
from tests.escalation.desks import Desk, Failing, FakeSink
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from tests.registry.entries import finished
from worker.cli.status import read_desk
from worker.cli.status_page import page_of
from worker.contract import Disposition, Severity, TriageResult
from worker.contract.handling import Action
from worker.contract.proposal import Decision, Proposal
from worker.contract.queue import handling_key, incident_key
from worker.errors import NotDelivered
from worker.escalation.routes import Hours, Routes
from worker.escalation.sink_health import settled
from worker.escalation.telling import Outcome
from worker.registry.approvals import Approvals
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]

NIGHT = Hours(begins=time(2), ends=time(7), zone=UTC)
KEPT_AT_NIGHT = Routes(default=("pager",), quiet={"pager": (NIGHT,)})
SECONDS_TO_MORNING = 4 * 3600 + 60
WARNING = result(incident=incident(severity=Severity.WARNING))


def decide(redis: Redis, proposal: TriageResult, decision: Decision) -> None:
    incident_id = proposal.incident.incident_id
    decided = Approvals(redis).decide(incident_id, decision, person="ada", why="seen it", within_seconds=1800)
    assert isinstance(decided, Proposal)


def morning_comes(desk: Desk) -> None:
    desk.clock.sleep(SECONDS_TO_MORNING)
    let_time_pass(desk.redis, SECONDS_TO_MORNING)


@pytest.mark.parametrize("decision", list(Decision))
def test_a_proposal_that_was_decided_while_its_page_waited_pages_nobody(redis: Redis, decision: Decision) -> None:
    desk = Desk(redis, {"pager": FakeSink()})
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    desk.deliver(proposal)
    decide(redis, proposal, decision)
    desk.send("pager")
    let_time_pass(redis, 1_000)
    assert desk.send("pager") == 0
    assert desk.sinks["pager"].took == []
    assert [(told.outcome, told.detail) for told in desk.told] == [
        (Outcome.SETTLED, f"The proposal was {decision} by ada before.")
    ]


def test_a_proposal_that_was_decided_between_two_tries_is_not_tried_again(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink(before=Failing(NotDelivered("Away."), times=1))})
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    desk.deliver(proposal)
    desk.send("pager")
    decide(redis, proposal, Decision.REJECTED)
    let_time_pass(redis, 3)
    desk.send("pager")
    assert desk.outcomes() == [("pager", Outcome.POSTPONED), ("pager", Outcome.SETTLED)]


def test_a_proposal_that_nobody_has_decided_pages(redis: Redis) -> None:
    """The control of the tests above."""
    desk = Desk(redis, {"pager": FakeSink()})
    desk.deliver(finished(redis, Disposition.AWAITING_APPROVAL))
    desk.send("pager")
    assert len(desk.sinks["pager"].took) == 1


def test_a_proposal_that_can_not_be_read_pages(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink()})
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    decide(redis, proposal, Decision.APPROVED)
    redis.hset(incident_key(proposal.incident.incident_id), "decision", "odd")
    desk.deliver(proposal)
    desk.send("pager")
    assert len(desk.sinks["pager"].took) == 1


@pytest.mark.parametrize("key_of", [handling_key, incident_key])
def test_a_page_is_sent_whatever_stands_where_its_handling_or_its_proposal_belongs(
    redis: Redis, key_of: Callable[[str], str]
) -> None:
    desk, proposal = Desk(redis, {"pager": FakeSink()}), finished(redis, Disposition.AWAITING_APPROVAL)
    damaged = key_of(proposal.incident.incident_id)
    redis.delete(damaged)
    redis.set(damaged, "another's")
    desk.deliver(proposal)
    desk.send("pager")
    assert len(desk.sinks["pager"].took) == 1


@pytest.mark.parametrize("is_resolved", [True, False], ids=["resolved at night", "the control"])
def test_what_was_resolved_while_quiet_hours_held_its_page_is_not_sent_in_the_morning(
    redis: Redis, *, is_resolved: bool
) -> None:
    desk = Desk(redis, {"pager": FakeSink()}, routes=KEPT_AT_NIGHT)
    desk.deliver(WARNING)
    desk.send("pager")
    assert desk.sinks["pager"].took == []
    Handlings(redis).open(WARNING)
    if is_resolved:
        Handlings(redis).act(WARNING.incident.incident_id, Action.RESOLVE, person="ann")
    morning_comes(desk)
    desk.send("pager")
    assert len(desk.sinks["pager"].took) == (0 if is_resolved else 1)
    assert settled(redis) == (1 if is_resolved else 0)
    morning_comes(desk)
    desk.deliver(WARNING)
    assert desk.send("pager") == 0


def test_what_was_resolved_and_opened_again_at_night_is_sent_in_the_morning(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink()}, routes=KEPT_AT_NIGHT)
    desk.deliver(WARNING)
    desk.send("pager")
    Handlings(redis).open(WARNING)
    for action in (Action.RESOLVE, Action.REOPEN):
        Handlings(redis).act(WARNING.incident.incident_id, action, person="ann")
    morning_comes(desk)
    desk.send("pager")
    assert len(desk.sinks["pager"].took) == 1


def test_status_counts_the_pages_that_were_settled_and_says_nothing_where_none_was(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink()})
    desk.deliver(result(1))
    desk.send("pager")
    assert "settled" not in status(redis)
    for number, told in ((2, "1 page"), (3, "2 pages")):
        Handlings(redis).open(result(number))
        Handlings(redis).act(result(number).incident.incident_id, Action.RESOLVE, person="ann")
        desk.deliver(result(number))
        desk.send("pager")
        assert f"sinks      1 in use, none fails, {told} settled unsent\n" in status(redis)
    assert read_desk(redis).found["settled"] == 2


def status(redis: Redis) -> str:
    read = read_desk(redis)
    return page_of(read.found, read.unreadable)
