"""What an engineer does is shown where the page went, once, however often it is said."""

from dataclasses import dataclass, field
from typing import cast

from redis import Redis

from tests.escalation.desks import Desk, FakeSink
from tests.redis_servers import redis_fixture, valkey_fixture
from tests.registry.entries import finished
from worker.cli.failures import EXIT_INCOMPLETE
from worker.cli.following import follow_in_sinks
from worker.cli.queue_actions import QueueActions
from worker.contract import Disposition, TriageResult
from worker.contract.handling import DESK, Action, Handled
from worker.contract.queue import RESULTS_STREAM, incident_key
from worker.contract.result import Refusal
from worker.registry.dead_letters import DeadLetters
from worker.registry.handling import Acted, Handlings

__all__ = ["redis_fixture", "valkey_fixture"]


def test_an_action_on_the_queue_reaches_the_sinks_that_have_the_page_once(
    redis: Redis,
) -> None:
    result, sink = finished(redis, Disposition.ESCALATED), FakeSink()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result)
    desk.send("pager")
    for action in (Action.ACKNOWLEDGE, Action.ACKNOWLEDGE, Action.RESOLVE):
        QueueActions(redis).act_on([result.incident.incident_id], action)
    desk.send("pager")
    assert (len(sink.took), sink.showed) == (1, ["acknowledge", "resolve"])


def shown_of_what_was_buried(redis: Redis) -> list[str]:
    """Page the newest dead letter, let an engineer work on it, and return what the sink showed."""
    ((_, fields),) = cast("list[tuple[str, dict[str, str]]]", redis.xrevrange(RESULTS_STREAM, count=1))
    result, sink = TriageResult.model_validate_json(fields["result"]), FakeSink()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result)
    desk.send("pager")
    for action in (Action.ACKNOWLEDGE, Action.NOTE, Action.RESOLVE):
        QueueActions(redis).act_on([result.incident.incident_id], action, words="seen")
    desk.send("pager")
    assert len(sink.took) == 1
    return sink.showed


def test_what_is_done_with_a_dead_letter_is_shown_where_its_page_is(redis: Redis) -> None:
    DeadLetters(redis).bury("unreadable_result", content=b"x", found_in=RESULTS_STREAM, detail="no field")
    assert shown_of_what_was_buried(redis) == ["acknowledge", "note", "resolve"]


def test_what_is_done_with_an_entry_that_nobody_can_read_is_shown_where_its_page_is(redis: Redis) -> None:
    incident_id = "inc-" + "b" * 20
    redis.hset(incident_key(incident_id), mapping={"state": "CLAIMED", "incident": "garbage"})
    DeadLetters(redis).bury_entry(incident_id, why="it holds no incident")
    assert shown_of_what_was_buried(redis) == ["acknowledge", "note", "resolve"]


def test_without_a_page_or_an_action_there_is_nothing_to_show(redis: Redis) -> None:
    incident_id = finished(redis, Disposition.ESCALATED).incident.incident_id
    assert follow_in_sinks(redis, incident_id, Action.ACKNOWLEDGE) == []
    assert follow_in_sinks(redis, "inc-" + "0" * 20, Action.ACKNOWLEDGE) == []


def test_an_action_said_again_reaches_the_sinks_that_redis_went_away_from(
    redis: Redis,
) -> None:
    result, sink = finished(redis, Disposition.ESCALATED), FakeSink()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result)
    desk.send("pager")
    incident_id = result.incident.incident_id
    Handlings(redis).act(incident_id, Action.RESOLVE, person="ann")
    for _ in range(2):
        assert QueueActions(redis).act_on([incident_id], Action.RESOLVE) == EXIT_INCOMPLETE
    desk.send("pager")
    assert sink.showed == ["resolve"]


@dataclass
class Wording(FakeSink):
    """Keeps the words of what it was to show."""

    words: list[str] = field(default_factory=list)

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        self.words.append(handled.words)
        return super().follow(result, handled)


class Interrupted(QueueActions):
    """Lets the desk write a note between an engineer's and the telling of it."""

    def _answer(self, incident_id: str, action: Action, words: str) -> Acted | Refusal:
        answer = super()._answer(incident_id, action, words)
        self._handlings.act(incident_id, Action.NOTE, person=DESK, words="the restart ended")
        return answer


def noted_in_sinks(redis: Redis, actions: type[QueueActions]) -> tuple[str, Wording]:
    """Write a note on an incident that a sink has, and return its id and the sink."""
    result, sink = finished(redis, Disposition.ESCALATED), Wording()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result)
    desk.send("pager")
    incident_id = result.incident.incident_id
    actions(redis).act_on([incident_id], Action.NOTE, words="the pool is full")
    desk.send("pager")
    return incident_id, sink


def test_a_note_is_shown_though_the_desk_wrote_another_before_the_sinks_were_told(redis: Redis) -> None:
    _, sink = noted_in_sinks(redis, Interrupted)
    assert sink.words == ["the pool is full"]


def test_control_the_newest_note_may_be_anothers(redis: Redis) -> None:
    incident_id, sink = noted_in_sinks(redis, Interrupted)
    follow_in_sinks(redis, incident_id, Action.NOTE)
    Desk(redis, {"pager": sink}).send("pager")
    assert sink.words == ["the pool is full", "the restart ended"]


def test_a_note_is_the_same_to_the_sinks_as_it_is_written_down_and_as_the_history_has_it(redis: Redis) -> None:
    incident_id, _ = noted_in_sinks(redis, QueueActions)
    assert follow_in_sinks(redis, incident_id, Action.NOTE) == []
