"""Where the page of a proposal is, the end of its approved restart is shown: once, and of no other incident."""

from dataclasses import dataclass, field

import pytest
from redis import Redis

from tests.escalation.builders import incident, restart, result
from tests.escalation.desks import Desk, FakeSink
from tests.redis_servers import redis_fixture, valkey_fixture
from tests.registry.entries import finished
from worker.contract import Disposition, TriageResult
from worker.contract.approval import Approval
from worker.contract.handling import DESK, Action, Handled
from worker.contract.proposal import follow_up_id
from worker.contract.queue import incident_key
from worker.contract.result import RestartOutcome
from worker.escalation.routes import Routes
from worker.registry.follow_ups import tell_end
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]


@dataclass
class Thread(FakeSink):
    """A sink that keeps in which words it was told what."""

    said: list[tuple[str, str, str]] = field(default_factory=list)

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        self.said.append((result.incident.incident_id, handled.person, handled.words))
        return super().follow(result, handled)


def end_of(original_id: str, *, own_id: str | None = None, is_well: bool = True) -> TriageResult:
    approval = Approval(incident_id=original_id, person="ada", why="it hangs")
    approved = incident(incident_id=own_id or follow_up_id(original_id), approval=approval)
    disposition = Disposition.RECOVERED if is_well else Disposition.ESCALATED
    outcome = RestartOutcome.RESTORED if is_well else RestartOutcome.NOT_RESTORED
    return result(incident=approved, disposition=disposition, restart=restart(outcome))


def desk_with_page(redis: Redis, proposal: TriageResult) -> tuple[Desk, Thread]:
    """Return a desk whose sink `chat` has the proposal's page; what comes later is routed to `pager`."""
    chat = Thread()
    before = Desk(redis, {"chat": chat})
    before.deliver(proposal)
    before.send("chat")
    return Desk(redis, {"chat": chat, "pager": FakeSink()}, routes=Routes(default=("pager",))), chat


def test_the_end_of_an_approved_restart_is_shown_once_where_the_page_of_its_proposal_is(redis: Redis) -> None:
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    original_id = proposal.incident.incident_id
    desk, chat = desk_with_page(redis, proposal)
    end = end_of(original_id)
    for _ in range(2):
        desk.deliver(end)
        desk.send("chat")
    told = (
        f"The approved restart of {end.server_id} ended as recovered (escalated_by_model; restart: restored): "
        f"{end.incident.incident_id}."
    )
    assert chat.said == [
        (original_id, DESK, told),
        (original_id, DESK, "Its approved restart is proven to have helped."),
    ]
    assert chat.showed == ["note", "resolve"]
    assert desk.send("pager") == 0


def test_a_restart_that_did_not_help_is_a_page_of_its_own_too(redis: Redis) -> None:
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    desk, chat = desk_with_page(redis, proposal)
    desk.deliver(end_of(proposal.incident.incident_id, is_well=False))
    assert (desk.send("pager"), desk.send("chat")) == (1, 1)
    assert "restart: not_restored" in chat.said[0][2]


def test_an_end_that_comes_while_its_proposals_page_still_waits_is_shown_after_it(redis: Redis) -> None:
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    chat = Thread()
    desk = Desk(redis, {"chat": chat})
    desk.deliver(proposal, end_of(proposal.incident.incident_id, is_well=False))
    desk.send("chat")
    assert proposal.incident.incident_id in [each.incident.incident_id for each in chat.took]
    assert chat.showed == ["note"]


def test_nobody_is_paged_for_a_proposal_whose_restart_is_proven_before_its_page_is_sent(redis: Redis) -> None:
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    chat = Thread()
    desk = Desk(redis, {"chat": chat})
    desk.deliver(proposal, end_of(proposal.incident.incident_id))
    desk.send("chat")
    assert chat.took == []


@pytest.mark.parametrize("is_of_it", [True, False], ids=["the control", "by its name only"])
def test_an_incident_that_only_names_an_approval_says_nothing_at_anothers_page(redis: Redis, *, is_of_it: bool) -> None:
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    original_id = proposal.incident.incident_id
    desk, chat = desk_with_page(redis, proposal)
    desk.deliver(end_of(original_id, own_id=None if is_of_it else result(9).incident.incident_id))
    desk.send("chat")
    assert len(chat.said) == (2 if is_of_it else 0)


@pytest.mark.parametrize("is_damaged", [True, False], ids=["damaged", "forgotten"])
def test_an_end_whose_proposal_is_lost_is_paged_all_the_same(redis: Redis, *, is_damaged: bool) -> None:
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    original_id = proposal.incident.incident_id
    desk, chat = desk_with_page(redis, proposal)
    key = incident_key(original_id)
    assert redis.exists(key)
    redis.hset(key, "result", "{") if is_damaged else redis.delete(key)
    desk.deliver(end_of(original_id, is_well=False))
    assert (desk.send("pager"), desk.send("chat"), chat.said) == (1, 0, [])


def test_the_sinks_and_the_handling_tell_the_end_in_the_same_words(redis: Redis) -> None:
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    original_id = proposal.incident.incident_id
    desk, chat = desk_with_page(redis, proposal)
    end = end_of(original_id)
    Handlings(redis).open(proposal)
    tell_end(Handlings(redis), end)
    desk.deliver(end)
    desk.send("chat")
    handling = Handlings(redis).find(original_id)
    assert handling is not None
    assert [(each.action, each.words) for each in handling.history] == [
        (Action.NOTE, chat.said[0][2]), (Action.RESOLVE, chat.said[1][2]),
    ]  # fmt: skip


def test_what_an_engineer_has_in_hand_is_not_shown_as_resolved(redis: Redis) -> None:
    proposal = finished(redis, Disposition.AWAITING_APPROVAL)
    desk, chat = desk_with_page(redis, proposal)
    Handlings(redis).act(proposal.incident.incident_id, Action.CLAIM, person="grace")
    desk.deliver(end_of(proposal.incident.incident_id))
    desk.send("chat")
    assert chat.showed == ["note"]
