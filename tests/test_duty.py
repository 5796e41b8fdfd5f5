"""What a worker does with a claim that is not like the others: taken over, given up, or broken in the middle."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from fakeredis import FakeRedis

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.house import SICK, WELL, record, restarts_of, write_house
from worker import tasks
from worker.bootstrap import make_worker
from worker.clock import SystemClock
from worker.contract.incident import Incident
from worker.contract.observations import HealthReading
from worker.contract.result import Disposition, Ending, Refusal, RestartOutcome, TriageResult
from worker.duty import Worker
from worker.errors import GuardrailUnavailable, StaleClaim
from worker.escalation.card import as_text, card_of
from worker.guardrails.restart_attempt import Grant, RestartAttempt, RestartState
from worker.guardrails.restart_guard import RestartGuard
from worker.ports import Directory, RestartOrder, Server
from worker.registry.claim import Finished
from worker.settings import load_settings


class HastyClock(SystemClock):
    """Pauses take a hundredth of their time."""

    def __init__(self) -> None:
        self.skipped_seconds = 0.0

    def monotonic_seconds(self) -> float:
        return super().monotonic_seconds() + self.skipped_seconds

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 100)
        self.skipped_seconds += seconds


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
        grant = worker.guard.request(incident_id, "payment-server-01", claim=claim.lease.claim, evidence="E1")
        assert isinstance(grant, Grant)
        assert worker.guard.mark_sent(grant) is None
        server = worker.directory.server_of(claim.incident)
        assert not isinstance(server, str)
        if is_restarted:
            never = datetime.max.replace(tzinfo=UTC)
            server.service_manager.restart(
                RestartOrder(incident_id=incident_id, fence=grant.fence, not_after=never, give_up_at=math.inf)
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
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        worker.guard.request(incident_id, "payment-server-01", claim=claim.lease.claim, evidence="E1")
    result = triage(worker, incident_id)
    assert result.disposition is Disposition.ESCALATED
    assert [refusal.reason for refusal in result.refusals] == ["already_attempted"]
    assert worker.guard.open_attempts() == ()
    assert restarts_of(tmp_path) == []


def test_an_incident_that_nobody_could_finish_is_given_up_and_told_at_once_or_not_at_all(
    worker: Worker, incident_id: str
) -> None:
    for _ in range(5):
        with worker.registry.claim(incident_id):
            pass
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        worker.triage(claim)
        assert worker.dead_letters.newest(10) == ()
    result = triage(worker, incident_id)
    assert (result.disposition, result.ending) == (Disposition.DEAD_LETTERED, Ending.CLAIMS_SPENT)
    (letter,) = worker.dead_letters.newest(10)
    assert (letter.reason, letter.incident_id) == ("claims_spent", incident_id)


def test_a_triage_that_breaks_after_its_restart_says_that_there_was_one(
    worker: Worker, incident_id: str, tmp_path: Path
) -> None:
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        grant = worker.guard.request(incident_id, "payment-server-01", claim=claim.lease.claim, evidence="E1")
        assert isinstance(grant, Grant)
        assert worker.guard.mark_sent(grant) is None
        result = worker.escalation_of(claim, RuntimeError("the text of an error may hold a secret"))
    assert result.ending is Ending.INTERNAL_ERROR
    assert result.restart is not None
    assert "secret" not in result.model_dump_json()
    assert "No restart was done" not in as_text(card_of(result), 100)


def test_a_lost_answer_of_the_guard_leaves_no_intent_open(worker: Worker, incident_id: str, tmp_path: Path) -> None:
    class Deaf(RestartGuard):
        def mark_sent(self, grant: Grant) -> Refusal | None:
            super().mark_sent(grant)
            raise GuardrailUnavailable("the answer was lost")

    deaf = Deaf(worker.guard._redis, worker.guard._limits, worker="w1")
    result = triage(replace(worker, guard=deaf), incident_id)
    assert result.disposition is Disposition.ESCALATED
    assert restarts_of(tmp_path) == []
    assert worker.guard.open_attempts() == ()


def test_a_client_that_asks_twice_for_leave_leaves_no_intent_open(
    worker: Worker, incident_id: str, tmp_path: Path
) -> None:
    class Stuttering(RestartGuard):
        def mark_sent(self, grant: Grant) -> Refusal | None:
            super().mark_sent(grant)
            return super().mark_sent(grant)

    stuttering = Stuttering(worker.guard._redis, worker.guard._limits, worker="w1")
    result = triage(replace(worker, guard=stuttering), incident_id)
    assert [refusal.reason for refusal in result.refusals] == ["not_pending"]
    assert restarts_of(tmp_path) == []
    attempt = worker.guard.attempt_of(incident_id)
    assert attempt is not None
    assert attempt.state is RestartState.NOT_DONE
    assert "No restart was done." in as_text(card_of(result), 100)


def test_a_given_up_incident_that_was_restarted_says_so(worker: Worker, incident_id: str, tmp_path: Path) -> None:
    for _ in range(4):
        with worker.registry.claim(incident_id):
            pass
    order_and_die(worker, incident_id, tmp_path)
    result = triage(worker, incident_id)
    assert (result.disposition, result.ending) == (Disposition.DEAD_LETTERED, Ending.CLAIMS_SPENT)
    assert "No restart was done" not in as_text(card_of(result), 100)
    assert [attempt.state for attempt in worker.guard.open_attempts()] == [RestartState.UNKNOWN]


def test_an_outcome_that_was_recorded_is_told_and_does_not_close_the_server(
    worker: Worker, incident_id: str, tmp_path: Path
) -> None:
    order_and_die(worker, incident_id, tmp_path)
    attempt = worker.guard.attempt_of(incident_id)
    assert attempt is not None
    worker.guard.record(attempt, RestartOutcome.RESTORED, "health good for 10 s")
    result = triage(worker, incident_id)
    assert result.ending is Ending.RESTART_INTERRUPTED
    assert "recorded as RESTORED" in result.summary
    assert result.restart is not None
    assert result.restart.outcome is RestartOutcome.PROOF_LOST
    card = as_text(card_of(result), 100)
    assert "stays closed" not in card
    assert "whether it happened is not known" not in card


class BrokenSource:
    """Raises what no source should."""

    def read_health(self) -> HealthReading:
        raise ValueError("pid must be a positive integer")


@dataclass(frozen=True)
class BrokenSources:
    """A directory of servers whose health can't be read without an error of the source itself."""

    directory: Directory

    def server_of(self, incident: Incident) -> Server | str:
        server = self.directory.server_of(incident)
        return server if isinstance(server, str) else replace(server, health=BrokenSource())


@pytest.mark.parametrize("claims_before", [0, 4])
def test_a_source_that_breaks_while_a_restart_is_looked_after_keeps_no_incident_from_its_result(
    worker: Worker, incident_id: str, tmp_path: Path, claims_before: int
) -> None:
    for _ in range(claims_before):
        with worker.registry.claim(incident_id):
            pass
    order_and_die(worker, incident_id, tmp_path)
    result = triage(replace(worker, directory=BrokenSources(worker.directory)), incident_id)
    assert result.ending is (Ending.CLAIMS_SPENT if claims_before else Ending.RESTART_INTERRUPTED)
    assert result.restart is not None
    assert "can't be read (ValueError)" in result.restart.detail


class BrokenDirectory:
    """Raises what no directory should."""

    def server_of(self, incident: Incident) -> Server | str:
        raise KeyError(incident.server_id)


def test_where_even_the_escalation_breaks_the_last_word_asks_nobody_and_denies_no_restart(
    worker: Worker, incident_id: str
) -> None:
    broken = replace(worker, directory=BrokenDirectory())
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        result = tasks._result_of(broken, claim)
        assert claim.finish(result) is Finished.PUBLISHED
    assert (result.disposition, result.ending) == (Disposition.ESCALATED, Ending.INTERNAL_ERROR)
    card = " ".join(as_text(card_of(result), 100).split())
    assert "No restart was done" not in card
    assert "Whether a restart was ordered is not known" in card


def test_the_letter_of_an_unreadable_entry_says_what_the_guard_knows_of_its_restart(
    worker: Worker, incident_id: str, redis: FakeRedis, tmp_path: Path
) -> None:
    order_and_die(worker, incident_id, tmp_path)
    redis.hset(f"firstline:incident:{incident_id}", "incident", "{")
    worker.bury(incident_id, "it can't be read.")
    (letter,) = worker.dead_letters.newest(10)
    known = "Its server is payment-server-01, and its one restart is recorded as SENT"
    assert letter.detail == f"it can't be read. {known}"


def test_an_outcome_waits_for_a_redis_that_is_away_for_a_moment(
    worker: Worker, incident_id: str, tmp_path: Path
) -> None:
    class AwayForAMoment(RestartGuard):
        times = 5

        def record(self, attempt: Grant | RestartAttempt, outcome: RestartOutcome, detail: str) -> Refusal | None:
            self.times -= 1
            if self.times >= 0:
                raise GuardrailUnavailable("Redis is away")
            return super().record(attempt, outcome, detail)

    away = AwayForAMoment(worker.guard._redis, worker.guard._limits, worker="w1")
    result = triage(replace(worker, guard=away, clock=HastyClock()), incident_id)
    assert result.disposition is Disposition.RECOVERED
    assert worker.guard.open_attempts() == ()


def test_an_unreadable_entry_is_buried_closed_and_told(worker: Worker, incident_id: str, redis: FakeRedis) -> None:
    redis.hset(f"firstline:incident:{incident_id}", "incident", "{")
    worker.bury(incident_id, "it can't be read")
    with worker.registry.claim(incident_id) as claim:
        assert claim is None
    (letter,) = worker.dead_letters.newest(10)
    assert letter.incident_id == incident_id


def test_a_clock_that_was_set_back_hides_no_restart(
    worker: Worker, incident_id: str, redis: FakeRedis, tmp_path: Path
) -> None:
    order_and_die(worker, incident_id, tmp_path)
    redis.hset(f"firstline:restarts:incident:{incident_id}", "ordered_at", 1)
    assert triage(worker, incident_id).ending is Ending.RESTART_INTERRUPTED
    assert [attempt.state for attempt in worker.guard.open_attempts()] == [RestartState.UNKNOWN]


def test_a_worker_that_lost_its_incident_restarts_nothing(
    worker: Worker, incident_id: str, redis: FakeRedis, tmp_path: Path
) -> None:
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        redis.hset(f"firstline:incident:{incident_id}", "epoch", 2)
        with pytest.raises(StaleClaim):
            worker.triage(claim)
    assert worker.guard.attempt_of(incident_id) is None
    assert restarts_of(tmp_path) == []


def test_an_outcome_that_an_earlier_claim_could_not_record_is_recorded_by_the_one_that_tells_it(
    worker: Worker, incident_id: str
) -> None:
    class Forgetful(RestartGuard):
        def record(self, *_: object, **__: object) -> Refusal | None:
            raise GuardrailUnavailable("Redis was away for a moment")

    forgetful = Forgetful(worker.guard._redis, worker.guard._limits, worker="w1")
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        replace(worker, guard=forgetful, clock=HastyClock()).triage(claim)
    assert [attempt.state for attempt in worker.guard.open_attempts()] == [RestartState.SENT]
    assert triage(worker, incident_id).disposition is Disposition.RECOVERED
    assert worker.guard.open_attempts() == ()


def test_where_nobody_knows_of_a_restart_the_card_does_not_deny_one(
    worker: Worker, incident_id: str, tmp_path: Path
) -> None:
    class Mute(RestartGuard):
        def attempt_of(self, incident_id: str) -> RestartAttempt | None:
            raise GuardrailUnavailable("Redis does not say")

    order_and_die(worker, incident_id, tmp_path)
    mute = replace(worker, guard=Mute(worker.guard._redis, worker.guard._limits, worker="w2"))
    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        result = mute.escalation_of(claim, RuntimeError())
    card = as_text(card_of(result), 100)
    assert "No restart was done" not in card
    assert "not known" in card
