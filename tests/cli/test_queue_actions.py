"""What engineers do with the queue: each incident is told for itself, and one that is refused stops no other."""

import json
from typing import Any

import pytest
from redis import Redis

from tests.escalation import builders
from tests.redis_servers import SwitchableRedis, redis_fixture, valkey_fixture
from worker.cli import queue_actions
from worker.cli.failures import EXIT_INCOMPLETE, EXIT_REDIS, Unconfirmed
from worker.cli.queue_actions import QueueActions, show_handling
from worker.contract.handling import Action
from worker.contract.queue import AUDIT_STREAM, handling_history_key, handling_key
from worker.errors import FirstlineError
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]

UNKNOWN = "inc-" + "0" * 20


def opened(redis: Any, number: int = 1) -> str:
    result = builders.result(number)
    assert Handlings(redis).open(result)
    return result.incident.incident_id


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who sits at the command line: the last of the list."""
    names = ["ann"]
    monkeypatch.setattr(queue_actions, "person", lambda: names[-1])
    return names


def test_an_action_says_what_holds_and_a_refusal_who_has_it_since_when(
    redis: Redis, people: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    incident_id, actions = opened(redis), QueueActions(redis)
    for action in (Action.CLAIM, Action.CLAIM, Action.WRONG):
        assert actions.act_on([incident_id], action, words="the disk") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{incident_id}  claimed, by ann",
        f"{incident_id}  claimed, by ann (already)",
        f"{incident_id}  claimed, by ann  wrong is written down",
    ]
    people.append("bob")
    assert actions.act_on([incident_id], Action.CLAIM) == EXIT_INCOMPLETE
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{incident_id} is in the hands of ann since 20" in said.err
    assert said.err.endswith(" Nothing was changed.\n")
    QueueActions(redis, as_json=True).act_on([incident_id], Action.RELEASE)
    told = {"incident_id": incident_id, "state": "open", "person": None, "is_news": True}
    assert json.loads(capsys.readouterr().out) == told
    show_handling(redis, incident_id)
    assert "bob  release" in capsys.readouterr().out


def test_of_several_one_that_is_refused_stops_no_other_and_the_exit_code_tells(
    redis: Redis, people: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first, held, last = (opened(redis, number) for number in range(3))
    QueueActions(redis).act_on([held], Action.CLAIM)
    people.append("bob")
    capsys.readouterr()
    names = [first, held, "", "no id", UNKNOWN, last]
    assert QueueActions(redis, as_json=True).act_on(names, Action.CLAIM) == EXIT_INCOMPLETE
    said = capsys.readouterr()
    records = [json.loads(line) for line in said.out.splitlines()]
    assert [(record["incident_id"], record.get("refused")) for record in records] == [
        (first, None),
        (held, "held"),
        ("", "no_id"),
        ("no id", "no_id"),
        (UNKNOWN, "unknown"),
        (last, None),
    ]
    assert "in the hands of ann since" in records[1]["detail"]
    assert said.err == ""
    assert QueueActions(redis).act_on([first, last], Action.RESOLVE, words="over") == 0


def test_an_incident_named_twice_gets_one_note(redis: Any) -> None:
    incident_id = opened(redis)
    QueueActions(redis).act_on([incident_id, incident_id[:12], incident_id], Action.NOTE, words="so")
    assert redis.llen(handling_history_key(incident_id)) == 1


def test_every_action_takes_the_beginning_of_an_id(redis: Any, capsys: pytest.CaptureFixture[str]) -> None:
    incident_id = opened(redis)
    opened(redis, 2)
    for action in (Action.CLAIM, Action.ACKNOWLEDGE, Action.RELEASE, Action.NOTE, Action.RIGHT, Action.WRONG):
        assert QueueActions(redis).act_on([incident_id[:12]], action, words="so") == 0
    for action in (Action.RESOLVE, Action.REOPEN):
        assert QueueActions(redis).act_on([incident_id[:12]], action, words="so") == 0
    assert all(line.startswith(incident_id) for line in capsys.readouterr().out.splitlines())
    show_handling(redis, incident_id[:12])
    assert "ann  reopen: so" in capsys.readouterr().out


def test_a_damaged_one_is_told_and_stops_no_other(redis: Any, capsys: pytest.CaptureFixture[str]) -> None:
    unreadable, foreign, whole = (opened(redis, number) for number in range(3))
    redis.hset(handling_key(unreadable), "concluded", "{")
    redis.delete(handling_key(foreign))
    redis.set(handling_key(foreign), "another's")
    assert QueueActions(redis).act_on([unreadable, foreign, whole], Action.RIGHT) == EXIT_REDIS
    said = capsys.readouterr()
    assert "nobody can judge it; all else can be done with it" in said.err
    assert "something else has written to a key of the desk" in said.err
    assert said.out == f"{whole}  open  right is written down\n"


def test_a_history_that_can_not_be_read_is_told_with_what_helps(redis: Any, capsys: pytest.CaptureFixture[str]) -> None:
    incident_id = opened(redis)
    redis.rpush(handling_history_key(incident_id), "soon {")
    with pytest.raises(FirstlineError, match=r"can't be read .* `firstline queue resolve"):
        show_handling(redis, incident_id)
    assert QueueActions(redis).act_on([incident_id], Action.RESOLVE, words="over") == EXIT_INCOMPLETE
    said = capsys.readouterr()
    assert said.out == f"{incident_id}  resolved, by ann\n"
    assert "It is done, but no sink shows it: " in said.err


def test_a_handling_that_is_none_is_told(redis: Redis) -> None:
    with pytest.raises(FirstlineError, match="waits for nobody, or is forgotten"):
        show_handling(redis, UNKNOWN)
    with pytest.raises(FirstlineError, match=r"'inc-x' is no incident's id: `firstline queue` lists the ids"):
        show_handling(redis, "inc-x")


def test_without_redis_nothing_more_is_tried() -> None:
    switchable = SwitchableRedis()
    ids = [opened(switchable.client, number) for number in range(2)]
    switchable.goes_away()
    with pytest.raises(Unconfirmed, match=f"not known whether {ids[0]} was handled so"):
        QueueActions(switchable.client).act_on(ids, Action.CLAIM)
    switchable.comes_back()
    assert switchable.client.xlen(AUDIT_STREAM) == 0


def test_an_empty_pipe_is_told_and_is_no_failure(redis: Redis, capsys: pytest.CaptureFixture[str]) -> None:
    assert QueueActions(redis).act_on([], Action.CLAIM) == 0
    assert capsys.readouterr().err == "firstline: No incident was named: nothing was changed.\n"
