"""One page an incident: whoever dies, however often a result comes; a failing sink is tried again, then its backup."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from tests.escalation.builders import NOW, result
from tests.escalation.desks import Desk, Failing, FakeSink, Killed, nothing
from tests.redis_servers import SwitchableRedis, let_time_pass, redis_fixture, valkey_fixture
from worker.contract import Severity, TriageResult
from worker.contract.handling import Action, Handled
from worker.contract.queue import ESCALATION_GROUP, RESULTS_STREAM
from worker.contract.result import Occurrences
from worker.errors import ContractError, NotDelivered
from worker.escalation import EscalationConsumer, as_text, card_of
from worker.escalation.deliveries import LEASE_SECONDS, Deliveries
from worker.escalation.delivery import due_key
from worker.escalation.routes import Routes
from worker.escalation.sending import TRIES_LIMIT, pause_seconds
from worker.escalation.sink_health import given_up, sinks_in_use
from worker.escalation.telling import Outcome

__all__ = ["redis_fixture", "valkey_fixture"]

STORM = 500
UNREACHABLE = NotDelivered("PagerDuty can't be reached (refused): check its address and the network.")


def forget_records(redis: Redis) -> None:
    """Take away what was noted: the guard off."""
    for key in list(redis.scan_iter("firstline:deliver*")):
        redis.delete(key)


def publish(redis: Redis, told: TriageResult) -> None:
    redis.xadd(RESULTS_STREAM, {"incident_id": told.incident.incident_id, "result": told.model_dump_json()})


def unacknowledged(redis: Redis) -> int:
    return int(redis.xpending(RESULTS_STREAM, ESCALATION_GROUP)["pending"])


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_result_that_comes_often_is_one_page(redis: Redis, *, is_recorded: bool) -> None:
    sink = FakeSink()
    desks = [Desk(redis, {"pager": sink}) for _ in range(2)]
    for desk in (*desks, *desks):
        desk.deliver(result())
        desk.send("pager")
        if not is_recorded:
            forget_records(redis)
    assert len(sink.took) == (1 if is_recorded else 4)


def test_of_two_consumers_at_once_one_sends(redis: Redis) -> None:
    sink = FakeSink()
    first, second = (Desk(redis, {"pager": sink}) for _ in range(2))
    first.deliver(result())
    second.deliver(result())
    seen: list[int] = []
    sink.before = lambda _: seen.append(second.send("pager"))
    first.send("pager")
    assert seen == [0]
    assert len(sink.took) == 1


def test_without_its_lease_both_would_send(redis: Redis) -> None:
    sink = FakeSink()
    first, second = (Desk(redis, {"pager": sink}) for _ in range(2))
    first.deliver(result())

    def lose_the_lease(_: TriageResult) -> None:
        sink.before = lambda _: None
        let_time_pass(redis, LEASE_SECONDS + 1)
        second.send("pager")

    sink.before = lose_the_lease
    first.send("pager")
    assert len(sink.took) == 2
    assert first.send("pager") == second.send("pager") == 0


@pytest.mark.parametrize("is_sent", [False, True], ids=["before the send", "after the send, before the record"])
def test_another_consumer_sends_what_a_dead_one_had_taken_and_knows_that_it_repeats(
    redis: Redis, *, is_sent: bool
) -> None:
    death = Failing(Killed(), times=1)
    sink = FakeSink(after=death) if is_sent else FakeSink(before=death)
    first, second = (Desk(redis, {"pager": sink}) for _ in range(2))
    first.deliver(result())
    with pytest.raises(Killed):
        first.send("pager")
    assert second.send("pager") == 0
    let_time_pass(redis, LEASE_SECONDS + 1)
    with capture_logs() as logs:
        assert second.send("pager") == 1
    assert sink.pages == {result().incident.incident_id}
    assert len(sink.took) == (2 if is_sent else 1)
    assert {entry["event"] for entry in logs} == {"delivery.repeated", "delivery.delivered"}
    let_time_pass(redis, LEASE_SECONDS + 1)
    assert first.send("pager") == second.send("pager") == 0


@pytest.mark.parametrize("is_noted", [False, True], ids=["before it is noted", "after it is noted, before the ack"])
def test_a_consumer_that_dies_before_its_acknowledgement_leaves_one_page(redis: Redis, *, is_noted: bool) -> None:
    sink = FakeSink()
    desk = Desk(redis, {"pager": sink})

    class Dying:
        def deliver(self, told: TriageResult) -> None:
            if is_noted:
                desk.deliver(told)
                desk.send("pager")
            raise Killed

    publish(redis, result())
    with pytest.raises(Killed):
        EscalationConsumer(redis, Dying(), name="one").deliver_pending(0)
    assert unacknowledged(redis) == 1
    survivor = EscalationConsumer(redis, desk.dispatcher, name="two", claim_after_seconds=0)
    assert survivor.deliver_pending(0) == 1
    desk.send("pager")
    assert unacknowledged(redis) == 0
    assert len(sink.took) == 1


def test_an_entry_is_acknowledged_when_it_is_noted_and_sent_by_whoever_lives(redis: Redis) -> None:
    sink = FakeSink()
    publish(redis, result())
    EscalationConsumer(redis, Desk(redis, {"pager": sink}).dispatcher, name="one").deliver_pending(0)
    assert unacknowledged(redis) == 0
    assert Desk(redis, {"pager": sink}).send("pager") == 1
    assert len(sink.took) == 1


def test_a_sink_that_fails_three_times_is_tried_again_after_growing_pauses(redis: Redis) -> None:
    sink = FakeSink(before=Failing(UNREACHABLE, times=3))
    desk = Desk(redis, {"pager": sink, "mail": FakeSink()}, backups={"pager": "mail"})
    desk.deliver(result())
    for tries in (1, 2, 3):
        assert desk.send("pager") == 1
        [health] = sinks_in_use(redis)
        assert (health.failures, health.waiting, health.error) == (tries, 1, str(UNREACHABLE))
        assert health.failing_since is not None
        let_time_pass(redis, pause_seconds(tries) - 1)
        assert desk.send("pager") == 0
        let_time_pass(redis, 1.1)
    assert desk.send("pager") == 1
    assert len(sink.took) == 1
    [health] = sinks_in_use(redis)
    assert (health.failures, health.waiting, health.failing_since) == (0, 0, None)
    assert [outcome for _, outcome in desk.outcomes()] == [Outcome.POSTPONED] * 3 + [Outcome.DELIVERED]


def test_a_sink_that_never_works_loses_the_page_to_its_backup_which_says_so(redis: Redis) -> None:
    mail = FakeSink()
    desk = Desk(redis, {"pager": FakeSink(before=Failing(UNREACHABLE)), "mail": mail}, backups={"pager": "mail"})
    desk.deliver(result())
    for tries in range(1, TRIES_LIMIT + 1):
        assert desk.send("mail") == 0
        assert desk.send("pager") == 1
        let_time_pass(redis, pause_seconds(tries) + 1)
    desk.deliver(result())
    assert desk.send("pager") == 0
    assert desk.send("mail") == 1
    [took] = mail.took
    said = f"pager failed (tries: {TRIES_LIMIT}), so mail has this page"
    assert took.evidence[-1].statement == said
    assert said in " ".join(as_text(card_of(took), 200).split())
    assert took.summary == result().summary


def test_a_backup_that_a_route_names_too_shows_the_page_once(redis: Redis) -> None:
    mail = FakeSink()
    pager = FakeSink(before=Failing(NotDelivered("No.", is_final=True)))
    both = Routes(default=("pager", "mail"))
    desk = Desk(redis, {"pager": pager, "mail": mail}, backups={"pager": "mail"}, routes=both)
    desk.deliver(result(1))
    desk.send("pager")
    desk.send("mail")
    desk.deliver(result(2))
    desk.send("mail")
    desk.send("pager")
    desk.send("mail")
    assert sorted(mail.sends.values()) == [1, 1]


def test_a_backup_that_fails_too_hands_on_to_its_own_which_tells_of_both(redis: Redis) -> None:
    final, last = NotDelivered("No.", is_final=True), FakeSink()
    sinks = {"pager": FakeSink(before=Failing(final)), "mail": FakeSink(before=Failing(final)), "chat": last}
    desk = Desk(redis, sinks, backups={"pager": "mail", "mail": "chat"})
    desk.deliver(result())
    for name in sinks:
        desk.send(name)
    assert (
        last.took[0].evidence[-1].statement == "pager failed (tries: 1), mail failed (tries: 1), so chat has this page"
    )


def test_a_final_error_sends_the_page_to_the_backup_at_once(redis: Redis) -> None:
    refusal = NotDelivered("PagerDuty answered 401: correct its routing key.", is_final=True)
    mail = FakeSink()
    desk = Desk(redis, {"pager": FakeSink(before=Failing(refusal)), "mail": mail}, backups={"pager": "mail"})
    desk.deliver(result())
    assert (desk.send("pager"), desk.send("mail")) == (1, 1)
    assert desk.outcomes() == [("pager", Outcome.HANDED_OVER), ("mail", Outcome.DELIVERED)]
    assert len(mail.took) == 1


@pytest.mark.parametrize(
    "error",
    [
        NotDelivered("No.", is_final=True),
        ContractError("it can't be shown"),
    ],
)
def test_what_nobody_takes_is_given_up_and_counted(redis: Redis, error: Exception) -> None:
    desk = Desk(redis, {"pager": FakeSink(before=Failing(error))})
    desk.deliver(result())
    desk.send("pager")
    let_time_pass(redis, 1_000)
    assert desk.send("pager") == 0
    assert desk.outcomes() == [("pager", Outcome.GIVEN_UP)]
    assert given_up(redis) == 1


def test_what_was_given_up_is_sent_after_the_sink_was_mended_and_somebody_said_so(redis: Redis) -> None:
    sink = FakeSink(before=Failing(NotDelivered("No.", is_final=True), times=2))
    desk = Desk(redis, {"pager": sink, "mail": FakeSink()}, routes=Routes(default=("pager",)))
    desk.deliver(result(1), result(2))
    desk.send("pager")
    desk.deliver(result(1))
    assert desk.send("pager") == 0
    assert Deliveries(redis).retry("mail") == 0
    assert Deliveries(redis).retry("pager") == 2
    assert given_up(redis) == 0
    assert desk.send("pager") == 2
    assert Deliveries(redis).retry("pager") == 0
    assert len(sink.took) == 2


def test_a_result_that_can_not_be_shown_makes_no_sink_look_broken(redis: Redis) -> None:
    mail = FakeSink()
    unshowable = FakeSink(before=Failing(ContractError("it can't be shown (KeyError)")))
    desk = Desk(redis, {"pager": unshowable, "mail": mail}, backups={"pager": "mail"})
    desk.deliver(result())
    desk.send("pager")
    desk.send("mail")
    assert len(mail.took) == 1
    assert [health.failures for health in sinks_in_use(redis)] == [0, 0]


def test_without_a_backup_it_is_tried_for_a_day(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink(before=Failing(UNREACHABLE))})
    desk.deliver(result())
    for _ in range(2 * TRIES_LIMIT):
        assert desk.send("pager") == 1
        let_time_pass(redis, 301)
    assert {outcome for _, outcome in desk.outcomes()} == {Outcome.POSTPONED}
    let_time_pass(redis, 86_400)
    desk.send("pager")
    assert desk.outcomes()[-1] == ("pager", Outcome.GIVEN_UP)


def test_a_sink_that_asks_for_a_pause_gets_nothing_at_all_meanwhile(redis: Redis) -> None:
    asked = NotDelivered("Slack answered 429: it is sent too much, try again later.", retry_after_seconds=30)
    sink = FakeSink(before=Failing(asked, times=1))
    desk = Desk(redis, {"chat": sink})
    desk.deliver(result(1), result(2))
    assert desk.send("chat") == 1
    let_time_pass(redis, 28)
    assert desk.send("chat") == 0
    let_time_pass(redis, 3)
    assert desk.send("chat") == 2
    assert len(sink.took) == 2


def test_a_sink_whose_code_breaks_is_a_sink_that_fails(redis: Redis) -> None:
    sink = FakeSink(before=Failing(KeyError("password=hunter2"), times=1))
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result())
    desk.send("pager")
    assert desk.told[0].detail == "The sink itself broke (KeyError). Again in 2 s."
    let_time_pass(redis, 3)
    assert desk.send("pager") == 1


def test_a_failure_is_told_masked(redis: Redis) -> None:
    desk = Desk(redis, {"pager": FakeSink(before=Failing(NotDelivered("It said password=hunter2 again.")))})
    desk.deliver(result())
    desk.send("pager")
    [health] = sinks_in_use(redis)
    assert health.error == "It said password=[PASSWORD] again."
    assert "hunter2" not in desk.told[0].detail


def test_when_a_sink_is_down_a_storm_goes_to_its_backup_without_waiting_for_each_try(redis: Redis) -> None:
    pager, mail = FakeSink(before=Failing(UNREACHABLE)), FakeSink()
    desk = Desk(redis, {"pager": pager, "mail": mail}, backups={"pager": "mail"})
    desk.deliver(*(result(number) for number in range(TRIES_LIMIT)))
    desk.send("pager")
    let_time_pass(redis, 61)
    desk.deliver(*(result(number) for number in range(TRIES_LIMIT, 100)))
    asked = pager.before.raised  # type: ignore[attr-defined] # a Failing
    desk.send("pager")
    desk.send("mail")
    assert pager.before.raised - asked == 1  # type: ignore[attr-defined] # likewise
    assert len(mail.took) >= 99
    assert mail.took[-1].evidence[-1].statement == "pager failed, so mail has this page"
    assert "It is down or pauses, and was not tried. mail gets it." in [told.detail for told in desk.told]


@pytest.mark.parametrize("is_kept", [True, False], ids=["the same process", "another process"])
def test_a_yes_that_redis_was_away_for_is_recorded_when_it_is_back(*, is_kept: bool) -> None:
    switchable = SwitchableRedis()
    redis: Redis = switchable.client
    sink = FakeSink(after=lambda _: switchable.goes_away())
    desk = Desk(redis, {"chat": sink})
    desk.deliver(result(1), result(2))
    with pytest.raises(RedisConnectionError):
        desk.send("chat")
    switchable.comes_back()
    sink.after = nothing
    survivor = desk if is_kept else Desk(redis, {"chat": sink})
    survivor.send("chat")
    let_time_pass(redis, LEASE_SECONDS + 1)
    survivor.send("chat")
    assert sorted(sink.sends.values()) == ([1, 1] if is_kept else [1, 2])


def test_in_one_thread_a_sink_that_hangs_would_delay_another(redis: Redis) -> None:
    arrived_meanwhile: list[int] = []
    quick = FakeSink()
    desk = Desk(
        redis, {"hanging": FakeSink(before=lambda _: arrived_meanwhile.append(len(quick.took))), "quick": quick}
    )
    desk.deliver(result())
    for name in ("hanging", "quick"):
        desk.send(name)
    assert arrived_meanwhile == [0]


def test_a_sink_that_hangs_delays_no_other(redis: Redis) -> None:
    is_asked, may_answer, has_arrived = threading.Event(), threading.Event(), threading.Event()

    def hang(_: TriageResult) -> None:
        is_asked.set()
        assert may_answer.wait(30)

    quick = FakeSink(after=lambda _: has_arrived.set())
    hanging = FakeSink(before=hang)
    desk, stop = Desk(redis, {"hanging": hanging, "quick": quick}), threading.Event()
    threads = desk.dispatcher.start(stop)
    desk.deliver(result(1))
    assert is_asked.wait(30)
    has_arrived.wait(30)
    has_arrived.clear()
    desk.deliver(result(2))
    assert has_arrived.wait(30)
    assert len(hanging.took) == 0
    stop.set()
    may_answer.set()
    for thread in threads:
        thread.join(30)
    assert quick.pages == {result(1).incident.incident_id, result(2).incident.incident_id}
    assert len(hanging.took) == 1


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_storm_with_two_consumers_of_which_one_dies_again_and_again_is_a_page_each(
    redis: Redis, *, is_recorded: bool
) -> None:
    deaths = {7, 77, 177, 277, 377}

    def die(_: TriageResult) -> None:
        if len(sink.took) in deaths:
            deaths.discard(len(sink.took))
            raise Killed

    sink = FakeSink(after=die)
    dying, other = (Desk(redis, {"pager": sink}) for _ in range(2))
    for number in range(STORM):
        publish(redis, result(number))
    for desk, name in ((dying, "one"), (other, "two")):
        reader = EscalationConsumer(redis, desk.dispatcher, name=name, claim_after_seconds=0)
        while reader.deliver_pending(0):
            pass
        _send_until_idle(redis, desk)
        if not is_recorded:
            forget_records(redis)
        for number in range(0, STORM, 5):
            publish(redis, result(number))
    _send_until_idle(redis, other)
    assert sink.pages == {result(number).incident.incident_id for number in range(STORM)}
    doubles = sum(sink.sends.values()) - STORM
    assert (doubles <= 5) is is_recorded


def _send_until_idle(redis: Redis, desk: Desk) -> None:
    while redis.zcard(due_key("pager")):
        try:
            desk.send("pager")
        except Killed:
            continue
        let_time_pass(redis, LEASE_SECONDS + 1)


def test_what_is_critical_passes_what_waits_for_the_same_sink(redis: Redis) -> None:
    sink = FakeSink()
    desk = Desk(redis, {"pager": sink})
    warning = Occurrences(severity=Severity.WARNING)
    desk.deliver(result(1, occurrences=warning), result(2, occurrences=warning), result(3))
    desk.send("pager")
    assert sink.took[0].incident.incident_id == result(3).incident.incident_id


def handled(action: Action, **changes: Any) -> Handled:
    return Handled(**({"at": NOW, "person": "ann", "action": action} | changes))


def test_what_engineers_do_is_shown_where_the_page_was_once_and_after_it(redis: Redis) -> None:
    pager, mail = FakeSink(before=Failing(UNREACHABLE, times=1)), FakeSink()
    desk = Desk(redis, {"pager": pager, "mail": mail}, backups={"pager": "mail"})
    desk.deliver(result())
    desk.send("pager")
    for action in (Action.ACKNOWLEDGE, Action.RESOLVE, Action.ACKNOWLEDGE):
        desk.dispatcher.follow(result(), handled(action))
    let_time_pass(redis, 3)
    desk.send("pager")
    assert len(pager.took) == 1
    assert pager.showed == ["acknowledge", "resolve"]
    assert desk.send("mail") == 0
    desk.dispatcher.follow(result(), handled(Action.REOPEN, at=NOW + timedelta(hours=1)))
    desk.deliver(result())
    desk.send("pager")
    assert (len(pager.took), pager.showed[-1]) == (1, "reopen")


def test_a_backup_shows_what_was_done_on_its_page(redis: Redis) -> None:
    mail = FakeSink()
    desk = Desk(redis, {"pager": FakeSink(before=Failing(UNREACHABLE)), "mail": mail}, backups={"pager": "mail"})
    desk.deliver(result())
    desk.dispatcher.follow(result(), handled(Action.ACKNOWLEDGE))
    for tries in range(1, TRIES_LIMIT + 1):
        desk.send("pager")
        let_time_pass(redis, pause_seconds(tries) + 1)
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    desk.send("mail")
    assert (len(mail.took), mail.showed) == (1, ["acknowledge", "resolve"])


def test_an_action_that_a_sink_does_not_take_is_tried_again_and_then_left(redis: Redis) -> None:
    sink = FakeSink()
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result())
    desk.send("pager")
    sink.before = Failing(NotDelivered("No.", is_final=True))
    desk.dispatcher.follow(result(), handled(Action.ACKNOWLEDGE))
    desk.send("pager")
    sink.before = Failing(UNREACHABLE, times=1)
    desk.dispatcher.follow(result(), handled(Action.RESOLVE))
    desk.send("pager")
    let_time_pass(redis, 3)
    desk.send("pager")
    assert sink.showed == ["resolve"]
    assert [outcome for _, outcome in desk.outcomes()][1:] == [
        Outcome.GIVEN_UP, Outcome.POSTPONED, Outcome.DELIVERED,
    ]  # fmt: skip
