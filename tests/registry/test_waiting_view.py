"""How much waits for engineers: counted whole, and the oldest is found however urgent it is."""

from datetime import timedelta

import pytest
from redis import Redis

from tests.escalation.builders import NOW, incident, result
from worker.contract.handling import Action
from worker.contract.incident import Severity
from worker.contract.queue import WAITING_INCIDENTS
from worker.registry.handling import Handlings
from worker.registry.waiting_view import Waited, incidents_waiting, proposals_waiting


def test_nothing_waits_in_an_empty_redis(redis: Redis) -> None:
    nothing = Waited(count=0, oldest_seconds=None)
    assert (incidents_waiting(redis), proposals_waiting(redis, within_seconds=1800)) == (nothing, nothing)


@pytest.mark.parametrize("oldest", list(Severity))
def test_the_oldest_incident_is_found_among_all_urgencies(redis: Redis, oldest: Severity) -> None:
    handlings = Handlings(redis)
    for number, severity in enumerate(Severity):
        finished_at = NOW - timedelta(hours=1 if severity is oldest else 0)
        handlings.open(result(incident=incident(number, severity=severity), finished_at=finished_at))
    first = incidents_waiting(redis)
    handlings.act(incident(list(Severity).index(oldest)).incident_id, Action.RESOLVE, person="ann")
    second = incidents_waiting(redis)
    assert (first.count, second.count) == (3, 2)
    assert first.oldest_seconds is not None
    assert second.oldest_seconds is not None
    assert first.oldest_seconds - second.oldest_seconds == pytest.approx(3600, abs=30)


def test_a_score_that_nobody_of_the_desk_gave_hides_no_other(redis: Redis) -> None:
    Handlings(redis).open(result(1))
    well = incidents_waiting(redis).oldest_seconds
    redis.zadd(WAITING_INCIDENTS, {"inc-far": float("inf"), "inc-below": -1})
    assert well is not None
    waited = incidents_waiting(redis)
    assert waited.count == 3
    assert waited.oldest_seconds == pytest.approx(well, abs=30)
