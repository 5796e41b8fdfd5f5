"""The list of what waits: what is on the page and in the pipe, under every filter, and in a storm."""

import json
import time
from typing import Any

import pytest
from redis import Redis

from tests.cli.queued import publish, rendered
from tests.escalation import builders
from tests.redis_servers import SwitchableRedis, redis_fixture, valkey_fixture
from worker.cli.queue import Lists, list_waiting, watch_waiting
from worker.cli.queue_choice import Choice
from worker.cli.queue_page import as_record, history_of
from worker.contract import Disposition, Severity
from worker.contract.handling import Action
from worker.contract.queue import AUDIT_STREAM, WAITING_INCIDENTS, handling_key
from worker.contract.result import RestartOutcome
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]

HOSTILE = "\x1b[2J[bold]wiped[/bold] password=hunter2 \u202e"


def test_what_was_just_published_is_on_the_list_though_nobody_delivers(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    incident_id = publish(redis)
    list_waiting(Lists(redis), limit=10, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert record["incident_id"] == incident_id
    assert record["waits_since"] == builders.result().finished_at.isoformat()
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
    list_waiting(Lists(redis), limit=10, as_json=False)
    assert "1 incident waits for engineers" in capsys.readouterr().out


def test_the_page_says_who_has_what_and_how_many_are_not_shown(redis: Redis) -> None:
    ids = [publish(redis, number) for number in range(3)]
    Lists(redis).waiting()
    Handlings(redis).act(ids[0], Action.ACKNOWLEDGE, person="ann")
    page = rendered(redis)
    assert "3 incidents wait for engineers\n" in page
    assert builders.SERVER in page
    assert "ack ann" in page
    assert all(incident_id in page for incident_id in ids)
    assert "3 incidents wait for engineers, 1 of them not shown" in rendered(redis, limit=2)


def test_an_approval_that_is_wanted_and_a_restart_that_was_done_stand_before_what_is_wrong(redis: Redis) -> None:
    publish(redis, 1, disposition=Disposition.AWAITING_APPROVAL, summary="Threads hung [E1].")
    publish(redis, 2, restart=builders.restart(RestartOutcome.NOT_RESTORED), summary="Threads hung [E1].")
    page = rendered(redis)
    assert "to approve: Threads hung." in page
    assert "restarted: Threads hung." in page


def test_where_nothing_waits_there_is_no_table(redis: Redis) -> None:
    assert rendered(redis) == "0 incidents wait for engineers\n"


def test_only_what_was_asked_for_is_listed_and_counted(redis: Redis) -> None:
    severities = [Severity.CRITICAL, Severity.WARNING, Severity.WARNING, Severity.INFO]
    ids = [
        publish(redis, number, incident=builders.incident(number, severity=severity), server_id=f"web-{number % 2}")
        for number, severity in enumerate(severities)
    ]
    Lists(redis).waiting()
    Handlings(redis).act(ids[1], Action.CLAIM, person="ann")
    wanted: list[tuple[dict[str, Any], list[str]]] = [
        ({"person": "ann"}, [ids[1]]),
        ({"is_unclaimed": True}, [ids[0], ids[2], ids[3]]),
        ({"server": "web-1"}, [ids[1], ids[3]]),
        ({"server": "web-[01]"}, ids),
        ({"server": "*"}, ids),
        ({"server": "WEB-*"}, []),
        ({"severity": Severity.WARNING}, [ids[1], ids[2]]),
        ({"severity": Severity.WARNING, "server": "web-0", "is_unclaimed": True}, [ids[2]]),
    ]
    for choice, expected in wanted:
        listed = Lists(redis, choice=Choice(**choice)).waiting()
        assert {line.incident_id for line in listed.lines} == set(expected), choice
        assert (listed.fitting, listed.waiting, listed.not_shown) == (len(expected), 4, 0)
    assert "3 of 4 waiting incidents, 2 of them not shown" in rendered(redis, 1, is_unclaimed=True)


def test_a_pipe_gets_everything_and_is_told_where_a_limit_cuts(
    redis: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(120):
        publish(redis, number)
    list_waiting(Lists(redis), limit=None, as_json=True)
    said = capsys.readouterr()
    assert (len(said.out.splitlines()), said.err) == (120, "")
    list_waiting(Lists(redis), limit=50, as_json=True)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 50
    assert said.err == "firstline: 70 more are not printed: see --limit.\n"
    list_waiting(Lists(redis), limit=None, as_json=False)
    assert "120 incidents wait for engineers, 20 of them not shown" in capsys.readouterr().out


def test_a_damaged_line_says_so_and_the_others_stay_listed(redis: Any, capsys: pytest.CaptureFixture[str]) -> None:
    concluded, state, kind, whole = (publish(redis, number) for number in range(4))
    Lists(redis).waiting()
    redis.hset(handling_key(concluded), "concluded", '{"severity": "\x1b[2J')
    redis.hset(handling_key(state), mapping={"state": "lost", "since": "soon", "opened_at": "1e999"})
    redis.set(handling_key(kind), "another's")
    redis.zadd(WAITING_INCIDENTS, {"\x1b[2J": float("inf")})
    lines = {line.split()[1]: line for line in rendered(redis).splitlines()[2:]}
    assert "its entry can't be read" in lines[concluded]
    assert "unreadable" in lines[state]
    assert builders.SERVER in lines[state]
    assert "its entry can't be read" in lines[kind]
    assert builders.SERVER in lines[whole]
    assert r"\x1b[2J" in lines
    list_waiting(Lists(redis), limit=None, as_json=True)
    records = {record["incident_id"]: record for record in map(json.loads, capsys.readouterr().out.splitlines())}
    assert records[concluded]["severity"] is None
    assert (records[state]["state"], records[state]["opened_at"]) == (None, None)
    assert records[whole]["state"] == "open"


def test_hostile_words_have_no_effect_on_the_page_and_no_secret_is_on_it(redis: Redis) -> None:
    incident_id = publish(redis, summary=HOSTILE, server_id=HOSTILE[:200])
    Lists(redis).waiting()
    Handlings(redis).act(incident_id, Action.CLAIM, person=HOSTILE, words=HOSTILE)
    handling = Handlings(redis).find(incident_id)
    assert handling is not None
    (line,) = Handlings(redis).waiting()
    for text in (rendered(redis), history_of(handling), json.dumps(as_record(line))):
        assert "hunter2" not in text
        assert "\x1b[2J" not in text
        assert "\u202e" not in text


def test_the_list_is_shown_while_the_audit_is_broken_and_says_what_may_be_missing(
    redis: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(redis)
    list_waiting(Lists(redis), limit=10, as_json=True)
    redis.delete(AUDIT_STREAM)
    redis.set(AUDIT_STREAM, "another's")
    publish(redis, 2)
    capsys.readouterr()
    list_waiting(Lists(redis), limit=10, as_json=True)
    said = capsys.readouterr()
    assert "The newest results may be missing" in said.err
    assert len(said.out.splitlines()) == 1
    assert "The newest results may be missing" in rendered(redis)


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

    watch_waiting(Lists(switchable.client), limit=None, is_over=is_over, pause=pause)
    said = capsys.readouterr()
    assert "1 incident waits" in said.out
    assert said.err == "", "nothing is left below the page that counts otherwise"


@pytest.mark.integration
def test_a_storm_of_500_results_is_recorded_and_listed_in_seconds(valkey: Any) -> None:
    for number in range(500):
        publish(valkey, number, incident=builders.incident(number, severity=list(Severity)[number % 3]))
    lists = Lists(valkey)
    started = time.monotonic()
    assert len(lists.waiting().lines) == 500
    recorded = time.monotonic()
    table = lists.page(500, width=160)
    listed = time.monotonic()
    assert table is not None
    assert recorded - started < 15
    assert listed - recorded < 2, f"{listed - recorded:.2f} s"
