"""The poller: what fires is offered at each look, what has gone is over, and nothing is lost while nobody takes it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from producers.door import RedisDoor
from producers.intake import Answer, IntakeUnavailable
from producers.polling import poller as poller_module
from producers.polling.json_api import ApiError
from producers.polling.poller import BATCH_SIZE, SETTLING_SECONDS, Poller, Seen, is_news
from producers.sources.alert import Arrival, Reported, alert_of
from tests.redis_servers import SwitchableRedis
from worker.contract import Incident

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def incident(number: int, started_at: datetime = NOW) -> Incident:
    reported = Reported(
        text=f"Disk {number} is slow",
        labels={"host": f"server-{number}"},
        started_at=started_at.isoformat(),
        condition=str(number),
    )
    alert = alert_of(reported, Arrival(received_at=NOW, unique=str(number), source="alertmanager"))
    assert isinstance(alert, Incident)
    return alert


@dataclass
class FakeSource:
    """Lists what a test puts into it; away when a test says so."""

    firing: list[Incident] = field(default_factory=list)
    withheld: list[Incident] = field(default_factory=list)
    rejected: Sequence[str] = ()
    uptime: str | None = "since yesterday"
    failure: ApiError | None = None

    def look(self, received_at: datetime) -> Seen:
        if self.failure:
            raise self.failure
        ids = frozenset(each.incident_id for each in self.withheld)
        return Seen(firing=tuple(self.firing), withheld=ids, rejected=tuple(self.rejected))

    def began_at(self) -> str | None:
        return self.uptime


@dataclass
class Desk:
    """A poller over a fake source and a real intake script, with time that a test lets pass."""

    source: FakeSource = field(default_factory=FakeSource)
    redis: SwitchableRedis = field(default_factory=SwitchableRedis)
    elapsed_seconds: float = 0.0
    open_limit: int = 1000
    poller: Poller = field(init=False)

    def __post_init__(self) -> None:
        self.poller = self.another_poller()

    def another_poller(self) -> Poller:
        door = RedisDoor(self.redis.client, open_limit=self.open_limit)
        return Poller(self.source, door, monotonic_seconds=lambda: self.elapsed_seconds)

    def answers(self, poller: Poller | None = None) -> list[tuple[Answer, str]]:
        poller = poller or self.poller
        poller.look(NOW + timedelta(seconds=self.elapsed_seconds))
        return [(told.verdict.answer, told.alert.incident_id) for told in poller.hand_in()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_what_fires_is_taken_in_once_however_often_it_is_looked_at(desk: Desk) -> None:
    desk.source.firing = [incident(1), incident(2)]
    ids = [each.incident_id for each in desk.source.firing]
    assert desk.answers() == [(Answer.ACCEPTED, each) for each in ids]
    assert desk.answers() == [(Answer.DUPLICATE, each) for each in ids]


def test_a_second_poller_and_one_that_restarts_give_only_duplicates(desk: Desk) -> None:
    desk.source.firing = [incident(1)]
    desk.answers()
    assert desk.answers(desk.another_poller()) == [(Answer.DUPLICATE, incident(1).incident_id)]


def test_what_has_gone_is_over_once(desk: Desk) -> None:
    desk.source.firing = [incident(1), incident(2)]
    desk.answers()
    desk.source.firing = [incident(2)]
    assert (Answer.RESOLVED, incident(1).incident_id) in desk.answers()
    assert desk.answers() == [(Answer.DUPLICATE, incident(2).incident_id)]


def test_what_went_while_no_poller_ran_gets_no_end(desk: Desk) -> None:
    desk.source.firing = [incident(1)]
    desk.answers()
    desk.source.firing = []
    assert desk.answers(desk.another_poller()) == []


def test_an_alert_that_was_silenced_is_not_over_and_one_that_was_never_taken_neither(desk: Desk) -> None:
    desk.source.firing, desk.source.withheld = [incident(1)], [incident(2)]
    desk.answers()
    desk.source.firing, desk.source.withheld = [], [incident(1), incident(2)]
    assert desk.answers() == []
    desk.source.withheld = []
    assert desk.answers() == [(Answer.RESOLVED, incident(1).incident_id)]


def test_a_look_that_fails_says_nothing_about_what_fires(desk: Desk) -> None:
    desk.source.firing = [incident(1)]
    desk.answers()
    desk.source.failure = ApiError("away")
    with pytest.raises(ApiError):
        desk.answers()
    assert list(desk.poller.hand_in()) == []


def test_a_source_that_has_just_restarted_has_forgotten_and_nothing_is_over(desk: Desk) -> None:
    desk.source.firing = [incident(1)]
    desk.answers()
    desk.source.firing, desk.source.uptime = [], "since just now"
    assert desk.answers() == []
    desk.elapsed_seconds = SETTLING_SECONDS - 1
    assert desk.answers() == []
    desk.elapsed_seconds = SETTLING_SECONDS + 1
    assert desk.answers() == [(Answer.RESOLVED, incident(1).incident_id)]


def test_control_without_waiting_for_it_to_settle_a_restart_ends_every_alert(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller_module, "SETTLING_SECONDS", 0)
    desk.source.firing = [incident(1)]
    desk.answers()
    desk.source.firing, desk.source.uptime = [], "since just now"
    assert desk.answers() == [(Answer.RESOLVED, incident(1).incident_id)]


def test_nothing_is_lost_while_redis_is_away_not_even_what_ended_meanwhile(desk: Desk) -> None:
    desk.redis.goes_away()
    desk.source.firing = [incident(1), incident(2)]
    with pytest.raises(IntakeUnavailable):
        desk.answers()
    desk.source.firing = [incident(2)]
    with pytest.raises(IntakeUnavailable):
        desk.answers()
    assert desk.poller.owed == 3
    desk.redis.comes_back()
    assert desk.answers() == [
        (Answer.ACCEPTED, incident(1).incident_id),
        (Answer.ACCEPTED, incident(2).incident_id),
        (Answer.RESOLVED, incident(1).incident_id),
    ]
    assert desk.poller.owed == 0


def test_an_end_that_is_still_owed_is_dropped_when_the_alert_is_there_again(desk: Desk) -> None:
    desk.source.firing = [incident(1)]
    desk.answers()
    desk.redis.goes_away()
    desk.source.firing = []
    with pytest.raises(IntakeUnavailable):
        desk.answers()
    desk.redis.comes_back()
    desk.source.firing = [incident(1)]
    assert desk.answers() == [(Answer.DUPLICATE, incident(1).incident_id)]


def test_what_finds_no_room_stays_owed_until_there_is_some() -> None:
    desk = Desk(open_limit=1)
    desk.source.firing = [incident(1), incident(2)]
    desk.poller.look(NOW)
    assert [is_news(told) for told in desk.poller.hand_in()] == [True, False]
    assert desk.poller.owed == 1
    desk.redis.client.flushall()
    desk.source.firing = []
    assert desk.answers() == [
        (Answer.ACCEPTED, incident(2).incident_id),
        (Answer.RESOLVED, incident(1).incident_id),
        (Answer.RESOLVED, incident(2).incident_id),
    ]


def test_with_too_much_owed_nothing_further_is_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_module, "OWED_LIMIT", 2)
    desk.redis.goes_away()
    desk.source.firing = [incident(1), incident(2)]
    desk.poller.look(NOW)
    desk.source.firing.append(incident(3))
    desk.poller.look(NOW)
    assert desk.poller.owed == 2
    desk.redis.comes_back()
    assert len(list(desk.poller.hand_in())) == 2
    assert (Answer.ACCEPTED, incident(3).incident_id) in desk.answers()


def test_what_was_answered_before_an_outage_is_told_and_only_the_rest_is_owed(desk: Desk) -> None:
    desk.source.firing = [incident(number) for number in range(BATCH_SIZE + 10)]
    desk.poller.look(NOW)
    answers = desk.poller.hand_in()
    told = [next(answers) for _ in range(BATCH_SIZE)]
    desk.redis.goes_away()
    with pytest.raises(IntakeUnavailable):
        next(answers)
    assert (len(told), desk.poller.owed) == (BATCH_SIZE, 10)


def test_two_sources_behind_one_address_settle_once_and_not_at_each_turn(desk: Desk) -> None:
    desk.source.firing = [incident(1)]
    for uptime in ("first", "second"):
        desk.source.uptime = uptime
        desk.answers()
    desk.elapsed_seconds, desk.source.uptime = SETTLING_SECONDS + 1, "first"
    desk.source.firing = []
    assert desk.answers() == [(Answer.RESOLVED, incident(1).incident_id)]


def test_a_duplicate_is_no_news_and_an_end_is(desk: Desk) -> None:
    desk.source.firing = [incident(1)]
    desk.answers()
    desk.poller.look(NOW)
    assert [is_news(told) for told in desk.poller.hand_in()] == [False]
    desk.source.firing = []
    desk.poller.look(NOW)
    assert [is_news(told) for told in desk.poller.hand_in()] == [True]


def test_an_alert_that_is_not_understood_keeps_no_other_out_and_is_counted(desk: Desk) -> None:
    desk.source.firing, desk.source.rejected = [incident(1)], ("it says nothing",)
    assert desk.answers() == [(Answer.ACCEPTED, incident(1).incident_id)]
    assert desk.poller.rejections == 1
