"""A person's word on a proposed restart, at the command line: what is said of it is what holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakeredis import FakeRedis, FakeServer
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.approved_desk import Desk, desk_fixture
from worker.cli import approvals
from worker.cli.approvals import approve, list_proposals, reject
from worker.cli.failures import Unconfirmed
from worker.contract.proposal import Decision, follow_up_id
from worker.contract.queue import AUDIT_STREAM
from worker.errors import FirstlineError
from worker.escalation.approving import Approving
from worker.registry.approvals import Approvals

__all__ = ["desk_fixture"]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def redis(server: FakeServer) -> FakeRedis:
    return FakeRedis(server=server, decode_responses=True, retry=Retry(NoBackoff(), 0))


@pytest.fixture(autouse=True)
def at_the_command_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals, "person", lambda: "ada")
    monkeypatch.setattr(approvals, "connect", lambda _: desk.redis)


def listed(desk: Desk, capsys: pytest.CaptureFixture[str], *, as_json: bool = False) -> str:
    capsys.readouterr()
    list_proposals(desk.settings, as_json=as_json)
    return capsys.readouterr().out


def test_what_waits_is_listed_for_people_and_for_pipes(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(desk, capsys) == "No restart waits for an engineer's word.\n"
    incident_id = desk.propose()
    line = listed(desk, capsys)
    assert line.startswith(f"{incident_id}  payment-server-01  30 min left  ")
    told: dict[str, Any] = json.loads(listed(desk, capsys, as_json=True))
    assert (told["incident_id"], told["server_id"]) == (incident_id, "payment-server-01")
    reject(desk.approving, incident_id, "we look ourselves")
    assert listed(desk, capsys, as_json=True) == ""


def test_an_approval_says_where_it_is_carried_out_and_a_second_whose_the_first_was(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    incident_id = desk.propose()
    for expected in ("is approved. A worker looks once more", "was approved already, by ada at "):
        approve(desk.approving, incident_id, "it hangs")
        said = capsys.readouterr().out
        assert expected in said
        assert f"`firstline show {follow_up_id(incident_id)}`" in said


def test_who_approves_again_hears_how_it_ended(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    incident_id = desk.propose()
    approve(desk.approving, incident_id, "it hangs")
    desk.worker.guard.halt("we look first")
    desk.carry_out(incident_id)
    capsys.readouterr()
    approve(desk.approving, incident_id, "it hangs")
    assert "UTC. The approved restart of payment-server-01 ended as escalated (" in capsys.readouterr().out


def test_an_approval_that_was_not_taken_in_is_listed_with_what_to_do(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    incident_id = desk.propose()
    Approvals(desk.redis).decide(incident_id, Decision.APPROVED, person="ada", why="it hangs", within_seconds=1800)
    assert "30 min left  approved by ada, but not taken in: approve it again  " in listed(desk, capsys)
    assert json.loads(listed(desk, capsys, as_json=True))["approved_by"] == "ada"
    approve(desk.approving, incident_id, "it hangs")
    assert listed(desk, capsys) == "No restart waits for an engineer's word.\n"


def test_a_refusal_gives_its_reason_and_says_that_nothing_was_changed(desk: Desk) -> None:
    incident_id = desk.propose()
    reject(desk.approving, incident_id, "no")
    with pytest.raises(FirstlineError, match=r"was rejected already, by ada at .* Nothing was changed\.$"):
        approve(desk.approving, incident_id, "it hangs")


def test_where_redis_does_not_confirm_nobody_is_told_that_it_is_approved(
    desk: Desk, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    incident_id = desk.propose()
    approving: Approving = desk.approving
    capsys.readouterr()
    server.connected = False
    with pytest.raises(Unconfirmed, match=r"It is not known whether .* is approved"):
        approve(approving, incident_id, "it hangs")
    server.connected = True
    assert capsys.readouterr().out == ""


def test_what_the_audit_does_not_take_is_not_said_to_be_approved(desk: Desk) -> None:
    incident_id = desk.propose()
    desk.redis.delete(AUDIT_STREAM)
    desk.redis.set(AUDIT_STREAM, "something else")
    with pytest.raises(Unconfirmed, match=r"It is not certain whether .* is approved"):
        approve(desk.approving, incident_id, "it hangs")
    assert desk.worker.registry.find(follow_up_id(incident_id)) is None


def test_a_proposal_is_told_on_one_line_that_ends_with_a_word(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.propose()
    summary = json.loads(listed(desk, capsys, as_json=True))["summary"]
    assert "[E1]" in summary
    line = listed(desk, capsys)
    assert "bytes cut" not in line
    assert "[E1]" not in line
    assert len(line.splitlines()) == 1


def test_a_broken_policy_file_hides_no_proposal(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    incident_id = desk.propose()
    Path(desk.settings.policy_file).write_text("[")
    assert incident_id in listed(desk, capsys)
