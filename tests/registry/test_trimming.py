"""Trimming: only what everybody has acknowledged is forgotten, and only when it is old."""

from typing import Any

import pytest

from tests.redis_servers import valkey_fixture
from worker.contract.queue import ESCALATION_GROUP, RESULTS_STREAM
from worker.registry.trimming import ResultsTrimmer

__all__ = ["valkey_fixture"]

pytestmark = pytest.mark.integration

ENTRIES = 1_000
"""Some nodes of the stream: it forgets whole ones only."""


@pytest.fixture
def stream(valkey: Any) -> Any:
    """Results from long ago, one a millisecond from 1 on, and one of now."""
    with valkey.pipeline() as pipeline:
        for number in range(1, ENTRIES + 1):
            pipeline.xadd(RESULTS_STREAM, {"result": "{}"}, id=f"{number}-0")
        pipeline.xadd(RESULTS_STREAM, {"result": "{}"})
        pipeline.execute()
    return valkey


def read(redis: Any, group: str, *, count: int, acknowledged: int) -> None:
    redis.xgroup_create(RESULTS_STREAM, group, id="0")
    ((_, entries),) = redis.xreadgroup(group, "c1", {RESULTS_STREAM: ">"}, count=count)
    if acknowledged:
        redis.xack(RESULTS_STREAM, group, *(entry_id for entry_id, _ in entries[:acknowledged]))


def oldest(redis: Any) -> int:
    ((entry_id, _),) = redis.xrange(RESULTS_STREAM, count=1)
    return int(entry_id.partition("-")[0])


def test_what_every_group_has_acknowledged_is_forgotten_when_it_is_old(stream: Any) -> None:
    read(stream, ESCALATION_GROUP, count=ENTRIES + 1, acknowledged=ENTRIES + 1)
    assert ResultsTrimmer(stream).trim() >= ENTRIES - 200
    assert stream.xlen(RESULTS_STREAM) >= 1


def test_what_is_pending_is_kept_with_all_that_is_newer(stream: Any) -> None:
    read(stream, ESCALATION_GROUP, count=ENTRIES, acknowledged=500)
    ResultsTrimmer(stream).trim()
    assert 1 < oldest(stream) <= 501


def test_what_one_group_has_not_been_given_is_kept_for_it(stream: Any) -> None:
    read(stream, ESCALATION_GROUP, count=ENTRIES, acknowledged=ENTRIES)
    read(stream, "archive", count=300, acknowledged=300)
    ResultsTrimmer(stream).trim()
    assert 1 < oldest(stream) <= 301


def test_nothing_young_is_forgotten(stream: Any) -> None:
    read(stream, ESCALATION_GROUP, count=ENTRIES + 1, acknowledged=ENTRIES + 1)
    assert ResultsTrimmer(stream, retention_seconds=100 * 365 * 24 * 3600).trim() == 0


def test_while_nobody_reads_nothing_is_forgotten(stream: Any, valkey: Any) -> None:
    assert ResultsTrimmer(stream).trim() == 0
    valkey.delete(RESULTS_STREAM)
    assert ResultsTrimmer(valkey).trim() == 0
