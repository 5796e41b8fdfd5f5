"""The escalation queue at the command line: what is on the page, what an action says, and a storm."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from rich.console import Console

from tests.escalation import builders
from tests.redis_servers import SwitchableRedis, redis_fixture, valkey_fixture
from worker.cli import queue as queue_module
from worker.cli.queue import Lists, act_on, list_waiting, show_handling, watch_waiting
from worker.cli.queue_page import as_record, history_of, table_of
from worker.contract import Severity
from worker.contract.handling import Action
from worker.contract.queue import AUDIT_STREAM, RESULTS_STREAM
from worker.errors import FirstlineError
from worker.registry.handling import Handlings
from worker.settings import RedisSettings

__all__ = ["redis_fixture", "valkey_fixture"]

HOSTILE = "\x1b[2J[bold]wiped[/bold] password=hunter2 \u202e"


def publish(redis: Any, number: int = 1, **changes: Any) -> str:
    result = builders.result(number, **changes)
    incident_id = result.incident.incident_id
    redis.xadd(RESULTS_STREAM, {"incident_id": incident_id, "version": "1", "result": result.model_dump_json()})
    return incident_id


@pytest.fixture
def settings(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> RedisSettings:
    """Settings whose Redis is the test's."""
    monkeypatch.setattr(queue_module, "connect", lambda _: redis)
    return RedisSettings(_env_file=None)


def rendered(redis: Redis, limit: int = 100) -> str:
    console = Console(width=160, record=True, markup=False, file=None)
    with console.capture() as captured:
        console.print(Lists(redis, newest_first=False).page(limit))
    return captured.get()


def test_what_was_just_published_is_on_the_list_though_nobody_delivers(
    redis: Redis, settings: RedisSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    incident_id = publish(redis)
    list_waiting(settings, limit=10, newest_first=False, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert record["incident_id"] == incident_id
    assert set(record) == {
        "incident_id",
        "state",
        "person",
        "waits_since",
        "opened_at",
        "summary",
        "severity",
        "server_id",
        "service",
        "disposition",
        "ending",
        "finished_at",
    }
    list_waiting(settings, limit=10, newest_first=False, as_json=False)
    assert "1 incident waits for engineers" in capsys.readouterr().out


def test_the_page_says_who_has_what_and_how_many_are_not_shown(redis: Redis) -> None:
    ids = [publish(redis, number) for number in range(3)]
    Lists(redis, newest_first=False).waiting(10)
    Handlings(redis).act(ids[0], Action.ACKNOWLEDGE, person="ann")
    page = rendered(redis)
    assert "3 incidents wait for engineers " in page
    assert builders.SERVER in page
    assert "ann (ack)" in page
    assert all(incident_id in page for incident_id in ids)
    assert "3 incidents wait for engineers, of which 2 are shown" in rendered(redis, limit=2)


def test_hostile_words_have_no_effect_on_the_page_and_no_secret_is_on_it(redis: Redis) -> None:
    incident_id = publish(redis, summary=HOSTILE, server_id=HOSTILE[:200])
    Lists(redis, newest_first=False).waiting(10)
    Handlings(redis).act(incident_id, Action.CLAIM, person=HOSTILE, words=HOSTILE)
    handling = Handlings(redis).find(incident_id)
    assert handling is not None
    (line,) = Handlings(redis).waiting(10)
    for text in (rendered(redis), history_of(handling), json.dumps(as_record(line))):
        assert "hunter2" not in text
        assert "\x1b[2J" not in text
        assert "\u202e" not in text


@pytest.mark.parametrize(("seconds", "told"), [(-5, "0 min"), (59, "0 min"), (3_660, "1 h 1 min"), (90_000, "1 d 1 h")])
def test_how_long_it_waits(redis: Redis, seconds: int, told: str) -> None:
    publish(redis)
    (line,) = Lists(redis, newest_first=False).waiting(1)
    console = Console(width=160)
    with console.capture() as captured:
        console.print(table_of([line], count=1, now=line.waits_since + timedelta(seconds=seconds)))
    assert told in captured.get()


def test_an_action_says_what_holds_and_a_refusal_why(
    redis: Redis, settings: RedisSettings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    incident_id = publish(redis)
    Lists(redis, newest_first=False).waiting(1)
    monkeypatch.setattr(queue_module, "person", lambda: "ann")
    act_on(settings, incident_id, Action.CLAIM)
    act_on(settings, incident_id, Action.CLAIM)
    act_on(settings, incident_id, Action.WRONG, words="the disk")
    told = capsys.readouterr().out.splitlines()
    assert told == [
        f"{incident_id}  claimed, by ann",
        f"{incident_id}  claimed, by ann (already)",
        f"{incident_id}  claimed, by ann  wrong is written down",
    ]
    monkeypatch.setattr(queue_module, "person", lambda: "bob")
    with pytest.raises(FirstlineError, match=r"in the hands of ann since .* Nothing was changed\."):
        act_on(settings, incident_id, Action.CLAIM)
    act_on(settings, incident_id, Action.RELEASE, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "incident_id": incident_id,
        "state": "open",
        "person": None,
        "is_news": True,
    }
    show_handling(settings, incident_id)
    assert "bob  release" in capsys.readouterr().out


def test_a_handling_that_is_none_is_told(redis: Redis, settings: RedisSettings) -> None:
    with pytest.raises(FirstlineError, match="waits for nobody, or is forgotten"):
        show_handling(settings, "inc-x")


def test_the_list_is_shown_while_the_audit_is_broken_and_says_what_may_be_missing(
    redis: Any, settings: RedisSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(redis)
    list_waiting(settings, limit=10, newest_first=False, as_json=True)
    redis.delete(AUDIT_STREAM)
    redis.set(AUDIT_STREAM, "another's")
    publish(redis, 2)
    capsys.readouterr()
    list_waiting(settings, limit=10, newest_first=False, as_json=True)
    said = capsys.readouterr()
    assert "The newest results may be missing" in said.err
    assert len(said.out.splitlines()) == 1


def test_watching_shows_an_outage_in_the_lists_place_and_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    switchable = SwitchableRedis()
    publish(switchable.client)
    rounds = [switchable.comes_back, switchable.goes_away]

    def is_over() -> bool:
        return len(pauses) == 3

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if rounds:
            rounds.pop()()

    pauses = list[float]()

    watch_waiting(Lists(switchable.client, newest_first=False), limit=10, is_over=is_over, pause=pause)
    assert "1 incident waits" in capsys.readouterr().out


@pytest.mark.integration
def test_a_storm_of_500_results_is_recorded_and_listed_in_seconds(valkey: Any) -> None:
    for number in range(500):
        publish(valkey, number, incident=builders.incident(number, severity=list(Severity)[number % 3]))
    lists = Lists(valkey, newest_first=False)
    started = time.monotonic()
    assert len(lists.waiting(500)) == 500
    recorded = time.monotonic()
    table = lists.page(500)
    listed = time.monotonic()
    assert table is not None
    assert recorded - started < 15
    assert listed - recorded < 2, f"{listed - recorded:.2f} s"
