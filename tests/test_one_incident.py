"""One incident from top to bottom, in the README's order: the real rooms, a fake Redis, recorded servers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from fakeredis import FakeRedis

from producers.intake import Answer, take_in
from producers.sources.plain import parse_text
from tests.house import SICK, WELL, record, restarts_of, write_house
from worker.bootstrap import make_worker
from worker.contract.queue import BROKER_KEY_PREFIX, QUEUES, TRIAGE_TASK
from worker.contract.result import Disposition, Ending, TriageResult
from worker.duty import Worker
from worker.escalation.consumer import EscalationConsumer
from worker.escalation.notifiers import ConsoleNotifier
from worker.settings import load_settings


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    """A worker over recorded servers: one that a restart cures, one whose backend is down."""
    record(tmp_path / "payment-server-01", SICK, "WARNING all request threads hung\n", after_restart=WELL)
    record(tmp_path / "search-index-09", WELL, "ERROR connect to 10.0.0.7:9200: Connection refused\n" * 5)
    house = write_house(tmp_path, {"payment-server-01": "payments", "search-index-09": "search"})
    settings = load_settings(_env_file=None, **house)
    opened = make_worker(settings, FakeRedis(decode_responses=True))
    yield opened
    opened.close()


def travel(worker: Worker, text: str) -> tuple[TriageResult, str]:
    redis: Any = worker.registry._redis

    incident = parse_text(text, received_at=datetime.now(UTC), unique="1")
    assert [verdict.answer for verdict in take_in(redis, [incident])] == [Answer.ACCEPTED]

    message = json.loads(redis.rpop(f"{BROKER_KEY_PREFIX}{QUEUES[1]}"))
    assert message["headers"]["task"] == TRIAGE_TASK
    ((incident_id,), _, _) = json.loads(message["body"])

    with worker.registry.claim(incident_id) as claim:
        assert claim is not None
        result = worker.triage(claim)
        claim.finish(result)

    paper = StringIO()
    EscalationConsumer(redis, ConsoleNotifier(paper), name="desk").deliver_pending(block_seconds=0)
    return result, paper.getvalue()


def test_a_sick_server_is_restarted_once_and_proven_well(worker: Worker, tmp_path: Path) -> None:
    result, printed = travel(worker, "The payment-server-01 is extremely slow and timing out.")
    assert (result.disposition, result.ending) == (Disposition.RECOVERED, Ending.CONCLUDED)
    assert "payment-server-01" in printed
    assert len(restarts_of(tmp_path)) == 1


def test_a_failing_dependency_is_escalated_with_the_log_line_that_shows_it(worker: Worker, tmp_path: Path) -> None:
    result, printed = travel(worker, "The search-index-09 is failing to serve results and seems broken.")
    assert result.disposition is Disposition.ESCALATED
    assert "restart is unlikely to help" in result.summary
    assert "connect to [IP_ADDRESS_1]:9200: Connection refused" in " ".join(printed.split())
    assert "10.0.0.7" not in printed
    assert restarts_of(tmp_path) == []


def test_a_server_that_nobody_knows_is_escalated_with_the_reason(worker: Worker) -> None:
    alert = {
        "server_id": "srv-prod-04",
        "error_msg": "502 Bad Gateway - Connection Refused",
        "timestamp": "2025-12-27T03:14:00Z",
    }
    result, printed = travel(worker, json.dumps(alert))
    assert (result.disposition, result.ending) == (Disposition.ESCALATED, Ending.UNKNOWN_SERVER)
    assert "srv-prod-04" in printed


def test_a_second_delivery_of_the_same_message_does_nothing(worker: Worker, tmp_path: Path) -> None:
    result, _ = travel(worker, "The payment-server-01 is extremely slow and timing out.")
    with worker.registry.claim(result.incident.incident_id) as claim:
        assert claim is None
    assert len(restarts_of(tmp_path)) == 1
