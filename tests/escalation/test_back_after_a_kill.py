"""A consumer that is back under a killed one's name resumes what that had in hand; what comes again says so."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from redis import Redis

from tests.escalation.builders import result
from tests.escalation.desks import Desk, Failing, FakeSink, Killed, nothing
from tests.escalation.unguarded import Unguarded
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from worker.contract import Severity, TriageResult
from worker.contract.result import Occurrences
from worker.errors import NotDelivered
from worker.escalation.card import card_of
from worker.escalation.card_text import as_text
from worker.escalation.deliveries import LEASE_SECONDS, Deliveries
from worker.escalation.delivery import taken_key
from worker.escalation.telling import SECOND_COPY

__all__ = ["redis_fixture", "valkey_fixture"]

DEATH = Failing(Killed())


def killed_while_sending(redis: Redis, *results: TriageResult, is_sent: bool = True) -> FakeSink:
    """Let the consumer "one" die with the first page in hand, and return its sink, mended."""
    sink = FakeSink(after=DEATH) if is_sent else FakeSink(before=DEATH)
    desk = Desk(redis, {"pager": sink}, member="one")
    desk.deliver(*results)
    with pytest.raises(Killed):
        desk.send("pager")
    sink.before = sink.after = nothing
    return sink


def back_as(member: str | None, redis: Redis, sink: FakeSink) -> Desk:
    return Desk(redis, {"pager": sink}, member=member)


@pytest.mark.parametrize(("name", "sent_at_once"), [("one", 1), ("two", 0), (None, 0)])
def test_only_who_is_back_under_the_name_of_the_killed_one_sends_before_the_lease_is_over(
    redis: Redis, name: str | None, sent_at_once: int
) -> None:
    sink = killed_while_sending(redis, result(), is_sent=False)
    desk = back_as(name, redis, sink)
    desk.send("pager")
    assert len(sink.took) == sent_at_once
    let_time_pass(redis, LEASE_SECONDS + 1)
    desk.send("pager")
    assert len(sink.took) == 1


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_repeat_is_counted_and_says_that_it_may_be_a_second_copy(redis: Redis, name: str) -> None:
    sink = killed_while_sending(redis, result())
    if name == "two":
        let_time_pass(redis, LEASE_SECONDS + 1)
    desk = back_as(name, redis, sink)
    desk.send("pager")
    first, again = sink.took
    assert (first.evidence, again.evidence[-1].statement) == (result().evidence, SECOND_COPY)
    assert [told.tries for told in desk.told] == [2]


@pytest.mark.parametrize("is_doubtful", [True, False], ids=["it did not answer", "the control: it refused"])
def test_a_page_that_a_sink_did_not_answer_comes_again_as_a_possible_second_copy(
    redis: Redis, *, is_doubtful: bool
) -> None:
    sink = FakeSink(before=Failing(NotDelivered("No.", is_doubtful=is_doubtful), times=1))
    desk = Desk(redis, {"pager": sink})
    desk.deliver(result())
    desk.send("pager")
    let_time_pass(redis, 3)
    desk.send("pager")
    said = [seen.statement for seen in sink.took[0].evidence]
    assert (SECOND_COPY in said) == is_doubtful


def test_a_resumed_page_that_a_backup_got_first_says_both(redis: Redis) -> None:
    pager, mail = FakeSink(before=Failing(NotDelivered("No.", is_final=True))), FakeSink(after=DEATH)
    desks = [Desk(redis, {"pager": pager, "mail": mail}, backups={"pager": "mail"}, member="one") for _ in range(2)]
    desks[0].deliver(result())
    desks[0].send("pager")
    with pytest.raises(Killed):
        desks[0].send("mail")
    mail.after = nothing
    desks[1].send("mail")
    card = as_text(card_of(mail.took[-1]), width=200)
    assert f"delivery: {SECOND_COPY}; pager failed (tries: 1), so mail has this page [D1]" in card


def test_what_was_in_hand_passes_what_is_less_urgent_and_waits(redis: Redis) -> None:
    warnings = [result(number, occurrences=Occurrences(severity=Severity.WARNING)) for number in (2, 3)]
    sink = killed_while_sending(redis, result(1), *warnings, is_sent=False)
    back_as("one", redis, sink).send("pager")
    assert sink.took[0].incident == result(1).incident
    assert len(sink.took) == 3


def taken_over_while_away(redis: Redis) -> int:
    """Let another send what the killed one had, after its lease, while that comes back; count the pages."""
    sink = killed_while_sending(redis, result(), is_sent=False)
    let_time_pass(redis, LEASE_SECONDS + 1)

    def come_back(_: TriageResult) -> None:
        sink.before = nothing
        back_as("one", redis, sink).send("pager")

    sink.before = come_back
    back_as("two", redis, sink).send("pager")
    return len(sink.took)


def recorded_and_back(redis: Redis) -> int:
    """Let one send a page and what follows it, and come back twice; count what the sink was sent."""
    sink = FakeSink()
    for desk in [back_as("one", redis, sink) for _ in range(3)]:
        desk.deliver(result())
        desk.send("pager")
    return len(sink.took)


def test_nobody_elses_lease_is_touched(redis: Redis) -> None:
    assert taken_over_while_away(redis) == 1


def test_control_without_the_leases_token_it_would_be() -> None:
    redis = Unguarded("kept[1] == token and ", "")
    assert taken_over_while_away(redis) == 2
    assert redis.scripts_weakened, "the guard is written otherwise now"


def test_what_was_recorded_is_not_sent_again_by_who_is_back(redis: Redis) -> None:
    assert recorded_and_back(redis) == 1


def kills_its_sender(redis: Redis) -> int:
    """Let a page kill every sender, each back under the same name at once; count the kills."""
    Desk(redis, {"pager": FakeSink()}).deliver(result())
    kills = 0
    for _ in range(6):
        try:
            back_as("one", redis, FakeSink(before=DEATH)).send("pager")
        except Killed:
            kills += 1
    return kills


def test_what_kills_its_sender_again_and_again_waits_for_its_lease(redis: Redis) -> None:
    assert kills_its_sender(redis) == 4


def test_control_without_the_limit_it_kills_every_sender() -> None:
    redis = Unguarded(" and tonumber(kept[2]) <= RESUMED_TRIES", "")
    assert kills_its_sender(redis) == 6
    assert redis.scripts_weakened, "the guard is written otherwise now"


@pytest.mark.parametrize("end", [nothing, DEATH], ids=["sent", "killed"])
def test_what_a_member_had_in_hand_is_forgotten_after_its_lease(
    redis: Redis, end: Callable[[TriageResult], None]
) -> None:
    desk = Desk(redis, {"pager": FakeSink(after=end)}, member="one")
    desk.deliver(result())
    with suppress(Killed):
        desk.send("pager")
    assert 0 < redis.pttl(taken_key("pager", "one")) <= LEASE_SECONDS * 1000


def test_who_is_back_has_it_due_once(redis: Redis) -> None:
    killed_while_sending(redis, result(), is_sent=False)
    assert [Deliveries(redis, member="one").wake("pager") for _ in range(2)] == [1, 0]
