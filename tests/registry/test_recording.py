"""Recording results: the audit misses none and doubles none, whoever dies in between."""

from collections.abc import Iterable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tests.escalation import builders
from worker.contract import Disposition, TriageResult
from worker.contract.queue import AUDIT_STREAM, RECORDS_GROUP, RESULTS_STREAM
from worker.contract.result import RestartOutcome
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


def test_a_restart_is_recorded_with_its_order_and_its_outcome(redis: Redis) -> None:
    result = escalation(restart=builders.restart(RestartOutcome.NOT_RESTORED))
    publish(redis, result)
    ResultsRecorder(redis).record()
    (restart,) = [fields for fields in audited(redis) if fields["action"] == "restart"]
    assert '"outcome": "not_restored"' in restart["details"]
    assert '"ordered_at": "2026' in restart["details"]


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
    assert judged(log.entries(), noted_end=log.noted_end()).flaw is None


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
    with pytest.raises(ResponseError):
        recorder.record()
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
