"""The list of what waits: in which order, since when, found by an id's beginning; and what damage leaves possible."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from tests.escalation import builders
from tests.registry.test_handling import WEEK_MILLISECONDS, closed, escalation
from worker.contract import Refusal, Severity
from worker.contract.handling import Action, HandlingState
from worker.contract.queue import WAITING_INCIDENTS, handling_history_key, handling_key, incident_key
from worker.errors import ContractError
from worker.registry.handling import Acted, Handlings


@pytest.fixture
def handlings(redis: Redis) -> Handlings:
    return Handlings(redis)


@pytest.fixture
def waiting(handlings: Handlings) -> str:
    """The id of an incident that waits."""
    assert handlings.open(escalation())
    return escalation().incident.incident_id


def test_the_list_has_the_most_urgent_first_or_what_was_concluded_last(handlings: Handlings) -> None:
    urgencies = [Severity.INFO, Severity.CRITICAL, Severity.WARNING, Severity.CRITICAL]
    results = [
        escalation(number, severity=severity, finished_at=builders.NOW + timedelta(seconds=number))
        for number, severity in enumerate(urgencies)
    ]
    for result in reversed(results):  # the order in which they come to the list has no say
        handlings.open(result)
    names = [result.incident.incident_id for result in results]
    assert [line.incident_id for line in handlings.waiting(10)] == [names[1], names[3], names[2], names[0]]
    newest = [line.incident_id for line in handlings.waiting(3, newest_first=True)]
    assert newest == [names[3], names[2], names[1]]


def test_what_comes_late_to_the_list_waits_since_it_was_concluded_and_a_newer_result_makes_it_no_younger(
    handlings: Handlings,
) -> None:
    first = escalation()
    handlings.open(first)
    (line,) = handlings.waiting()
    assert line.waits_since == first.finished_at
    assert line.opened_at is not None
    assert line.opened_at > first.finished_at + timedelta(days=1), "the control: it was recorded much later"
    handlings.open(escalation(finished_at=first.finished_at + timedelta(hours=1)))
    (line,) = handlings.waiting()
    assert line.waits_since == first.finished_at


def test_what_is_opened_again_waits_since_its_newest_result(handlings: Handlings) -> None:
    first = escalation()
    newer = escalation(finished_at=first.finished_at + timedelta(hours=1))
    handlings.open(first)
    handlings.act(first.incident.incident_id, Action.RESOLVE, person="ann")
    handlings.open(newer)
    (line,) = handlings.waiting()
    assert line.waits_since == newer.finished_at


def test_a_worker_whose_clock_runs_ahead_changes_no_urgency(handlings: Handlings) -> None:
    ahead = escalation(1, severity=Severity.CRITICAL, finished_at=datetime(9000, 1, 1, tzinfo=UTC))
    handlings.open(ahead)
    handlings.open(escalation(2, severity=Severity.WARNING))
    assert handlings.waiting()[0].incident_id == ahead.incident.incident_id
    assert handlings.waiting()[0].waits_since < datetime.now(UTC) + timedelta(minutes=1)


def test_an_id_is_found_by_its_beginning_among_what_waits_and_what_was_handled(
    redis: Any, handlings: Handlings, waiting: str
) -> None:
    handlings.open(escalation(2))
    assert handlings.ids_that_begin_with(waiting[:12]) == {waiting}
    assert len(handlings.ids_that_begin_with("inc-")) == 2
    handlings.act(waiting, Action.RESOLVE, person="ann")
    assert redis.zscore(WAITING_INCIDENTS, waiting) is None
    assert handlings.ids_that_begin_with(waiting[:12]) == {waiting}
    assert handlings.ids_that_begin_with("inc-0000000000") == frozenset()


@pytest.mark.integration
def test_the_list_of_a_storm_of_510_needs_no_scan_and_no_lag(valkey: Any) -> None:
    handlings = Handlings(valkey)
    for number in range(510):  # more than are read at once
        handlings.open(escalation(number))
    valkey.config_resetstat()
    started = time.monotonic()
    assert len({line.incident_id for line in handlings.waiting()}) == 510
    seconds = time.monotonic() - started
    used = valkey.info("commandstats")
    assert not {"cmdstat_scan", "cmdstat_keys"} & set(used)
    assert seconds < 1.5, f"{seconds:.3f} s for 510 lines"


def test_a_line_that_can_not_be_read_hides_no_other(redis: Any, handlings: Handlings, waiting: str) -> None:
    redis.hset(handling_key(waiting), "concluded", "{")
    redis.zadd(WAITING_INCIDENTS, {"inc-gone": float("inf"), "inc-early": -5})
    handlings.open(escalation(2))
    lines = {line.incident_id: line for line in handlings.waiting(10)}
    assert lines[waiting].concluded is None
    assert lines["inc-gone"].state is None
    assert lines[escalation(2).incident.incident_id].concluded is not None


@pytest.mark.parametrize("field", ["concluded", "since", "opened_at"])
def test_a_damaged_entry_can_be_claimed_and_closed(redis: Any, handlings: Handlings, waiting: str, field: str) -> None:
    redis.hset(handling_key(waiting), field, "{\x1b")
    for action in (Action.CLAIM, Action.NOTE, Action.RESOLVE):
        assert isinstance(handlings.act(waiting, action, person="ann", words="so"), Acted)
    assert handlings.count() == 0


def test_an_entry_that_lost_its_conclusion_can_be_closed(redis: Any, handlings: Handlings, waiting: str) -> None:
    redis.hdel(handling_key(waiting), "concluded")
    assert isinstance(handlings.act(waiting, Action.RESOLVE, person="ann"), Acted)
    assert handlings.count() == 0


def test_a_damaged_time_and_state_are_no_reason_to_fail(redis: Any, handlings: Handlings, waiting: str) -> None:
    handlings.act(waiting, Action.CLAIM, person="ann")
    redis.hset(handling_key(waiting), mapping={"since": "soon", "state": "lost"})
    refused = handlings.act(waiting, Action.CLAIM, person="bob")
    assert isinstance(refused, Refusal)
    assert "in the hands of ann since a time that can't be read" in refused.detail
    with pytest.raises(ContractError, match=r"It is written down, but .* claim or release it"):
        handlings.act(waiting, Action.NOTE, person="bob", words="so")
    assert redis.llen(handling_history_key(waiting)) == 2
    claimed = handlings.act(waiting, Action.CLAIM, person="ann")
    assert isinstance(claimed, Acted)
    assert claimed.state is HandlingState.CLAIMED, "claiming it mends its state"


def test_what_can_not_be_read_can_not_be_judged(redis: Any, handlings: Handlings, waiting: str) -> None:
    redis.hset(handling_key(waiting), "concluded", "{")
    with pytest.raises(ContractError, match="nobody can judge it; all else can be done"):
        handlings.act(waiting, Action.RIGHT, person="ann")


def test_what_waits_does_not_expire_and_what_is_resolved_does(redis: Any, handlings: Handlings) -> None:
    incident_id = closed(redis, escalation())
    keys = [handling_key(incident_id), incident_key(incident_id)]
    assert redis.pttl(incident_key(incident_id)) > 0, "the control: without its handling it would be forgotten"
    handlings.open(escalation())
    handlings.act(incident_id, Action.NOTE, person="ann", words="looking")
    keys.append(handling_history_key(incident_id))
    assert [redis.pttl(key) for key in keys] == [-1, -1, -1]
    handlings.act(incident_id, Action.RESOLVE, person="ann", words="rolled back")
    assert all(0 < redis.pttl(key) <= WEEK_MILLISECONDS for key in keys)
    assert handlings.count() == 0
    handlings.act(incident_id, Action.REOPEN, person="bob", words="it is back")
    assert [redis.pttl(key) for key in keys] == [-1, -1, -1]
    assert handlings.count() == 1


def test_the_history_is_bounded(redis: Any, handlings: Handlings, waiting: str) -> None:
    for number in range(205):
        handlings.act(waiting, Action.NOTE, person="ann", words=f"note {number}")
    found = handlings.find(waiting)
    assert found is not None
    assert (len(found.history), found.history[-1].words) == (200, "note 204")
