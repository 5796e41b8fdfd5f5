"""What an engineer does is shown where the page went, once, however often it is said."""

import pytest
from redis import Redis

from tests.escalation.desks import Desk, FakeSink
from tests.redis_servers import redis_fixture, valkey_fixture
from tests.registry.entries import accept, result_of
from worker.cli import queue as queue_module
from worker.cli.following import follow_in_sinks
from worker.cli.queue import act_on
from worker.contract import Disposition, TriageResult
from worker.contract.handling import Action
from worker.errors import FirstlineError
from worker.registry import Registry
from worker.registry.handling import Handlings
from worker.settings import RedisSettings

__all__ = ["redis_fixture", "valkey_fixture"]


def escalated(redis: Redis) -> TriageResult:
    """Take an incident in, and finish its triage with an escalation."""
    incident, registry = accept(redis), Registry(redis, worker="w1")
    result = result_of(incident).model_copy(update={"disposition": Disposition.ESCALATED})
    with registry.claim(incident.incident_id) as claim:
        assert claim is not None
        claim.finish(result)
    registry.close()
    return result


def test_an_action_on_the_queue_reaches_the_sinks_that_have_the_page_once(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "connect", lambda _: redis)
    result, sink = escalated(redis), FakeSink()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result)
    desk.send("pager")
    for action in (Action.ACKNOWLEDGE, Action.ACKNOWLEDGE, Action.RESOLVE):
        act_on(RedisSettings(_env_file=None), result.incident.incident_id, action)
    desk.send("pager")
    assert (len(sink.took), sink.showed) == (1, ["acknowledge", "resolve"])


def test_without_a_page_or_an_action_there_is_nothing_to_show(redis: Redis) -> None:
    incident_id = escalated(redis).incident.incident_id
    assert follow_in_sinks(redis, incident_id, Action.ACKNOWLEDGE) == []
    assert follow_in_sinks(redis, "inc-" + "0" * 20, Action.ACKNOWLEDGE) == []


def test_an_action_said_again_reaches_the_sinks_that_redis_went_away_from(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "connect", lambda _: redis)
    result, sink = escalated(redis), FakeSink()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result)
    desk.send("pager")
    incident_id = result.incident.incident_id
    Handlings(redis).act(incident_id, Action.RESOLVE, person="ann")
    for _ in range(2):
        with pytest.raises(FirstlineError, match="was resolved by ann"):
            act_on(RedisSettings(_env_file=None), incident_id, Action.RESOLVE)
    desk.send("pager")
    assert sink.showed == ["resolve"]
