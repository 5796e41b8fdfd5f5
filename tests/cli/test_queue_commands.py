"""The queue's commands as they are typed: several ids, ids from a pipe, words behind ids, and what makes no sense."""

import json

import pytest
from redis import Redis
from typer.testing import CliRunner, Result

from tests.cli.test_queue_actions import opened
from tests.redis_servers import redis_fixture, valkey_fixture
from worker import bootstrap
from worker.cli.queue_commands import queue
from worker.contract.queue import handling_history_key

__all__ = ["redis_fixture", "valkey_fixture"]


@pytest.fixture(autouse=True)
def connected(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "connect", lambda _: redis)


def typed(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(queue, list(arguments), input=stdin, env={"COLUMNS": "200"})


def test_what_the_list_prints_as_json_can_be_claimed_and_closed_in_one_go(redis: Redis) -> None:
    ids = {opened(redis, number) for number in range(3)}
    assert typed("claim", min(ids)).exit_code == 0
    listed = typed("--json", "--unclaimed")
    assert len(listed.stdout.splitlines()) == 2
    claimed = typed("claim", "-", "--json", stdin=listed.stdout)
    assert {json.loads(line)["incident_id"] for line in claimed.stdout.splitlines()} == ids - {min(ids)}
    mine = typed("--json", "--mine").stdout
    assert typed("resolve", "-", "--note", "over", stdin=mine).exit_code == 0
    assert typed("--json").stdout == ""
    assert typed("reopen", "--why", "again", *ids).exit_code == 0


def test_one_that_is_refused_makes_the_exit_code_1_and_stops_no_other(redis: Redis) -> None:
    incident_id = opened(redis)
    done = typed("claim", "", "no id", incident_id[:12])
    assert (done.exit_code, done.stdout.split()[0]) == (1, incident_id)
    assert len(done.stderr.splitlines()) == 2


def test_the_words_of_a_note_come_last(redis: Redis) -> None:
    ids = [opened(redis, number) for number in range(2)]
    assert typed("note", ids[0], "the disk is full").exit_code == 0
    assert typed("note", *ids, "both of them").exit_code == 0
    assert typed("note", "-", "from a pipe", stdin=f"{ids[1]}  open\n").exit_code == 0
    assert [redis.llen(handling_history_key(incident_id)) for incident_id in ids] == [2, 2]


@pytest.mark.parametrize("count", [1, 2])
def test_a_note_without_words_writes_no_id_as_its_words(redis: Redis, count: int) -> None:
    ids = [opened(redis, number) for number in range(count)]
    told = typed("note", *ids)
    assert told.exit_code == 2
    assert "give the ids first, then the words in quotes" in told.stderr
    assert redis.llen(handling_history_key(ids[0])) == 0


@pytest.mark.parametrize("words", [("hello", "world"), ("the", "disk", "is", "full"), ("", "the disk is full")])
def test_a_note_whose_words_stand_in_no_quotes_is_not_written(redis: Redis, words: tuple[str, ...]) -> None:
    incident_id = opened(redis)
    told = typed("note", incident_id, *words)
    assert told.exit_code == 2
    assert f"'{words[0]}' is no incident's id" in told.stderr
    assert "put the words in quotes" in told.stderr
    assert redis.llen(handling_history_key(incident_id)) == 0


def test_a_line_of_a_pipe_that_names_nothing_stops_no_note(redis: Redis) -> None:
    incident_id = opened(redis)
    told = typed("note", "-", "the disk is full", stdin=f"incident\n{incident_id}\n")
    assert told.exit_code == 1
    assert redis.llen(handling_history_key(incident_id)) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--mine", "--unclaimed"], "either --mine or --unclaimed"),
        (["--watch"], "--watch is for a terminal"),
        (["--severity", "bogus"], "is not one of"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: list[str], told: str) -> None:
    answer = typed(*arguments)
    assert answer.exit_code == 2
    assert told in answer.stderr
