"""Which sinks get a result, and when: first match or all, quiet hours over midnight and over changes of the clock."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from tests.escalation.builders import result
from tests.escalation.desks import Desk, FakeSink
from tests.fakes import START, FakeClock
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract import Disposition, Severity, TriageResult
from worker.contract.result import Occurrences
from worker.escalation.routes import Hours, Route, Routes

__all__ = ["redis_fixture", "valkey_fixture"]

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours(begins=time(22), ends=time(7), zone=BERLIN)
NOON = datetime(2026, 6, 3, 12, tzinfo=BERLIN)


def warning(number: int = 1, **changes: Any) -> TriageResult:
    return result(number, **({"occurrences": Occurrences(severity=Severity.WARNING)} | changes))


def sinks(routes: Routes, told: TriageResult, at: datetime = NOON) -> set[str]:
    return set(routes.sinks_for(told, at))


def test_the_first_route_that_takes_it_decides() -> None:
    first = Route(sinks=("pager",), severities={Severity.CRITICAL})
    routes = Routes(default=("mail",), routes=[first, Route(sinks=("chat",))])
    assert sinks(routes, result()) == {"pager"}
    assert sinks(routes, warning()) == {"chat"}


def test_a_route_that_goes_on_adds_to_the_next() -> None:
    first = Route(sinks=("pager", "chat"), goes_on=True)
    routes = Routes(default=("mail",), routes=[first, Route(sinks=("chat", "ticket")), Route(sinks=("mail",))])
    assert sinks(routes, result()) == {"pager", "chat", "ticket"}


@pytest.mark.parametrize(
    ("asks", "is_taken"),
    [
        ({"teams": {"payments-team"}}, True),
        ({"teams": {"others"}}, False),
        ({"services": {"payments"}}, True),
        ({"services": {"orders"}}, False),
        ({"servers": {"payment-*"}}, True),
        ({"servers": {"orders-*"}}, False),
        ({"severities": {Severity.INFO}}, False),
        ({"dispositions": {Disposition.DEAD_LETTERED}}, False),
        ({"hours": Hours(begins=time(9), ends=time(17), zone=BERLIN)}, True),
        ({"hours": Hours(begins=time(9), ends=time(17), zone=ZoneInfo("Asia/Tokyo"))}, False),
        ({"hours": Hours(begins=time(9), ends=time(17), zone=BERLIN, days=frozenset({0}))}, False),
    ],
)
def test_a_route_takes_what_it_asks_for(asks: dict[str, Any], *, is_taken: bool) -> None:
    routes = Routes(default=("mail",), routes=[Route(sinks=("pager",), **asks)])
    assert sinks(routes, result(owner="payments-team")) == ({"pager"} if is_taken else {"mail"})


def test_what_no_server_is_known_of_fits_no_pattern() -> None:
    routes = Routes(default=("mail",), routes=[Route(sinks=("pager",), servers={"*"})])
    assert sinks(routes, result(server_id=None)) == {"mail"}


def test_what_needs_nobody_goes_nowhere_unless_a_route_names_it() -> None:
    over = result(disposition=Disposition.NO_ACTION)
    assert sinks(Routes(default=("mail",), routes=[Route(sinks=("pager",))]), over) == set()
    named = Route(sinks=("log",), dispositions={Disposition.NO_ACTION})
    assert sinks(Routes(default=("mail",), routes=[named]), over) == {"log"}


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        (datetime(2026, 6, 3, 21, 59, tzinfo=BERLIN), None),
        (datetime(2026, 6, 3, 22, 0, tzinfo=BERLIN), datetime(2026, 6, 4, 5, tzinfo=UTC)),
        (datetime(2026, 6, 4, 0, 30, tzinfo=BERLIN), datetime(2026, 6, 4, 5, tzinfo=UTC)),
        (datetime(2026, 6, 4, 7, 0, tzinfo=BERLIN), None),
        # The night in which the clock goes forward, and the one in which it goes back.
        (datetime(2026, 3, 28, 23, 0, tzinfo=BERLIN), datetime(2026, 3, 29, 5, tzinfo=UTC)),
        (datetime(2026, 10, 24, 23, 0, tzinfo=BERLIN), datetime(2026, 10, 25, 6, tzinfo=UTC)),
    ],
)
def test_quiet_hours_end_in_the_morning_by_the_clock_on_the_wall(moment: datetime, end: datetime | None) -> None:
    routes = Routes(default=("mail",), quiet={"mail": (NIGHT,)})
    assert routes.sinks_for(warning(), moment) == {"mail": end}
    assert routes.sinks_for(result(), moment) == {"mail": None}


def test_quiet_hours_that_follow_each_other_are_one() -> None:
    weekend = Hours(begins=time(7), ends=time(22), zone=BERLIN, days=frozenset({5, 6}))
    routes = Routes(default=("mail",), quiet={"mail": (NIGHT, weekend)})
    friday_night = datetime(2026, 6, 5, 23, tzinfo=BERLIN)
    assert routes.sinks_for(warning(), friday_night) == {"mail": datetime(2026, 6, 8, 5, tzinfo=UTC)}


def test_quiet_hours_without_end_are_looked_through_for_a_bounded_time() -> None:
    always = Hours(begins=time(0), ends=time(0), zone=BERLIN)
    until = Routes(default=("mail",), quiet={"mail": (always,)}).sinks_for(warning(), NOON)["mail"]
    assert until is not None


def test_of_a_route_and_its_sink_the_later_end_counts_and_of_two_routes_the_earlier() -> None:
    lunch = Hours(begins=time(12), ends=time(13), zone=BERLIN)
    long_lunch = Hours(begins=time(12), ends=time(14), zone=BERLIN)
    first = Route(sinks=("mail",), quiet=(long_lunch,), goes_on=True)
    routes = Routes(default=("mail",), routes=[first], quiet={"mail": (lunch,)})
    assert routes.sinks_for(warning(), NOON) == {"mail": datetime(2026, 6, 3, 12, tzinfo=UTC)}
    both = Routes(default=("mail",), routes=[first, Route(sinks=("mail",))])
    assert both.sinks_for(warning(), NOON) == {"mail": None}


QUIET_NOW = Hours(begins=time(22), ends=time(7), zone=UTC)
"""The fakes' clock begins at 3:00."""


def test_what_is_not_critical_waits_for_the_end_of_quiet_hours_and_is_delivered_then(redis: Redis) -> None:
    assert QUIET_NOW.holds_at(START)
    sink, clock = FakeSink(), FakeClock()
    routes = Routes(default=("chat",), quiet={"chat": (QUIET_NOW,)})
    desk = Desk(redis, {"chat": sink}, routes=routes, clock=clock)
    desk.deliver(warning(1), result(2))
    desk.send("chat")
    assert sink.pages == {result(2).incident.incident_id}
    let_time_pass(redis, 4 * 3600 - 5)
    clock.sleep(4 * 3600 - 5)
    assert desk.send("chat") == 0
    let_time_pass(redis, 6)
    clock.sleep(6)
    restarted = Desk(redis, {"chat": sink}, routes=routes, clock=clock)
    assert restarted.send("chat") == 1
    assert len(sink.took) == 2


def test_a_try_that_comes_again_in_quiet_hours_waits_for_their_end(redis: Redis) -> None:
    sink, clock = FakeSink(), FakeClock()
    desk = Desk(redis, {"chat": sink}, clock=clock)
    desk.deliver(warning())
    quiet = Routes(default=("chat",), quiet={"chat": (QUIET_NOW,)})
    assert Desk(redis, {"chat": sink}, routes=quiet, clock=clock).send("chat") == 1
    assert sink.took == []
    let_time_pass(redis, 4 * 3600 + 1)
    clock.sleep(4 * 3600 + 1)
    assert Desk(redis, {"chat": sink}, routes=quiet, clock=clock).send("chat") == 1
    assert len(sink.took) == 1
