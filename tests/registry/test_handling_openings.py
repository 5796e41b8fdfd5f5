"""What a result opens again: told like any other action, by Redis' order and no worker's clock, and nothing half."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tests.escalation.builders import result
from worker.contract import Disposition, TriageResult
from worker.contract.handling import DESK, Action, HandlingState
from worker.contract.queue import (
    AUDIT_STREAM,
    HANDLED_STREAM,
    WAITING_INCIDENTS,
    alerts_key,
    handling_history_key,
    handling_key,
    incident_key,
    journal_key,
    placeholders_key,
)
from worker.registry.audit import AuditLog
from worker.registry.audit_chain import judged
from worker.registry.handling import Acted, Handlings
from worker.registry.handling_view import handled_of

FIRST = result(summary="first [E1].")
INCIDENT_ID = FIRST.incident.incident_id
RETENTION_SECONDS = 3600


def after(seconds: float, **changes: Any) -> TriageResult:
    """Return another result, which ended so long after the first by its worker's clock."""
    return result(finished_at=FIRST.finished_at + timedelta(seconds=seconds), summary=f"{seconds} later.", **changes)


@pytest.fixture
def handlings(redis: Redis) -> Handlings:
    """How incidents stand, where an engineer resolved the only one."""
    handlings = Handlings(redis, retention_seconds=RETENTION_SECONDS)
    assert handlings.open(FIRST)
    handlings.act(INCIDENT_ID, Action.RESOLVE, person="ann")
    return handlings


def state_of(handlings: Handlings) -> HandlingState:
    found = handlings.find(INCIDENT_ID)
    assert found is not None
    return found.state


def summary_of(handlings: Handlings) -> str:
    concluded = handlings.concluded(INCIDENT_ID)
    assert concluded is not None
    return concluded.summary


def test_what_the_desk_opens_again_is_in_the_audit_and_on_the_stream_of_what_was_done_once(
    redis: Any, handlings: Handlings
) -> None:
    assert [handlings.open(after(300)) for _ in range(3)] == [True, False, False]
    found = handlings.find(INCIDENT_ID)
    assert found is not None
    told = [handled_of(fields["at"], fields["handled"]) for _, fields in redis.xrange(HANDLED_STREAM)]
    assert tuple(told) == found.history
    assert [(each.person, each.action) for each in told] == [("ann", Action.RESOLVE), (DESK, Action.REOPEN)]
    entries = [fields for _, fields in redis.xrange(AUDIT_STREAM)]
    assert [(each["person"], each["details"]) for each in entries] == [
        ("ann", '{"action": "resolve"}'),
        (DESK, '{"action": "reopen"}'),
    ]
    log = AuditLog(redis)
    assert judged(log.entries(), noted=log.noted()).flaw is None


def test_no_account_can_have_the_name_of_the_desk() -> None:
    assert " " in DESK


def test_while_the_audit_can_not_be_written_nothing_is_opened_again_but_all_that_is_new(
    redis: Any, handlings: Handlings
) -> None:
    kept = redis.hgetall(handling_key(INCIDENT_ID))
    redis.delete(AUDIT_STREAM)
    redis.set(AUDIT_STREAM, "another's")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        handlings.open(after(300))
    assert (redis.hgetall(handling_key(INCIDENT_ID)), redis.xlen(HANDLED_STREAM)) == (kept, 1)
    assert handlings.open(result(2)), "a page must not wait for the audit"
    redis.delete(AUDIT_STREAM)
    assert handlings.open(after(300)), "the control"


def test_several_are_opened_again_at_once_beside_what_is_new(redis: Any) -> None:
    handlings = Handlings(redis)
    old = [result(number) for number in range(5)]
    assert handlings.open_all(old) == 5
    for each in old:
        handlings.act(each.incident.incident_id, Action.RESOLVE, person="ann")
    newer = [result(number, finished_at=FIRST.finished_at + timedelta(minutes=1)) for number in range(7)]
    assert handlings.open_all(newer) == 7
    assert handlings.count() == 7
    assert redis.xlen(AUDIT_STREAM) == 10


@pytest.mark.integration
def test_of_many_that_record_one_result_at_once_one_opens_its_incident_again(valkey: Any) -> None:
    Handlings(valkey).open(FIRST)
    Handlings(valkey).act(INCIDENT_ID, Action.RESOLVE, person="ann")
    start = Barrier(8)

    def record(_: int) -> bool:
        handlings = Handlings(valkey)
        start.wait()
        return handlings.open(after(-1))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(record, range(8))) == 1
    assert (
        valkey.xlen(AUDIT_STREAM) == valkey.xlen(HANDLED_STREAM) == valkey.llen(handling_history_key(INCIDENT_ID)) == 2
    )


@pytest.mark.parametrize("seconds", [-3600, -1, 1], ids=["far behind", "a second behind", "ahead"])
def test_a_later_result_opens_again_whatever_the_clock_of_its_worker(handlings: Handlings, seconds: int) -> None:
    assert handlings.open(after(seconds))
    assert (state_of(handlings), summary_of(handlings)) == (HandlingState.OPEN, f"{seconds} later.")


def test_of_several_results_none_that_comes_again_changes_anything(handlings: Handlings) -> None:
    results = [FIRST, after(-1), after(60)]
    for each in results:
        handlings.open(each)
    handlings.act(INCIDENT_ID, Action.RESOLVE, person="ann")
    assert handlings.open_all(results * 2) == 0
    assert (state_of(handlings), summary_of(handlings)) == (HandlingState.RESOLVED, "60 later.")


def test_what_needed_nobody_before_its_incident_waited_takes_no_place_when_it_comes_again(redis: Redis) -> None:
    handlings, well = Handlings(redis), after(-60, disposition=Disposition.NO_ACTION)
    handlings.open_all([well, FIRST, well])
    assert summary_of(handlings) == FIRST.summary
    handlings.open(after(60, disposition=Disposition.NO_ACTION))
    assert summary_of(handlings) == "60 later.", "the control"


def test_the_opening_is_told_of_the_result_that_opened_last_and_of_no_other(handlings: Handlings) -> None:
    first = handlings.opened_by(FIRST)
    assert first is not None
    handlings.open(after(-1))
    again, found = handlings.opened_by(after(-1)), handlings.find(INCIDENT_ID)
    assert found is not None
    assert again == found.history[-1]
    assert (handlings.opened_by(FIRST), handlings.opened_by(after(60))) == (None, None)


def test_the_result_of_a_dead_letter_is_kept_until_another_takes_its_place(redis: Redis) -> None:
    handlings, letter = Handlings(redis), after(1, disposition=Disposition.DEAD_LETTERED)
    handlings.open(letter)
    assert handlings.letter(INCIDENT_ID) == letter
    handlings.open(after(2))
    assert handlings.letter(INCIDENT_ID) is None


def keys_of(incident_id: str) -> tuple[str, ...]:
    registry = (incident_key(incident_id), journal_key(incident_id), placeholders_key(incident_id))
    return (*registry, alerts_key(incident_id), handling_key(incident_id), handling_history_key(incident_id))


@pytest.mark.parametrize("is_by_the_desk", [True, False])
def test_all_that_is_kept_of_an_incident_stays_while_it_waits_and_ends_after_it_was_resolved(
    redis: Any, *, is_by_the_desk: bool
) -> None:
    handlings = Handlings(redis, retention_seconds=RETENTION_SECONDS)
    redis.hset(incident_key(INCIDENT_ID), "state", "CLOSED")
    redis.set(placeholders_key(INCIDENT_ID), "sealed")
    for list_key in (journal_key(INCIDENT_ID), alerts_key(INCIDENT_ID)):
        redis.rpush(list_key, "one")
    for key in keys_of(INCIDENT_ID)[:4]:
        redis.expire(key, 60)
    handlings.open(FIRST)
    handlings.act(INCIDENT_ID, Action.NOTE, person="ann", words="seen")
    assert {redis.ttl(key) for key in keys_of(INCIDENT_ID)} == {-1}
    handlings.act(INCIDENT_ID, Action.RESOLVE, person="ann")
    assert all(RETENTION_SECONDS - 60 <= redis.ttl(key) <= RETENTION_SECONDS for key in keys_of(INCIDENT_ID))
    if is_by_the_desk:
        handlings.open(after(1))
    else:
        handlings.act(INCIDENT_ID, Action.REOPEN, person="ann")
    assert {redis.ttl(key) for key in keys_of(INCIDENT_ID)} == {-1}


@pytest.mark.parametrize("score", [None, "odd", "nan", "inf", "-1", "1e99", " 5 "])
def test_what_is_opened_again_waits_though_its_score_is_lost(
    redis: Any, handlings: Handlings, score: str | None
) -> None:
    if score is None:
        redis.hdel(handling_key(INCIDENT_ID), "score")
    else:
        redis.hset(handling_key(INCIDENT_ID), "score", score)
    assert isinstance(handlings.act(INCIDENT_ID, Action.REOPEN, person="ann"), Acted)
    (line,) = handlings.waiting()
    assert (line.incident_id, line.state) == (INCIDENT_ID, HandlingState.OPEN)
    assert 0 <= redis.zscore(WAITING_INCIDENTS, INCIDENT_ID) < 1e13


def test_control_a_score_that_is_there_is_kept(redis: Any, handlings: Handlings) -> None:
    score = float(redis.hget(handling_key(INCIDENT_ID), "score"))
    handlings.act(INCIDENT_ID, Action.REOPEN, person="ann")
    assert redis.zscore(WAITING_INCIDENTS, INCIDENT_ID) == score


@pytest.mark.parametrize("key", [handling_key, handling_history_key])
def test_one_damaged_handling_is_left_out_and_keeps_no_other_from_waiting(
    redis: Any, handlings: Handlings, key: Callable[[str], str]
) -> None:
    redis.delete(key(INCIDENT_ID))
    redis.set(key(INCIDENT_ID), "x")
    assert handlings.open_all([after(1), result(7)]) == 1
    assert redis.zrange(WAITING_INCIDENTS, 0, -1) == [result(7).incident.incident_id]


def test_a_damaged_list_of_what_waits_is_no_one_incidents_damage(redis: Any, handlings: Handlings) -> None:
    redis.delete(WAITING_INCIDENTS)
    redis.set(WAITING_INCIDENTS, "x")
    with pytest.raises(ResponseError):
        handlings.open_all([result(7)])


@pytest.mark.parametrize(("seconds", "opens"), [(-1, False), (0, False), (1, True)])
def test_an_entry_of_an_older_version_is_opened_again_by_nothing_older(
    redis: Any, handlings: Handlings, seconds: int, *, opens: bool
) -> None:
    fields = [name for name in redis.hkeys(handling_key(INCIDENT_ID)) if name.startswith(("result:", "opened_with"))]
    redis.hdel(handling_key(INCIDENT_ID), *fields)
    assert handlings.open(after(seconds)) is opens
