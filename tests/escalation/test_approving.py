"""An engineer's word on a proposed restart: one word counts, in time, of whoever has the right to it, once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from redis.exceptions import ResponseError

from producers.intake import IntakeUnavailable
from tests.approved_desk import SERVER, Desk, desk_fixture, reason_of
from tests.fakes import ScriptedModel, says
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract.approval import Approval
from worker.contract.handling import Action
from worker.contract.proposal import Decision, follow_up_id
from worker.contract.queue import AUDIT_STREAM, OPEN_INCIDENTS
from worker.contract.result import Disposition, Ending, Refusal
from worker.escalation.approving import Said
from worker.registry.approvals import Approvals
from worker.registry.handling import Handlings
from worker.registry.recording import ResultsRecorder

__all__ = ["desk_fixture", "redis_fixture", "valkey_fixture"]


def test_an_approved_restart_is_done_once_and_who_approved_it_stands_in_journal_and_result(desk: Desk) -> None:
    incident_id = desk.propose()
    assert desk.restarts == 0
    said = desk.approve(incident_id, why="the threads hang, I looked")
    assert isinstance(said, Said)
    assert (said.is_news, said.follow_up_id) == (True, follow_up_id(incident_id))
    result = desk.carry_out(incident_id)
    assert (result.disposition, result.ending) == (Disposition.RECOVERED, Ending.CONCLUDED)
    assert desk.restarts == 1
    assert result.incident.approval == Approval(incident_id=incident_id, person="ada", why="the threads hang, I looked")
    attempt = desk.worker.guard.attempt_of(follow_up_id(incident_id))
    assert attempt is not None
    assert attempt.evidence.startswith(f"approved by ada for {incident_id}: the threads hang, I looked, E1 get_")


def test_a_proposal_says_until_when_it_can_be_approved(desk: Desk) -> None:
    entry = desk.worker.registry.find(desk.propose())
    assert entry is not None
    assert entry.result is not None
    assert entry.result.approve_until is not None
    assert (entry.result.approve_until - entry.result.finished_at).total_seconds() == 1800


def test_no_language_model_is_asked_about_an_approved_restart(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.approve(incident_id)
    model = ScriptedModel([says("no_action")])
    desk.carry_out(incident_id, replace(desk.worker, model=model))
    assert model.asked == []
    assert desk.restarts == 1


def test_of_thirty_two_approvals_at_once_one_is_the_news_and_one_restart_is_done(desk: Desk) -> None:
    incident_id, approving, barrier = desk.propose(), desk.approving, Barrier(32)

    def say(number: int) -> Said | Refusal:
        barrier.wait()
        return approving.approve(incident_id, person="ada" if number % 2 else "grace", why=f"{number}")

    with ThreadPoolExecutor(32) as pool:
        answers = [answer for answer in pool.map(say, range(32)) if isinstance(answer, Said)]
    assert [answer.is_news for answer in answers].count(True) == 1
    assert len({answer.proposal.decided.why for answer in answers if answer.proposal.decided}) == 1
    assert desk.redis.zrange(OPEN_INCIDENTS, 0, -1) == [follow_up_id(incident_id)]
    desk.carry_out(incident_id)
    assert desk.restarts == 1


def test_a_second_approval_says_whose_the_first_was_and_gives_no_second_restart(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.approve(incident_id)
    desk.carry_out(incident_id)
    desk.now_is(SERVER)
    again = desk.approve(incident_id, person="grace")
    assert isinstance(again, Said)
    assert not again.is_news
    assert again.proposal.decided is not None
    assert again.proposal.decided.person == "ada"
    assert desk.redis.zcard(OPEN_INCIDENTS) == 0
    assert desk.restarts == 1


def test_what_is_rejected_can_not_be_approved_and_the_other_way_round(desk: Desk) -> None:
    first = desk.propose()
    assert isinstance(desk.approving.reject(first, person="grace", why="no"), Said)
    assert reason_of(desk.approve(first)) == "decided"
    assert desk.worker.registry.find(follow_up_id(first)) is None


def test_what_is_approved_can_not_be_rejected(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.approve(incident_id)
    assert reason_of(desk.approving.reject(incident_id, person="grace", why="no")) == "decided"


def test_a_late_word_is_none(desk: Desk) -> None:
    incident_id = desk.propose()
    let_time_pass(desk.redis, 1801)
    assert reason_of(desk.approve(incident_id)) == "late"
    assert desk.worker.registry.find(follow_up_id(incident_id)) is None


@pytest.mark.parametrize("decision", Decision)
def test_of_a_resolved_incident_nothing_is_decided_until_it_is_reopened(desk: Desk, decision: Decision) -> None:
    incident_id, handlings = desk.propose(), Handlings(desk.redis)
    say = desk.approving.approve if decision is Decision.APPROVED else desk.approving.reject
    handlings.act(incident_id, Action.RESOLVE, person="grace", words="a false alarm, do not restart it")
    answer = say(incident_id, person="ada", why="it hangs")
    assert reason_of(answer) == "resolved"
    assert "was resolved by grace" in str(answer)
    assert desk.worker.registry.find(follow_up_id(incident_id)) is None
    assert Approvals(desk.redis).waiting(within_seconds=1800, limit=10) == ()
    handlings.act(incident_id, Action.REOPEN, person="grace")
    assert [each.incident_id for each in Approvals(desk.redis).waiting(within_seconds=1800, limit=10)] == [incident_id]
    assert isinstance(say(incident_id, person="ada", why="it hangs"), Said)


PRIVATE = ("10.1.2.3", "bob@example.com", "hunter2")
WHY = f"{SERVER} hangs, says {PRIVATE[1]} at {PRIVATE[0]}, password={PRIVATE[2]}"


def everything_in(redis: Any) -> str:
    """All that Redis holds, in one text; a key may expire while it is read."""
    read = {"hash": redis.hgetall, "stream": redis.xrange, "string": redis.get, "set": redis.smembers}
    read |= {"list": lambda key: redis.lrange(key, 0, -1), "zset": lambda key: redis.zrange(key, 0, -1), "none": str}
    return "".join(f"{key} {read[redis.type(key)](key)}" for key in redis.scan_iter())


@pytest.mark.parametrize("decision", Decision)
def test_what_a_person_says_is_masked_before_it_is_stored_anywhere(desk: Desk, decision: Decision) -> None:
    incident_id = desk.propose()
    say = desk.approving.approve if decision is Decision.APPROVED else desk.approving.reject
    said = say(incident_id, person="ada", why=WHY)
    assert isinstance(said, Said)
    assert said.proposal.decided is not None
    assert said.proposal.decided.why == f"{SERVER} hangs, says [EMAIL_ADDRESS] at [IP_ADDRESS], password=[PASSWORD]"
    assert said.proposal.decided.is_audited
    if decision is Decision.APPROVED:
        assert desk.carry_out(incident_id).disposition is Disposition.RECOVERED
    ResultsRecorder(desk.redis).record()
    stored = everything_in(desk.redis)
    assert [private for private in PRIVATE if private in stored] == []


def test_what_goes_past_the_door_is_stored_as_it_was_said(desk: Desk) -> None:
    """The control of the test above: below the door only secrets are masked."""
    Approvals(desk.redis).decide(desk.propose(), Decision.APPROVED, person="ada", why=WHY, within_seconds=1800)
    stored = everything_in(desk.redis)
    assert [private for private in PRIVATE if private in stored] == ["10.1.2.3", "bob@example.com"]


def test_who_is_not_named_has_no_word_and_that_they_tried_is_written_down(desk: Desk) -> None:
    incident_id = desk.propose()
    assert reason_of(desk.approve(incident_id, person="mallory")) == "no_right"
    assert reason_of(desk.approving.reject(incident_id, person="mallory", why="no")) == "no_right"
    entries = [fields for _, fields in desk.redis.xrange(AUDIT_STREAM)]
    told = [(entry["action"], entry["person"]) for entry in entries if entry["incident_id"] == incident_id]
    assert [each for each in told if each[1] == "mallory"] == [("refusal", "mallory")] * 2
    assert isinstance(desk.approve(incident_id), Said)


def test_where_nobody_is_named_nobody_has_a_word_and_the_remedy_is_told(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.rewrite_inventory('approvers = ["ada", "grace"]\n', "")
    answer = desk.approve(incident_id)
    assert reason_of(answer) == "no_approvers"
    assert isinstance(answer, Refusal)
    assert "approvers = [...]" in answer.detail


def test_a_server_that_may_never_be_restarted_is_not_approved_but_its_proposal_can_be_rejected(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.rewrite_inventory('"approve"', '"never"')
    assert reason_of(desk.approve(incident_id)) == "policy_forbids"
    assert isinstance(desk.approving.reject(incident_id, person="ada", why="no"), Said)


def test_of_a_server_that_is_gone_from_the_inventory_nobody_has_a_word(desk: Desk) -> None:
    class Nothing:
        def named(self, server_id: str) -> None:
            return None

    approving = replace(desk.approving, servers=Nothing())
    assert reason_of(approving.approve(desk.propose(), person="ada", why="it hangs")) == "unknown_server"


def test_an_unknown_incident_and_one_that_awaits_nothing_are_not_approved(desk: Desk) -> None:
    assert reason_of(desk.approve("inc-" + "0" * 20)) == "unknown"
    incident_id = desk.propose()
    desk.approve(incident_id)
    desk.carry_out(incident_id)
    assert reason_of(desk.approve(follow_up_id(incident_id))) == "not_awaiting"


def test_what_the_audit_does_not_confirm_is_not_approved_and_not_taken_in(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.redis.delete(AUDIT_STREAM)
    desk.redis.set(AUDIT_STREAM, "something else")
    with pytest.raises(ResponseError):
        desk.approve(incident_id)
    assert desk.worker.registry.find(follow_up_id(incident_id)) is None
    desk.redis.delete(AUDIT_STREAM)
    assert isinstance(desk.approve(incident_id), Said)


def test_whoever_repeats_an_approval_whose_process_was_killed_before_the_intake_completes_it(desk: Desk) -> None:
    incident_id = desk.propose()
    Approvals(desk.redis).decide(incident_id, Decision.APPROVED, person="ada", why="it hangs", within_seconds=1800)
    assert desk.worker.registry.find(follow_up_id(incident_id)) is None
    said = desk.approve(incident_id, person="somebody else")
    assert isinstance(said, Said)
    assert not said.is_news
    result = desk.carry_out(incident_id)
    assert desk.restarts == 1
    assert result.incident.approval is not None
    assert result.incident.approval.person == "ada"


def listed(desk: Desk) -> list[tuple[str, bool]]:
    waiting = Approvals(desk.redis).waiting(within_seconds=1800, limit=10)
    return [(each.incident_id, each.is_approved) for each in waiting]


def test_an_approval_whose_intake_failed_stays_on_the_list_until_it_is_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident_id = desk.propose()
    let_time_pass(desk.redis, 1700)
    with monkeypatch.context() as failing:
        failing.setattr("worker.escalation.approving.take_in", unavailable)
        with pytest.raises(IntakeUnavailable):
            desk.approve(incident_id)
    let_time_pass(desk.redis, 1700)
    assert listed(desk) == [(incident_id, True)]
    assert isinstance(desk.approve(incident_id, person="grace"), Said)
    assert listed(desk) == []
    desk.carry_out(incident_id)
    assert desk.restarts == 1


def unavailable(*_: object) -> None:
    raise IntakeUnavailable("Redis is away")


def test_an_approval_that_nobody_took_in_leaves_the_list_when_it_holds_no_more(desk: Desk) -> None:
    incident_id = desk.propose()
    Approvals(desk.redis).decide(incident_id, Decision.APPROVED, person="ada", why="it hangs", within_seconds=1800)
    assert listed(desk) == [(incident_id, True)]
    let_time_pass(desk.redis, 1802)
    assert listed(desk) == []


def test_a_repeat_that_comes_too_late_takes_nothing_in(desk: Desk) -> None:
    incident_id = desk.propose()
    Approvals(desk.redis).decide(incident_id, Decision.APPROVED, person="ada", why="it hangs", within_seconds=1800)
    let_time_pass(desk.redis, 1801)
    assert reason_of(desk.approve(incident_id)) == "approval_stale"
    assert desk.worker.registry.find(follow_up_id(incident_id)) is None
