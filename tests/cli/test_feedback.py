"""What `firstline feedback` prints: each figure once, and below them why engineers found the desk wrong."""

import json
from typing import Any

import pytest
from redis import Redis

from tests.escalation import builders
from tests.redis_servers import redis_fixture, valkey_fixture
from worker.cli import feedback as printed
from worker.contract.handling import Action
from worker.contract.queue import FEEDBACK
from worker.registry.handling import Acted, Handlings
from worker.settings import RedisSettings

__all__ = ["redis_fixture", "valkey_fixture"]


@pytest.fixture(autouse=True)
def connected(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printed, "connect", lambda _: redis)


def judge(redis: Redis, number: int, action: Action, *, words: str = "", **changes: Any) -> str:
    handlings, result = Handlings(redis), builders.result(number, **changes)
    handlings.open(result)
    assert isinstance(handlings.act(result.incident.incident_id, action, person="ann", words=words), Acted)
    return result.incident.incident_id


def shown(capsys: pytest.CaptureFixture[str], *, as_json: bool = False) -> list[str]:
    printed.show_figures(RedisSettings(), as_json=as_json)
    return capsys.readouterr().out.splitlines()


def test_what_is_alike_of_all_is_said_once_with_why_it_was_wrong(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    judge(redis, 1, Action.RIGHT)
    incident_id = judge(redis, 2, Action.WRONG, words="the disk was full")
    share, alike, reasons, reason = shown(capsys)
    assert share.split()[:5] == ["all", "1", "of", "2", "right"]
    assert alike.startswith("All of them: model ")
    assert reasons == "why it was wrong, the newest first"
    assert reason.endswith(f"Z  {incident_id}  {builders.SERVER}  ann: the disk was full")


def test_what_differs_has_a_table_of_its_own(redis: Redis, capsys: pytest.CaptureFixture[str]) -> None:
    judge(redis, 1, Action.RIGHT, model="one")
    judge(redis, 2, Action.RIGHT, model="two")
    lines = shown(capsys)
    assert [line.split()[0] for line in lines[lines.index("model") + 1 :]][:2] == ["one", "two"]
    assert not any("why it was wrong" in line for line in lines)


def test_of_many_reasons_the_newest_ten_are_listed(redis: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(12):
        judge(redis, number, Action.WRONG, words=f"reason {number:02d}")
    for name, stored in redis.hgetall(FEEDBACK).items():
        number = int(stored.partition("reason ")[2][:2])
        redis.hset(FEEDBACK, name, f"{number * 1000} {stored.partition(' ')[2]}")
    lines = shown(capsys)
    told = [line.partition("reason ")[2] for line in lines if ": reason" in line]
    assert told == [f"{number:02d}" for number in range(11, 1, -1)]
    assert lines[-1] == "  and 2 more: see `firstline feedback export`"


def test_hostile_reasons_have_no_effect_and_show_no_secret(redis: Redis, capsys: pytest.CaptureFixture[str]) -> None:
    judge(redis, 1, Action.WRONG, words="\x1b[2J password=hunter2", server_id="web\x1b[2J")
    text = "\n".join(shown(capsys))
    assert "\x1b" not in text
    assert "hunter2" not in text


def test_pipes_get_every_figure(redis: Redis, capsys: pytest.CaptureFixture[str]) -> None:
    judge(redis, 1, Action.RIGHT)
    (line,) = shown(capsys, as_json=True)
    assert set(json.loads(line)) == {"all", "model", "answered_by", "prompt_hash", "disposition", "ending"}


def test_where_nobody_judged_the_way_to_do_so_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = shown(capsys)
    assert "`firstline queue right`" in line
