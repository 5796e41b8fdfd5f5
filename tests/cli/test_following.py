"""What an engineer does is shown where the page went, once, however often it is said."""

from redis import Redis

from tests.escalation.desks import Desk, FakeSink
from tests.redis_servers import redis_fixture, valkey_fixture
from tests.registry.entries import accept, result_of
from worker.cli.failures import EXIT_INCOMPLETE
from worker.cli.following import follow_in_sinks
from worker.cli.queue_actions import QueueActions
from worker.contract import Disposition, TriageResult
from worker.contract.handling import Action
from worker.registry import Registry
from worker.registry.handling import Handlings

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
    redis: Redis,
) -> None:
    result, sink = escalated(redis), FakeSink()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result)
    desk.send("pager")
    for action in (Action.ACKNOWLEDGE, Action.ACKNOWLEDGE, Action.RESOLVE):
        QueueActions(redis).act_on([result.incident.incident_id], action)
    desk.send("pager")
    assert (len(sink.took), sink.showed) == (1, ["acknowledge", "resolve"])


def test_without_a_page_or_an_action_there_is_nothing_to_show(redis: Redis) -> None:
    incident_id = escalated(redis).incident.incident_id
    assert follow_in_sinks(redis, incident_id, Action.ACKNOWLEDGE) == []
    assert follow_in_sinks(redis, "inc-" + "0" * 20, Action.ACKNOWLEDGE) == []


def test_an_action_said_again_reaches_the_sinks_that_redis_went_away_from(
    redis: Redis,
) -> None:
    result, sink = escalated(redis), FakeSink()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result)
    desk.send("pager")
    incident_id = result.incident.incident_id
    Handlings(redis).act(incident_id, Action.RESOLVE, person="ann")
    for _ in range(2):
        assert QueueActions(redis).act_on([incident_id], Action.RESOLVE) == EXIT_INCOMPLETE
    desk.send("pager")
    assert sink.showed == ["resolve"]
