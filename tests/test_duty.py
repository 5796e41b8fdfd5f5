"""What a worker does with a claim that is not like the others: taken over, given up, or broken in the middle."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from fakeredis import FakeRedis

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.house import SICK, WELL, record, restarts_of, write_house
from worker.bootstrap import make_worker
from worker.contract.result import Disposition, Ending, RestartOutcome, TriageResult
from worker.duty import Worker
from worker.escalation.card import as_text, card_of
from worker.guardrails.restart_attempt import Grant
from worker.ports import RestartOrder
from worker.settings import load_settings


@pytest.fixture
def redis() -> FakeRedis:
    return FakeRedis(decode_responses=True)


@pytest.fixture
def worker(tmp_path: Path, redis: FakeRedis) -> Iterator[Worker]:
    record(tmp_path / "payment-server-01", SICK, "WARNING request threads hung\n", after_restart=WELL)
    settings = load_settings(_env_file=None, **write_house(tmp_path, {"payment-server-01": "payments"}))
    opened = make_worker(settings, redis)
    yield opened
    opened.close()


@pytest.fixture
def incident_id(redis: FakeRedis) -> str:
    incident = parse_text("payment-server-01 is slow", received_at=datetime.now(UTC), unique=uuid4().hex)
    list(take_in(redis, [incident]))
    return incident.incident_id


def triage(worker: Worker, incident_id: str) -> TriageResult:
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        result = worker.triage(claim)
        claim.finish(result)
    return result


def order_and_die(worker: Worker, incident_id: str, tmp_path: Path, *, is_restarted: bool = True) -> None:
    """Do what a worker does until the order is given, and then nothing more."""
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        grant = worker.guard.request(incident_id, "payment-server-01", evidence="E1")
        assert isinstance(grant, Grant)
        assert worker.guard.mark_sent(grant) is None
        server = worker.directory.server_of(claim.incident)
        assert not isinstance(server, str)
        if is_restarted:
            server.service_manager.restart(
                RestartOrder(incident_id=incident_id, fence=grant.fence, not_after=datetime.max.replace(tzinfo=UTC))
            )


@pytest.mark.parametrize("is_restarted", [True, False])
def test_an_order_whose_worker_was_lost_is_looked_after_and_never_given_again(
    worker: Worker, incident_id: str, tmp_path: Path, is_restarted: bool
) -> None:
    order_and_die(worker, incident_id, tmp_path, is_restarted=is_restarted)
    result = triage(worker, incident_id)
    assert (result.disposition, result.ending) == (Disposition.ESCALATED, Ending.RESTART_INTERRUPTED)
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.UNKNOWN
    assert len(restarts_of(tmp_path)) == int(is_restarted)
    card = as_text(card_of(result), 100)
    assert "No restart was done" not in card
    assert "firstline resolve" in card


def test_an_intent_that_was_never_sent_lets_the_triage_go_on_without_a_restart(
    worker: Worker, incident_id: str, tmp_path: Path
) -> None:
    with worker.registry.claim(incident_id):
        worker.guard.request(incident_id, "payment-server-01", evidence="E1")
    result = triage(worker, incident_id)
    assert result.disposition is Disposition.ESCALATED
    assert [refusal.reason for refusal in result.refusals] == ["already_attempted"]
    assert restarts_of(tmp_path) == []


def test_an_incident_that_nobody_could_finish_is_given_up_and_told(worker: Worker, incident_id: str) -> None:
    for _ in range(5):
        with worker.registry.claim(incident_id):
            pass
    result = triage(worker, incident_id)
    assert (result.disposition, result.ending) == (Disposition.DEAD_LETTERED, Ending.CLAIMS_SPENT)
    (letter,) = worker.dead_letters.newest(10)
    assert (letter.reason, letter.incident_id) == ("claims_spent", incident_id)


def test_a_triage_that_breaks_after_its_restart_says_that_there_was_one(
    worker: Worker, incident_id: str, tmp_path: Path
) -> None:
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        grant = worker.guard.request(incident_id, "payment-server-01", evidence="E1")
        assert isinstance(grant, Grant)
        assert worker.guard.mark_sent(grant) is None
        result = worker.escalation_of(claim, RuntimeError("the text of an error may hold a secret"))
    assert result.ending is Ending.INTERNAL_ERROR
    assert result.restart is not None
    assert "secret" not in result.model_dump_json()
    assert "No restart was done" not in as_text(card_of(result), 100)


def test_an_unreadable_entry_is_buried_closed_and_told(worker: Worker, incident_id: str, redis: FakeRedis) -> None:
    redis.hset(f"firstline:incident:{incident_id}", "incident", "{")
    worker.bury(incident_id, "it can't be read")
    with worker.registry.claim(incident_id) as claim:
        assert claim is None
    (letter,) = worker.dead_letters.newest(10)
    assert letter.incident_id == incident_id
