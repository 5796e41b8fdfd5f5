"""Recording results: the audit misses none and doubles none, whoever dies in between."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.escalation import builders
from tests.guardrails.claims import ask
from worker.bootstrap import make_guard
from worker.contract import Disposition, TriageResult
from worker.contract.queue import AUDIT_STREAM, RECORDS_GROUP, RESTART_JOURNAL, RESULTS_STREAM
from worker.contract.result import RestartOutcome
from worker.guardrails.policy import Policy, RestartRules
from worker.guardrails.restart_attempt import Grant
from worker.guardrails.restart_guard import RestartGuard
from worker.registry.audit import AuditEntry, AuditLog
from worker.registry.audit_chain import judged
from worker.registry.handling import Handlings
from worker.registry.recording import ResultsRecorder
from worker.registry.trimming import ResultsTrimmer


def publish(redis: Any, result: TriageResult) -> None:
    incident_id = result.incident.incident_id
    redis.xadd(RESULTS_STREAM, {"incident_id": incident_id, "version": "1", "result": result.model_dump_json()})


def escalation(number: int = 1, **changes: Any) -> TriageResult:
    return builders.result(**({"incident": builders.incident(number)} | changes))


def audited(redis: Any) -> list[dict[str, str]]:
    return [fields for _, fields in redis.xrange(AUDIT_STREAM)]


class DiesAfter(AuditLog):
    """An audit whose process dies after so many entries, once they are written and before anybody hears of it."""

    def __init__(self, redis: Redis, entries: int) -> None:
        super().__init__(redis)
        self._left = entries

    def append_all(self, entries: Iterable[AuditEntry]) -> None:
        for entry in entries:
            super().append(entry)
            self._left -= 1
            if self._left == 0:
                raise RedisConnectionError("killed")


def test_a_result_is_recorded_with_its_decision_and_its_refusals_and_waits(redis: Redis) -> None:
    publish(redis, escalation())
    publish(redis, escalation(2, disposition=Disposition.NO_ACTION, refusals=()))
    assert ResultsRecorder(redis).record() == 2
    assert [fields["action"] for fields in audited(redis)] == ["decision", "refusal", "decision"]
    assert [line.incident_id for line in Handlings(redis).waiting(10)] == [escalation().incident.incident_id]
    assert audited(redis)[0]["person"] == f"worker {escalation().worker}"


def guard_of(redis: Redis, *, trip_after: int, worker: str = "w1") -> RestartGuard:
    rules = RestartRules(cooldown_seconds=1, fleet_concurrency=10, trip_after=trip_after)
    return make_guard(redis, Policy(restart=rules), worker=worker)


def restart(redis: Redis, *, trip_after: int = 5) -> None:
    """Have a guard give leave for a restart, note that it is ordered, and that it did not help."""
    guard, incident_id = guard_of(redis, trip_after=trip_after), "inc-" + "a" * 20
    grant = ask(guard, incident_id, "web-1")
    assert isinstance(grant, Grant)
    assert guard.mark_sent(grant) is None
    attempt = guard.attempt_of(incident_id)
    assert attempt is not None
    guard.record(attempt, RestartOutcome.NOT_RESTORED, "CPU at 97 %")


def states(redis: Any) -> list[tuple[str, str]]:
    return [(fields["action"], json.loads(fields["details"])["state"]) for fields in audited(redis)]


def test_each_move_of_a_restart_is_recorded_once_also_where_no_result_tells_of_it(redis: Redis) -> None:
    restart(redis)
    for _ in range(2):
        ResultsRecorder(redis).record()
    assert states(redis) == [("restart", "INTENT"), ("restart", "SENT"), ("restart", "NOT_RESTORED")]
    sent = audited(redis)[1]
    assert (sent["person"], sent["incident_id"]) == ("worker w1", "inc-" + "a" * 20)


def test_a_kill_switch_that_trips_by_itself_is_recorded(redis: Redis) -> None:
    restart(redis, trip_after=1)
    ResultsRecorder(redis).record()
    assert states(redis)[-1] == ("halt", "HALTED")
    assert "in a row are not known to have helped" in audited(redis)[-1]["why"]


@pytest.mark.parametrize("worker", ["ann at the command line", "w1"])
def test_every_halt_and_resumption_is_recorded_whoever_the_journal_says_it_was(redis: Redis, worker: str) -> None:
    guard = guard_of(redis, trip_after=5, worker=worker)
    guard.halt("a drill")
    guard.resume("over")
    for _ in range(2):
        ResultsRecorder(redis).record()
    assert states(redis) == [("halt", "HALTED"), ("resume", "RESUMED")]
    assert {fields["person"] for fields in audited(redis)} == {f"worker {worker}"}


def test_the_guards_journal_is_the_one_that_is_read(redis: Any) -> None:
    guard_of(redis, trip_after=5).halt("a drill")
    assert redis.xlen(RESTART_JOURNAL) == 1


@pytest.mark.parametrize("entries", [1, 2, 3, 4])
def test_a_recorder_that_dies_anywhere_leaves_nothing_out_and_nothing_double(redis: Redis, entries: int) -> None:
    for number in range(2):
        publish(redis, escalation(number))
    dying = ResultsRecorder(redis)
    dying._audit = DiesAfter(redis, entries)
    with pytest.raises(RedisConnectionError):
        dying.record()
    ResultsRecorder(redis).record()
    assert [fields["action"] for fields in audited(redis)] == ["decision", "refusal"] * 2
    assert Handlings(redis).count() == 2
    log = AuditLog(redis)
    assert judged(log.entries(), noted=log.noted()).flaw is None


def test_a_recorder_that_acknowledges_first_would_miss_one(redis: Any) -> None:
    """The control of the test above."""
    publish(redis, escalation())
    dying = ResultsRecorder(redis)
    dying._audit = DiesAfter(redis, 1)
    with pytest.raises(RedisConnectionError):
        dying.record()
    (pending,) = redis.xpending_range(RESULTS_STREAM, RECORDS_GROUP, "-", "+", 10)
    redis.xack(RESULTS_STREAM, RECORDS_GROUP, pending["message_id"])
    ResultsRecorder(redis).record()
    assert [fields["action"] for fields in audited(redis)] == ["decision"]


def test_what_is_no_result_is_recorded_as_such_and_stops_no_other(redis: Any) -> None:
    redis.xadd(RESULTS_STREAM, {"result": "{"})
    redis.xadd(RESULTS_STREAM, {"other": "x"})
    publish(redis, escalation())
    assert ResultsRecorder(redis).record() == 3
    assert [fields["action"] for fields in audited(redis)][:3] == ["unreadable_result", "unreadable_result", "decision"]


def test_a_server_that_came_back_without_its_data_is_recorded_from_again(redis: Any) -> None:
    recorder = ResultsRecorder(redis)
    recorder.record()
    redis.flushall()
    publish(redis, escalation())
    assert recorder.record() == 1


def test_no_result_is_forgotten_before_it_is_recorded(redis: Any) -> None:
    recorder = ResultsRecorder(redis)
    recorder.record()
    for number in range(300):
        publish(redis, escalation(number))
    redis.xgroup_create(RESULTS_STREAM, "escalation", id="$")  # this group has nothing to read any more
    trimmer = ResultsTrimmer(redis, retention_seconds=-3600)
    assert trimmer.trim() == 0
    recorder.record()
    assert trimmer.trim() > 0, "the control"
