"""No page is with nobody and counted nowhere, and none is sent that nobody needs: turned backups, pauses, doubt."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from redis import Redis

from tests.escalation.builders import NOW, result
from tests.escalation.desks import Desk, Failing, FakeSink
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract import Disposition, Severity
from worker.contract.handling import Action, Handled
from worker.contract.result import Occurrences
from worker.errors import NotDelivered
from worker.escalation.deliveries import Deliveries
from worker.escalation.delivery import delivery_key
from worker.escalation.routes import Hours, Routes
from worker.escalation.sending import TRIES_LIMIT
from worker.escalation.sink_health import given_up, settled, sinks_in_use
from worker.escalation.telling import Outcome
from worker.registry.handling import Handlings

__all__ = ["redis_fixture", "valkey_fixture"]

FINAL = NotDelivered("No.", is_final=True)
DOUBT = NotDelivered("It did not answer.", is_doubtful=True)
WARNING = Occurrences(severity=Severity.WARNING)
NIGHT = Hours(begins=time(2), ends=time(7), zone=UTC)


def handled(action: Action) -> Handled:
    return Handled(at=NOW, person="ann", action=action)


def acted(redis: Redis, action: Action, **changes: Any) -> None:
    Handlings(redis).open(result(**changes))
    Handlings(redis).act(result().incident.incident_id, action, person="ann")


def test_a_page_that_waits_while_backups_are_turned_round_is_sent(redis: Redis) -> None:
    broken, mended = FakeSink(before=Failing(FINAL)), FakeSink()
    before = Desk(redis, {"a": broken, "b": broken}, backups={"a": "b"})
    before.deliver(result())
    before.send("a")
    after = Desk(redis, {"a": mended, "b": broken}, backups={"b": "a"})
    after.send("b")
    after.send("a")
    assert (len(mended.took), given_up(redis)) == (1, 0)


def test_a_page_whose_backup_let_it_go_is_given_up_and_counted(redis: Redis) -> None:
    broken = FakeSink(before=Failing(FINAL))
    desk = Desk(redis, {"a": broken, "b": broken}, backups={"a": "b"}, routes=Routes(default=("a", "b")))
    desk.deliver(result())
    desk.send("b")
    desk.send("a")
    assert desk.outcomes() == [("b", Outcome.GIVEN_UP), ("a", Outcome.GIVEN_UP)]
    assert given_up(redis) == 2


def test_a_page_that_the_backup_handed_on_is_with_somebody(redis: Redis) -> None:
    broken, last = FakeSink(before=Failing(FINAL)), FakeSink()
    sinks = {"a": broken, "b": broken, "c": last}
    desk = Desk(redis, sinks, backups={"a": "b", "b": "c"}, routes=Routes(default=("a", "b")))
    desk.deliver(result())
    for name in ("b", "a", "c"):
        desk.send(name)
    assert (len(last.took), given_up(redis)) == (1, 0)


def test_a_sink_that_asks_for_a_day_is_closed_for_minutes_while_its_backup_gets_the_pages(redis: Redis) -> None:
    asks = NotDelivered("Try tomorrow.", retry_after_seconds=86_400)
    chat, mail = FakeSink(before=Failing(asks, times=1)), FakeSink()
    desk = Desk(redis, {"chat": chat, "mail": mail}, backups={"chat": "mail"})
    desk.deliver(result(1), result(2))
    desk.send("chat")
    desk.send("mail")
    assert (len(chat.took), len(mail.took)) == (0, 2)
    let_time_pass(redis, 301)
    desk.deliver(result(3))
    desk.send("chat")
    assert len(chat.took) == 1


def test_two_refusals_a_day_apart_end_no_tries(redis: Redis) -> None:
    chat = FakeSink(before=Failing(NotDelivered("503.", retry_after_seconds=86_400), times=2))
    desk = Desk(redis, {"chat": chat})
    desk.deliver(result())
    for _ in range(3):
        desk.send("chat")
        let_time_pass(redis, 86_401)
    assert (len(chat.took), given_up(redis)) == (1, 0)


def test_what_was_resolved_before_its_page_was_sent_is_no_page_and_is_counted(redis: Redis) -> None:
    pager = FakeSink()
    desk = Desk(redis, {"pager": pager})
    acted(redis, Action.RESOLVE)
    desk.deliver(result())
    desk.send("pager")
    assert (pager.took, desk.outcomes(), settled(redis)) == ([], [("pager", Outcome.SETTLED)], 1)
    Deliveries(redis).follow(result(), handled(Action.REOPEN))
    acted(redis, Action.REOPEN)
    desk.send("pager")
    assert (len(pager.took), settled(redis)) == (1, 0)


def test_what_was_acknowledged_before_its_page_was_sent_is_shown_after_it(redis: Redis) -> None:
    pager = FakeSink()
    desk = Desk(redis, {"pager": pager})
    acted(redis, Action.ACKNOWLEDGE)
    desk.deliver(result())
    desk.send("pager")
    assert (len(pager.took), pager.showed) == (1, ["acknowledge"])


def test_a_proposal_is_not_kept_longer_than_it_holds() -> None:
    proposal: dict[str, Any] = {
        "disposition": Disposition.AWAITING_APPROVAL,
        "approve_until": NOW + timedelta(minutes=15),
    }
    kept = Routes(default=("pager",), quiet={"pager": (NIGHT,)})
    assert kept.quiet_until("pager", result(occurrences=WARNING, **proposal), NOW) is None
    assert kept.quiet_until("pager", result(occurrences=WARNING), NOW) is not None


def test_a_sink_that_may_have_the_page_shows_what_was_done_as_its_backup_does(redis: Redis) -> None:
    pager, mail = FakeSink(before=Failing(DOUBT, times=TRIES_LIMIT)), FakeSink()
    desk = Desk(redis, {"pager": pager, "mail": mail}, backups={"pager": "mail"})
    desk.deliver(result())
    for _ in range(TRIES_LIMIT):
        desk.send("pager")
        let_time_pass(redis, 301)
    desk.send("mail")
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    desk.send("pager")
    desk.send("mail")
    assert (pager.showed, mail.showed) == (["resolve"], ["resolve"])


def test_an_action_that_was_given_up_is_shown_on_retry(redis: Redis) -> None:
    pager = FakeSink()
    desk = Desk(redis, {"pager": pager})
    desk.deliver(result())
    desk.send("pager")
    pager.before = Failing(FINAL, times=1)
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    desk.send("pager")
    assert given_up(redis) == 1
    assert Deliveries(redis).retry("pager") == 1
    desk.send("pager")
    assert (pager.showed, given_up(redis)) == (["resolve"], 0)


def test_an_action_that_a_sink_does_not_show_says_nothing_of_its_health(redis: Redis) -> None:
    pager = FakeSink(ignored=frozenset({Action.NOTE}))
    desk = Desk(redis, {"pager": pager})
    desk.deliver(result(1))
    desk.send("pager")
    pager.before = Failing(NotDelivered("Away."))
    desk.deliver(result(2))
    desk.send("pager")
    desk.dispatcher.follow(result(1), handled(Action.NOTE))
    desk.send("pager")
    assert [health.failures for health in sinks_in_use(redis)] == [1]


def test_a_result_that_comes_again_pages_nobody_else_when_routes_changed(redis: Redis) -> None:
    sinks = {"a": FakeSink(), "b": FakeSink()}
    Desk(redis, sinks, routes=Routes(default=("a",))).deliver(result())
    after = Desk(redis, sinks, routes=Routes(default=("b",)))
    after.deliver(result())
    after.send("a")
    after.send("b")
    assert (len(sinks["a"].took), len(sinks["b"].took)) == (1, 0)


def test_what_follows_a_page_is_not_kept_for_ever(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink()})
    desk.deliver(result())
    desk.send("pager")
    desk.dispatcher.follow(result(), handled(Action.NOTE))
    key = delivery_key("pager", result().incident.incident_id)
    assert redis.ttl(key) > 0
    assert redis.ttl(f"{key}:steps") > 0


@pytest.mark.parametrize("fold", [0, 1])
def test_quiet_hours_end_on_the_night_on_which_the_clock_goes_back(fold: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    quiet = Hours(begins=time(22), ends=time(2, 30), zone=berlin)
    moment = datetime(2026, 10, 25, 2, 10, tzinfo=berlin, fold=fold).astimezone(UTC)
    assert quiet.end_after(moment) == moment + timedelta(minutes=20)
