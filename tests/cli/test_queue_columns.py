"""The list of what waits in terminals of every width: what is wrong has room, and a line stays one line."""

from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis
from rich.console import Console

from tests.cli.queued import publish, rendered
from tests.escalation import builders
from tests.redis_servers import redis_fixture, valkey_fixture
from worker.cli.queue import Lists
from worker.cli.queue_page import Listed, table_of
from worker.contract.handling import Action, HandlingState
from worker.contract.queue import WAITING_INCIDENTS
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]

EVERY_COLUMN = ["urgency", "incident", "waits", "with", "server", "what"]


@pytest.mark.parametrize(
    ("width", "columns", "id_characters"),
    [
        (30, ["incident"], 12),
        (40, ["incident", "what"], 12),
        (60, ["urgency", "incident", "server", "what"], 12),
        (80, EVERY_COLUMN, 12),
        (100, EVERY_COLUMN, 12),
        (120, EVERY_COLUMN, 24),
        (200, EVERY_COLUMN, 24),
    ],
)
def test_at_every_width_a_line_is_one_line_with_an_id_that_commands_take_and_what_is_wrong(
    redis: Redis, width: int, columns: list[str], id_characters: int
) -> None:
    incident_id = publish(redis, server_id="a-server-with-a-long-name-in-frankfurt-01", summary="The disk is full " * 9)
    Lists(redis).waiting()
    Handlings(redis).act(incident_id, Action.ACKNOWLEDGE, person="somebody-with-a-long-name")
    page = rendered(redis, width=width)
    header, line = page.splitlines()[-2:]
    assert header.split() == columns
    assert incident_id[:id_characters] in line.split()
    assert ("The disk is full" in line) is ("what" in columns)
    assert all(len(each) <= width for each in page.splitlines())


@pytest.mark.parametrize(("width", "what", "server"), [(80, 34, "paymen…rt-01"), (90, 40, "payment-se…rt-01")])
def test_what_is_wrong_has_room_before_the_servers_name_which_keeps_its_end(
    redis: Redis, width: int, what: int, server: str
) -> None:
    publish(
        redis, server_id="payment-server-frankfurt-01", summary="Worker threads are exhausted: 2 of 2 busy since 14:02."
    )
    (line,) = Lists(redis).waiting().lines
    console = Console(width=width)
    with console.capture() as captured:
        now = line.waits_since + timedelta(minutes=59)
        console.print(table_of(Listed(lines=(line,), waiting=1), now=now, width=width))
    header, shown = captured.get().splitlines()[1:]
    assert shown[header.index("what") :] == "Worker threads are exhausted: 2 of 2 busy since 14:02."[: what - 1] + "…"
    assert server in shown.split()


def test_who_has_what_stands_there_once_somebody_has_one(redis: Redis) -> None:
    ids = [publish(redis, number) for number in range(2)]
    assert rendered(redis).splitlines()[1].split() == [name for name in EVERY_COLUMN if name != "with"]
    assert "nobody" not in rendered(redis)
    Handlings(redis).act(ids[0], Action.CLAIM, person="ann")
    page = rendered(redis)
    assert page.splitlines()[1].split() == EVERY_COLUMN
    assert all(holder in page for holder in (" ann ", " nobody "))


@pytest.mark.parametrize("hours", [0.5, 9.99, 23.99, 240, 2400])
def test_80_columns_have_every_column_however_long_it_waits(redis: Redis, hours: float) -> None:
    publish(redis, server_id="a-server-with-a-long-name-in-frankfurt-01", summary="The disk is full " * 9)
    (line,) = Lists(redis).waiting().lines
    held = replace(line, person="somebody-with-a-long-name", state=HandlingState.ACKNOWLEDGED)
    console = Console(width=80)
    with console.capture() as captured:
        now = line.waits_since + timedelta(hours=hours)
        console.print(table_of(Listed(lines=(held,), waiting=1), now=now, width=80))
    assert captured.get().splitlines()[1].split() == EVERY_COLUMN


def test_ids_that_begin_alike_are_shown_as_far_as_they_differ(redis: Redis) -> None:
    ids = ["inc-" + "0" * 20, "inc-" + "0" * 12 + "1" * 8, "inc-" + "a" * 20]
    waits = builders.result().finished_at
    for incident_id in ids:
        redis.zadd(WAITING_INCIDENTS, {incident_id: waits.timestamp()})
    shown = [line.split()[1] for line in rendered(redis, width=60).splitlines()[2:]]
    assert sorted(shown) == [incident_id[:17] for incident_id in ids]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 min"),
        (59, "0 min"),
        (3_660, "1 h 1 min"),
        (35_999, "9 h 59 min"),
        (86_399, "23 h "),
        (90_000, "1 d 1 h"),
    ],
)
def test_how_long_it_waits(redis: Redis, seconds: int, told: str) -> None:
    publish(redis)
    (line,) = Lists(redis).waiting().lines
    console = Console(width=160)
    with console.capture() as captured:
        now = line.waits_since + timedelta(seconds=seconds)
        console.print(table_of(Listed(lines=(line,), waiting=1), now=now, width=160))
    assert told in captured.get()
