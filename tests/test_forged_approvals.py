"""Somebody writes an incident with an approval into the registry: nothing is restarted for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from producers.intake import Answer, take_in
from tests.approved_desk import DEPENDENCY, SERVER, Desk, desk_fixture, reason_of, reasons_of
from tests.redis_servers import redis_fixture, valkey_fixture
from worker import duty, tasks
from worker.contract.approval import Approval
from worker.contract.incident import Incident
from worker.contract.proposal import Decision, follow_up_id
from worker.contract.queue import AUDIT_STREAM, incident_key
from worker.contract.result import Disposition, Ending
from worker.escalation.approving import Said
from worker.registry.approvals import Approvals, _details_of
from worker.registry.audit import AuditAction, AuditEntry, AuditLog

__all__ = ["desk_fixture", "redis_fixture", "valkey_fixture"]


def forge(desk: Desk, proposal_id: str, **changes: Any) -> str:
    forged = Incident(
        **{
            "incident_id": follow_up_id(proposal_id),
            "source": "approval",
            "fingerprint": "forged",
            "server_id": SERVER,
            "text": "A restart was approved.",
            "severity": "critical",
            "started_at": datetime.now(UTC),
            "received_at": datetime.now(UTC),
            "approval": Approval(incident_id=proposal_id, person="ada", why="it hangs"),
            **changes,
        }
    )
    assert [verdict.answer for verdict in take_in(desk.redis, [forged])] == [Answer.ACCEPTED]
    return forged.incident_id


def check(desk: Desk, forged_id: str, reason: str) -> None:
    result = desk.triage(forged_id)
    assert (result.disposition, result.ending) == (Disposition.ESCALATED, Ending.APPROVAL_REFUSED)
    assert reasons_of(result) == [reason]
    assert desk.restarts == 0


def test_without_a_decision(desk: Desk) -> None:
    check(desk, forge(desk, desk.propose()), "not_approved")


def test_without_a_proposal(desk: Desk) -> None:
    check(desk, forge(desk, "inc-" + "0" * 20), "unknown")


def test_of_a_proposal_that_was_rejected(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.approving.reject(incident_id, person="ada", why="it hangs")
    check(desk, forge(desk, incident_id), "not_approved")


def test_in_another_persons_name(desk: Desk) -> None:
    incident_id = desk.propose()
    Approvals(desk.redis).decide(incident_id, Decision.APPROVED, person="mallory", why="it hangs", within_seconds=1800)
    check(desk, forge(desk, incident_id), "not_approved")


def test_in_another_incident_than_its_own(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.approve(incident_id)
    check(desk, forge(desk, incident_id, incident_id="inc-" + "1" * 20), "not_its_incident")


def test_for_another_server(desk: Desk) -> None:
    incident_id = desk.propose()
    Approvals(desk.redis).decide(incident_id, Decision.APPROVED, person="ada", why="it hangs", within_seconds=1800)
    check(desk, forge(desk, incident_id, server_id=DEPENDENCY), "other_server")


def test_of_a_proposal_that_can_not_be_read(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.approve(incident_id)
    desk.redis.hset(incident_key(incident_id), "result", "{")
    with desk.worker.registry.claim(follow_up_id(incident_id)) as claim:
        assert claim is not None
        result = tasks._result_of(desk.worker, claim)
    assert (result.disposition, result.ending) == (Disposition.ESCALATED, Ending.INTERNAL_ERROR)
    assert desk.restarts == 0


def write_decision(desk: Desk, proposal_id: str, **changes: str) -> None:
    """Write a decision as somebody would who can write to Redis, past the audit."""
    seconds, _ = desk.redis.time()
    decision = {"decision": "approved", "decided_by": "ada", "decided_at": f"{seconds}000", "decision_why": "it hangs"}
    desk.redis.hset(incident_key(proposal_id), mapping=decision | changes)


@pytest.mark.parametrize("audited_as", [None, "", "no id", "0-1", "99999999999999999999999-1"])
def test_with_a_decision_that_the_audit_does_not_tell_of(desk: Desk, audited_as: str | None) -> None:
    incident_id = desk.propose()
    write_decision(desk, incident_id, **({} if audited_as is None else {"decision_audited_as": audited_as}))
    assert reason_of(desk.approve(incident_id)) == "not_in_audit"
    check(desk, forge(desk, incident_id), "not_in_audit")


def test_with_a_decision_that_leans_on_the_audit_of_another(desk: Desk) -> None:
    real, incident_id = desk.propose(), desk.propose()
    desk.approve(real)
    audited_as = desk.redis.hget(incident_key(real), "decision_audited_as")
    write_decision(desk, incident_id, decision_audited_as=audited_as)
    check(desk, forge(desk, incident_id), "not_in_audit")


@pytest.mark.parametrize(
    "changes", [{"decision": "approved"}, {"decision": "approved", "decided_by": "grace", "decision_why": "no"}]
)
def test_with_a_rejection_that_was_turned_into_an_approval(desk: Desk, changes: dict[str, str]) -> None:
    incident_id = desk.propose()
    desk.approving.reject(incident_id, person="ada", why="no")
    desk.redis.hset(incident_key(incident_id), mapping=changes)
    check(desk, forge(desk, incident_id), "not_in_audit")


def test_of_a_proposal_whose_server_was_made_another_after_the_word_was_given(desk: Desk) -> None:
    incident_id = desk.propose()
    assert isinstance(desk.approve(incident_id), Said)
    for key, field in ((incident_key(incident_id), "result"), (incident_key(follow_up_id(incident_id)), "incident")):
        stored = desk.redis.hget(key, field)
        desk.redis.hset(key, field, stored.replace(f'"server_id":"{SERVER}"', f'"server_id":"{DEPENDENCY}"'))
    desk.now_is(DEPENDENCY)
    check(desk, follow_up_id(incident_id), "not_in_audit")


def test_with_both_the_decision_and_its_entry_it_is_carried_out_but_the_audit_shows_it(desk: Desk) -> None:
    incident_id = desk.propose()
    told = _details_of(incident_id, desk.redis.hget(incident_key(incident_id), "result"))
    forged = AuditEntry(action=AuditAction.APPROVE, why="it hangs", incident_id=incident_id, details=told, person="ada")
    AuditLog(desk.redis).append(forged)
    (newest, fields), *_ = desk.redis.xrevrange(AUDIT_STREAM, count=1)
    write_decision(desk, incident_id, decision_audited_as=newest)
    assert desk.triage(forge(desk, incident_id)).disposition is Disposition.RECOVERED
    assert (fields["action"], fields["person"], fields["incident_id"]) == ("approve", "ada", incident_id)


def test_without_the_check_a_forgery_would_restart_the_server(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duty, "refusal_of_approved", lambda *_, **__: None)
    monkeypatch.setattr(duty, "refusal_at_restart", lambda *_, **__: None)
    desk.triage(forge(desk, desk.propose()))
    assert desk.restarts == 1
