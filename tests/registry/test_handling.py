"""How incidents stand with engineers: one has it, nothing that waits gets lost, and what they say is written down."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tests.escalation import builders
from tests.fakes import START
from worker.contract import Disposition, Refusal, Severity, TriageResult
from worker.contract.handling import Action, HandlingState
from worker.contract.queue import (
    AUDIT_STREAM,
    FEEDBACK,
    HANDLED_STREAM,
    OPEN_INCIDENTS,
    handling_history_key,
    handling_key,
    incident_key,
    journal_key,
)
from worker.registry.audit import AuditLog
from worker.registry.audit_chain import judged
from worker.registry.handling import WORDS_CHARACTERS, Acted, Handlings
from worker.registry.handling_view import handled_of

WEEK_MILLISECONDS = 7 * 24 * 3600 * 1000


def escalation(number: int = 1, **changes: Any) -> TriageResult:
    severity = changes.pop("severity", Severity.CRITICAL)
    told: dict[str, Any] = {"incident": builders.incident(number, severity=severity)}
    return builders.result(**(told | changes))


def closed(redis: Any, result: TriageResult) -> str:
    """Write the registry's entry of a result as finishing leaves it, with the retention running."""
    incident_id = result.incident.incident_id
    entry = {"incident": result.incident.model_dump_json(), "state": "CLOSED", "accepted_at": 1}
    redis.hset(incident_key(incident_id), mapping={**entry, "result": result.model_dump_json()})
    redis.rpush(journal_key(incident_id), "step")
    redis.ltrim(journal_key(incident_id), 1, 0)
    redis.pexpire(incident_key(incident_id), WEEK_MILLISECONDS)
    return incident_id


@pytest.fixture
def handlings(redis: Redis) -> Handlings:
    return Handlings(redis)


@pytest.fixture
def waiting(redis: Redis, handlings: Handlings) -> str:
    """The id of an incident that waits."""
    result = escalation()
    incident_id = closed(redis, result)
    assert handlings.open(result)
    return incident_id


def state_of(handlings: Handlings, incident_id: str) -> tuple[HandlingState, str | None]:
    found = handlings.find(incident_id)
    assert found is not None
    return found.state, found.person


def test_a_result_that_needs_somebody_waits_once_however_often_it_is_delivered(handlings: Handlings) -> None:
    assert [handlings.open(escalation()) for _ in range(3)] == [True, False, False]
    (line,) = handlings.waiting(10)
    assert (line.state, line.person) == (HandlingState.OPEN, None)
    assert line.concluded is not None
    assert line.concluded.server_id == builders.SERVER


def test_a_result_that_needs_nobody_does_not_wait(handlings: Handlings) -> None:
    assert not handlings.open(escalation(disposition=Disposition.NO_ACTION))
    assert handlings.count() == 0


@pytest.mark.parametrize(
    ("actions", "state", "person"),
    [
        ([Action.CLAIM], HandlingState.CLAIMED, "ann"),
        ([Action.ACKNOWLEDGE], HandlingState.ACKNOWLEDGED, "ann"),
        ([Action.CLAIM, Action.ACKNOWLEDGE], HandlingState.ACKNOWLEDGED, "ann"),
        ([Action.CLAIM, Action.RELEASE], HandlingState.OPEN, None),
        ([Action.ACKNOWLEDGE, Action.RELEASE], HandlingState.OPEN, None),
        ([Action.RESOLVE], HandlingState.RESOLVED, "ann"),
        ([Action.CLAIM, Action.RESOLVE, Action.REOPEN], HandlingState.OPEN, None),
        ([Action.NOTE, Action.RIGHT, Action.WRONG], HandlingState.OPEN, None),
        ([Action.CLAIM, Action.NOTE], HandlingState.CLAIMED, "ann"),
    ],
)
def test_the_moves(
    handlings: Handlings, waiting: str, actions: list[Action], state: HandlingState, person: str | None
) -> None:
    for action in actions:
        acted = handlings.act(waiting, action, person="ann", words="so")
        assert isinstance(acted, Acted)
        assert acted.is_news
    assert state_of(handlings, waiting) == (state, person)
    found = handlings.find(waiting)
    assert found is not None
    assert [(handled.person, handled.action) for handled in found.history] == [("ann", action) for action in actions]


@pytest.mark.parametrize("action", [Action.CLAIM, Action.ACKNOWLEDGE, Action.RESOLVE])
def test_what_somebody_else_has_is_refused_and_it_is_told_who_has_it(
    handlings: Handlings, waiting: str, action: Action
) -> None:
    handlings.act(waiting, Action.CLAIM, person="ann")
    refused = handlings.act(waiting, action, person="bob")
    assert isinstance(refused, Refusal)
    assert refused.reason == "held"
    assert "in the hands of ann since 20" in refused.detail
    assert state_of(handlings, waiting) == (HandlingState.CLAIMED, "ann")
    assert isinstance(handlings.act(waiting, Action.RELEASE, person="bob"), Acted), "ann may have gone home"
    assert isinstance(handlings.act(waiting, action, person="bob"), Acted)


@pytest.mark.parametrize(
    ("before", "action", "reason"),
    [
        ([], Action.RELEASE, "not_held"),
        ([], Action.REOPEN, "not_resolved"),
        ([Action.RESOLVE], Action.CLAIM, "resolved"),
        ([Action.RESOLVE], Action.ACKNOWLEDGE, "resolved"),
        ([Action.RESOLVE], Action.RESOLVE, "resolved"),
        ([Action.RESOLVE], Action.RELEASE, "resolved"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused_with_its_reason_and_changes_nothing(
    redis: Any, handlings: Handlings, waiting: str, before: list[Action], action: Action, reason: str
) -> None:
    for each in before:
        handlings.act(waiting, each, person="ann")
    kept = redis.hgetall(handling_key(waiting)), redis.xlen(AUDIT_STREAM)
    refused = handlings.act(waiting, action, person="ann")
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert (redis.hgetall(handling_key(waiting)), redis.xlen(AUDIT_STREAM)) == kept


def test_claiming_what_one_has_already_changes_nothing_and_is_no_refusal(
    redis: Any, handlings: Handlings, waiting: str
) -> None:
    for is_news in (True, False):
        acted = handlings.act(waiting, Action.CLAIM, person="ann")
        assert isinstance(acted, Acted)
        assert (acted.person, acted.is_news) == ("ann", is_news)
    assert redis.xlen(AUDIT_STREAM) == 1


def test_an_action_sent_again_after_a_lost_answer_is_done_once(redis: Any, handlings: Handlings, waiting: str) -> None:
    for _ in range(3):
        acted = handlings.act(waiting, Action.NOTE, person="ann", words="rolled back", action_id="handling:1")
        assert isinstance(acted, Acted)
    assert redis.llen(handling_history_key(waiting)) == 1
    assert redis.xlen(AUDIT_STREAM) == redis.xlen(HANDLED_STREAM) == 1


def test_without_its_id_the_same_note_is_another_one(redis: Any, handlings: Handlings, waiting: str) -> None:
    """The control of the test above."""
    for _ in range(3):
        handlings.act(waiting, Action.NOTE, person="ann", words="rolled back")
    assert redis.llen(handling_history_key(waiting)) == redis.xlen(AUDIT_STREAM) == 3


@pytest.mark.integration
def test_of_many_that_claim_at_once_one_wins_and_the_others_hear_who(valkey: Any) -> None:
    Handlings(valkey).open(escalation())
    incident_id = escalation().incident.incident_id
    answers, start = list[Acted | Refusal](), threading.Barrier(12)

    def claim(number: int) -> None:
        handlings = Handlings(valkey)
        start.wait()
        answers.append(handlings.act(incident_id, Action.CLAIM, person=f"engineer-{number}"))

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [answer for answer in answers if isinstance(answer, Acted)]
    assert len(won) == 1
    lost = [answer.detail for answer in answers if isinstance(answer, Refusal)]
    assert len(lost) == 11
    assert all(f"in the hands of {won[0].person} since" in detail for detail in lost)
    actions = Counter(fields["action"] for _, fields in valkey.xrange(AUDIT_STREAM))
    assert actions == {"handling": 1, "refusal": 11}


def test_an_incident_that_is_not_known_or_needs_nobody_is_refused(redis: Any, handlings: Handlings) -> None:
    unknown = handlings.act("inc-" + "0" * 20, Action.CLAIM, person="ann")
    assert isinstance(unknown, Refusal)
    assert unknown.reason == "unknown"
    well = escalation(2, disposition=Disposition.NO_ACTION)
    closed(redis, well)
    refused = handlings.act(well.incident.incident_id, Action.CLAIM, person="ann")
    assert isinstance(refused, Refusal)
    assert "ended as no_action: it waits for nobody" in refused.detail
    in_triage = builders.incident(3)
    entry = {"incident": in_triage.model_dump_json(), "state": "CLAIMED", "accepted_at": 1}
    redis.hset(incident_key(in_triage.incident_id), mapping=entry)
    redis.zadd(OPEN_INCIDENTS, {in_triage.incident_id: 1})
    refused = handlings.act(in_triage.incident_id, Action.RESOLVE, person="ann")
    assert isinstance(refused, Refusal)
    assert refused.reason == "in_triage"
    assert redis.xlen(AUDIT_STREAM) == 0


def test_a_result_that_nobody_has_recorded_yet_can_be_claimed(redis: Any, handlings: Handlings) -> None:
    incident_id = closed(redis, escalation())
    assert isinstance(handlings.act(incident_id, Action.CLAIM, person="ann"), Acted)
    assert state_of(handlings, incident_id) == (HandlingState.CLAIMED, "ann")


def test_words_are_masked_visible_and_bounded_wherever_they_go(redis: Any, handlings: Handlings, waiting: str) -> None:
    said = "password=hunter2 \x1b]0;x\x07 " + "y" * 9_999
    for action in (Action.NOTE, Action.WRONG):
        handlings.act(waiting, action, person="ann", words=said)
    everywhere = [str(redis.xrange(AUDIT_STREAM)), str(redis.xrange(HANDLED_STREAM)), str(redis.hgetall(FEEDBACK))]
    everywhere += redis.lrange(handling_history_key(waiting), 0, -1)
    assert all("hunter2" not in text and "\x1b" not in text for text in everywhere)
    found = handlings.find(waiting)
    assert found is not None
    assert len(found.history[0].words) == WORDS_CHARACTERS


def test_what_engineers_do_is_there_for_sinks_that_follow(redis: Any, handlings: Handlings, waiting: str) -> None:
    handlings.act(waiting, Action.ACKNOWLEDGE, person="ann", words="on it")
    ((_, fields),) = redis.xrange(HANDLED_STREAM)
    handled = handled_of(fields["at"], fields["handled"])
    assert (fields["incident_id"], handled.person, handled.action) == (waiting, "ann", Action.ACKNOWLEDGE)
    assert handled.at > START


def test_each_action_is_in_the_audit_and_who_wanted_what_another_has(
    redis: Any, handlings: Handlings, waiting: str
) -> None:
    handlings.act(waiting, Action.CLAIM, person="ann")
    handlings.act(waiting, Action.CLAIM, person="bob")
    handlings.act(waiting, Action.RESOLVE, person="ann", words="rolled back")
    entries = [fields for _, fields in redis.xrange(AUDIT_STREAM)]
    assert [(fields["person"], fields["details"]) for fields in entries] == [
        ("ann", '{"action": "claim"}'),
        ("bob", '{"asked": "claim", "reason": "held"}'),
        ("ann", '{"action": "resolve"}'),
    ]
    assert [fields["action"] for fields in entries] == ["handling", "refusal", "handling"]
    assert "in the hands of ann since" in entries[1]["why"]
    assert Counter(fields["incident_id"] for fields in entries) == {waiting: 3}
    log = AuditLog(redis)
    assert judged(log.entries(), noted=log.noted()).flaw is None


def test_while_the_audit_can_not_be_written_nothing_is_done(redis: Any, handlings: Handlings, waiting: str) -> None:
    redis.set(AUDIT_STREAM, "another's")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        handlings.act(waiting, Action.CLAIM, person="ann")
    assert state_of(handlings, waiting) == (HandlingState.OPEN, None)
    redis.delete(AUDIT_STREAM)
    assert isinstance(handlings.act(waiting, Action.CLAIM, person="ann"), Acted), "the control"


def test_a_newer_result_takes_the_place_of_what_was_concluded_and_opens_a_resolved_incident_again(
    handlings: Handlings,
) -> None:
    old = escalation(summary="old [E1].")
    new = escalation(summary="new [E1].", finished_at=old.finished_at + timedelta(minutes=5))
    incident_id = old.incident.incident_id
    handlings.open(old)
    handlings.act(incident_id, Action.RESOLVE, person="ann")
    assert handlings.open(old) is False, "the control: the same result again opens nothing"
    assert handlings.count() == 0
    assert handlings.open(new) is True
    handling, concluded = handlings.find(incident_id), handlings.concluded(incident_id)
    assert handling is not None
    assert concluded is not None
    assert (handling.state, handling.person, concluded.summary) == (HandlingState.OPEN, None, "new [E1].")
    assert [(each.person, each.words) for each in handling.history][-1] == ("the desk", "new result")
    assert handlings.open(old) is False
    assert handlings.count() == 1


def test_words_of_engineers_are_masked_under_all_rules_before_they_are_written(
    handlings: Handlings, redis: Any
) -> None:
    handlings.open(escalation())
    handlings.act(escalation().incident.incident_id, Action.NOTE, person="ann", words="joe@example.com, 10.1.2.3")
    stored = str(redis.xrange(AUDIT_STREAM)) + str(redis.xrange(HANDLED_STREAM))
    assert "joe@example.com" not in stored
    assert "10.1.2.3" not in stored
