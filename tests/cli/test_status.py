"""The desk at a glance: one bad value, or one key of the wrong type, hides nothing but itself."""

import json
from typing import Any

import pytest
from fakeredis import FakeRedis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.escalation.builders import result
from tests.escalation.desks import Desk, Failing, FakeSink
from tests.guardrails.claims import ask
from tests.redis_servers import SwitchableRedis, let_time_pass
from tests.registry.entries import accept
from worker.bootstrap import make_guard
from worker.cli.status import read_desk
from worker.cli.status_page import page_of
from worker.contract.handling import Action
from worker.contract.queue import PROPOSALS, incident_key
from worker.contract.result import Disposition
from worker.errors import NotDelivered
from worker.guardrails.policy import Policy
from worker.registry import Registry
from worker.registry.handling import Handlings

PARTS = {
    "queues": "celery:triage.p1",
    "open_incidents": "firstline:incidents:open",
    "oldest_open_seconds": "firstline:incidents:open",
    "waiting_incidents": "firstline:handling:waiting",
    "proposals": "firstline:proposals",
    "restart_locks": "firstline:restarts:open",
    "unreadable_restarts": "firstline:restarts:open",
    "dead_letters": "firstline:dead-letters",
    "sinks": "firstline:sinks",
    "given_up": "firstline:deliveries:given-up",
    "oldest_incidents": "firstline:incidents:open",
}


class ConfiguredRedis(FakeRedis):
    """A fakeredis that says how it is configured."""

    def config_get(self, pattern: str) -> dict[str, str]:  # type: ignore[override] # as a client that decodes
        good = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        return {pattern: good[pattern]}

    def info(self, section: str) -> dict[str, str]:  # type: ignore[override] # likewise
        return {"role": "master"}


@pytest.fixture
def redis() -> Any:
    return ConfiguredRedis(decode_responses=True)


def propose(redis: Any, number: int) -> None:
    """Put in an incident whose restart waits for a word, as a worker leaves it."""
    proposed = result(number, disposition=Disposition.AWAITING_APPROVAL)
    incident_id, closed_at = proposed.incident.incident_id, redis.time()[0] * 1000
    entry = {"state": "CLOSED", "disposition": proposed.disposition, "closed_at": closed_at}
    redis.hset(incident_key(incident_id), mapping={**entry, "result": proposed.model_dump_json()})
    redis.zadd(PROPOSALS, {incident_id: closed_at})


def page(redis: Any) -> str:
    desk = read_desk(redis)
    json.dumps({**desk.found, "unreadable": desk.unreadable}, default=str, allow_nan=False)
    return page_of(desk.found, desk.unreadable)


def test_what_people_and_workers_said_is_masked(redis: Any) -> None:
    make_guard(redis, Policy(), worker="w1").halt("ann: password=hunter2 at 10.1.2.3")
    registry = Registry(redis, worker="w1")
    registry.beat({"model": "password=hunter2", "concurrency": 16})
    registry.close()
    shown = page(redis)
    assert "HALTED: ann: password=[PASSWORD] at [IP_ADDRESS]" in shown
    assert "hunter2" not in shown


def test_the_page_shows_every_part(redis: Any) -> None:
    incident = accept(redis)
    ask(make_guard(redis, Policy(), worker="w1"), "inc-another", "web-1")
    registry = Registry(redis, worker="w1")
    registry.beat({"model": "rules", "concurrency": 16})
    registry.close()
    shown = page(redis)
    assert [line.split()[0] for line in shown.splitlines() if not line.startswith(" ")] == [
        "queues", "open", "waiting", "proposals", "restarts", "locks", "dead", "sinks", "workers", "oldest", "redis",
    ]  # fmt: skip
    for words in (
        "open       1 incident, the oldest for 0 min\n",
        "not halted",
        "web-1  INTENT",
        "w1  rules  concurrency 16",
        incident.incident_id,
    ):
        assert words in shown


def test_a_sink_that_fails_is_shown_with_since_when_why_and_how_much_waits(redis: Any) -> None:
    sinks = {"pager": FakeSink(before=Failing(NotDelivered("It said password=hunter2 again."))), "mail": FakeSink()}
    desk = Desk(redis, sinks)
    desk.deliver(result(1), result(2))
    desk.send("pager")
    desk.send("mail")
    shown = page(redis)
    assert "sinks      2 in use, 1 FAIL\n  pager  FAILS since 20" in shown
    assert "(2 times)  2 wait  It said password=[PASSWORD] again." in shown
    assert "mail" not in shown
    sinks["pager"].before = Failing(NotDelivered("No.", is_final=True))
    let_time_pass(redis, 3)
    desk.send("pager")
    assert "2 deliveries that NO SINK TOOK" in page(redis)


def test_how_much_waits_for_engineers_is_told_with_the_oldest(redis: Any) -> None:
    assert "waiting    0 incidents for engineers (firstline queue)" in page(redis)
    assert "proposals  0 restarts wait for a word (firstline proposals)" in page(redis)
    propose(redis, 1)
    propose(redis, 2)
    let_time_pass(redis, 90)
    handlings = Handlings(redis)
    handlings.open_all([result(3), result(4), result(5)])
    handlings.act(result(3).incident.incident_id, Action.CLAIM, person="ann")
    handlings.act(result(4).incident.incident_id, Action.RESOLVE, person="ann")
    waited = read_desk(redis).found
    assert (waited["waiting_incidents"]["count"], waited["proposals"]["count"]) == (2, 2)
    assert waited["waiting_incidents"]["oldest_seconds"] > 0
    assert 0 <= waited["proposals"]["oldest_seconds"] < 1800
    assert "proposals  2 restarts wait for a word, the oldest for 1 min (firstline proposals)" in page(redis)


def test_one_is_told_as_one_and_two_days_as_two_days(redis: Any) -> None:
    propose(redis, 1)
    Handlings(redis).open(result(2))
    redis.xadd("firstline:dead-letters", {"letter": "1"})
    shown = page(redis)
    assert "waiting    1 incident for engineers, the oldest for " in shown
    assert "proposals  1 restart waits for a word, the oldest for 0 min (firstline proposals)\n" in shown
    assert "dead       1 letter (" in shown
    accept(redis)
    let_time_pass(redis, 172_800)
    shown = page(redis)
    assert "open       1 incident, the oldest for 2 d 0 h\n" in shown
    assert "  2 d 0 h  deliveries 0\n" in shown


@pytest.mark.parametrize("key", sorted(set(PARTS.values())))
def test_a_key_of_the_wrong_type_is_named_and_hides_no_other_part(redis: Any, key: str) -> None:
    accept(redis)
    redis.delete(key)
    redis.set(key, "odd")
    desk = read_desk(redis)
    assert set(desk.unreadable) == {name for name, held_in in PARTS.items() if held_in == key}
    assert "WRONGTYPE" in next(iter(desk.unreadable.values()))
    assert "can't be read: " in page_of(desk.found, desk.unreadable)


@pytest.mark.parametrize("value", ["", "odd"])
def test_a_kill_switch_without_a_reason_shows_as_halted(redis: Any, value: str) -> None:
    if value:
        redis.hset("firstline:restarts:halted", value, value)
    else:
        redis.set("firstline:restarts:halted", value)
    assert "restarts   HALTED: " in page(redis)


def test_a_restart_that_cannot_be_read_is_named(redis: Any) -> None:
    redis.zadd("firstline:restarts:open", {"inc-odd": 1})
    redis.hset("firstline:restarts:incident:inc-odd", "state", "ODD")
    assert "locks      1 server\n  inc-odd  CAN'T BE READ" in page(redis)


def test_nothing_that_redis_holds_can_forge_a_line_or_reach_the_terminal(redis: Any) -> None:
    forged = "\x1b[2J\nworkers    99 alive"
    redis.zadd("firstline:incidents:open", {f"inc{forged}": 1})
    redis.hset(f"firstline:worker:w{forged}", mapping={"model": forged, "concurrency": forged, "name": forged})
    redis.set("firstline:restarts:halted", forged)
    redis.zadd("firstline:restarts:open", {f"inc{forged}": 1})
    shown = page(redis)
    assert "\x1b" not in shown
    assert [line for line in shown.splitlines() if line.startswith("workers")] == ["workers    1 alive"]


def test_a_redis_that_is_not_there_is_one_failure_and_not_nine() -> None:
    switchable = SwitchableRedis()
    switchable.goes_away()
    with pytest.raises(RedisConnectionError):
        read_desk(switchable.client)
