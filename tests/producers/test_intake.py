"""Intake: every incident gets one answer, and an answer of "accepted" means entry and message, never one of them."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fakeredis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from producers import Answer, IntakeUnavailable, connect, intake, parse_text, take_in
from worker.contract import Alert, Incident, Resolution, Severity
from worker.contract.queue import OPEN_INCIDENTS, QUEUES, incident_key

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def redis() -> Redis:
    return fakeredis.FakeRedis(decode_responses=True)


def incident(number: int, severity: Severity = Severity.WARNING) -> Incident:
    alert = {"server_id": f"server-{number}", "error_msg": "slow", "timestamp": NOW.isoformat(), "severity": severity}
    return parse_text(json.dumps(alert), received_at=NOW, unique=str(number))


def answers(redis: Redis, incidents: list[Incident], *, batch_size: int = 300, open_limit: int = 100) -> list[Answer]:
    verdicts = list(take_in(redis, incidents, batch_size=batch_size, open_limit=open_limit))
    assert [verdict.incident_id for verdict in verdicts] == [incident.incident_id for incident in incidents]
    return [verdict.answer for verdict in verdicts]


def snapshot(redis: Redis) -> dict[str, object]:
    return {str(key): redis.dump(key) for key in redis.scan_iter()}


def messages(redis: Redis, queue: str) -> list[str]:
    """Return the incident ids that wait in a queue, oldest first."""
    return [json.loads(message)["headers"]["id"] for message in reversed(redis.lrange(f"celery:{queue}", 0, -1))]


def test_an_accepted_incident_has_an_entry_a_place_among_the_open_ones_and_a_message(redis: Redis) -> None:
    taken = incident(1)
    assert answers(redis, [taken]) == [Answer.ACCEPTED]

    entry = redis.hgetall(incident_key(taken.incident_id))
    assert Incident.model_validate_json(entry.pop("incident")) == taken
    accepted_at = int(entry.pop("accepted_at"))
    assert entry == {}
    seconds, _ = redis.time()
    assert abs(accepted_at / 1000 - seconds) < 10
    assert redis.zscore(OPEN_INCIDENTS, taken.incident_id) == accepted_at
    assert messages(redis, "triage.p2") == [taken.incident_id]


def test_each_severity_has_its_queue_and_the_oldest_is_handed_out_first(redis: Redis) -> None:
    severities = list(Severity) * 2
    incidents = [incident(number, severity) for number, severity in enumerate(severities)]
    assert answers(redis, incidents) == [Answer.ACCEPTED] * 6
    for severity, queue in zip(Severity, QUEUES, strict=True):
        assert messages(redis, queue) == [taken.incident_id for taken in incidents if taken.severity is severity]


def test_an_incident_sent_again_is_a_duplicate_and_changes_nothing(redis: Redis) -> None:
    assert answers(redis, [incident(1), incident(2)]) == [Answer.ACCEPTED] * 2
    before = snapshot(redis)
    assert answers(redis, [incident(2), incident(1)]) == [Answer.DUPLICATE] * 2
    assert snapshot(redis) == before


def test_the_second_of_two_equal_incidents_in_one_batch_is_a_duplicate(redis: Redis) -> None:
    assert answers(redis, [incident(1), incident(1)]) == [Answer.ACCEPTED, Answer.DUPLICATE]
    assert len(messages(redis, "triage.p2")) == 1


def test_past_the_limit_of_open_incidents_new_ones_are_full_and_known_ones_are_duplicates(redis: Redis) -> None:
    wave = [incident(number) for number in range(4)]
    assert answers(redis, wave, open_limit=2) == [Answer.ACCEPTED] * 2 + [Answer.FULL] * 2
    assert answers(redis, wave, open_limit=2) == [Answer.DUPLICATE] * 2 + [Answer.FULL] * 2
    assert not redis.exists(incident_key(wave[3].incident_id))

    redis.zrem(OPEN_INCIDENTS, wave[0].incident_id)
    assert answers(redis, wave[2:], open_limit=2) == [Answer.ACCEPTED, Answer.FULL]


def test_of_the_room_a_tenth_more_is_kept_for_critical_incidents(redis: Redis) -> None:
    assert answers(redis, [incident(number) for number in range(11)], open_limit=10)[-1] is Answer.FULL
    critical = [incident(number, Severity.CRITICAL) for number in (21, 22)]
    assert answers(redis, critical, open_limit=10) == [Answer.ACCEPTED, Answer.FULL]


def test_batches_of_any_size_give_the_same_answers_in_order(redis: Redis) -> None:
    incidents = [incident(number % 20) for number in range(50)]
    expected = [Answer.ACCEPTED] * 20 + [Answer.DUPLICATE] * 30
    assert answers(redis, incidents, batch_size=7) == expected
    assert redis.zcard(OPEN_INCIDENTS) == len(messages(redis, "triage.p2")) == 20


def test_a_batch_is_sent_as_soon_as_it_is_full(redis: Redis) -> None:
    def endless() -> Iterator[Incident]:
        number = 0
        while True:
            number += 1
            yield incident(number)

    verdicts = take_in(redis, endless(), batch_size=1)
    assert [next(verdicts).answer for _ in range(3)] == [Answer.ACCEPTED] * 3
    assert redis.zcard(OPEN_INCIDENTS) == 3


@pytest.mark.parametrize("batch_size", [0, -1, 1001])
def test_a_batch_size_that_would_hold_everybody_up_is_refused(redis: Redis, batch_size: int) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        list(take_in(redis, [incident(1)], batch_size=batch_size))


def test_a_batch_of_a_thousand_fits_the_script(redis: Redis) -> None:
    incidents = [incident(number) for number in range(1000)]
    assert set(answers(redis, incidents, batch_size=1000, open_limit=10_000)) == {Answer.ACCEPTED}


def test_when_redis_is_unavailable_the_producer_is_told_what_to_do() -> None:
    server = fakeredis.FakeServer()
    server.connected = False
    with pytest.raises(IntakeUnavailable, match=r"start it or correct FIRSTLINE_REDIS_URL.*send the same alerts again"):
        list(take_in(fakeredis.FakeRedis(server=server), [incident(1)]))


def test_a_lost_reply_is_asked_for_again_and_nothing_is_twice(redis: Redis) -> None:
    answers(redis, [incident(1), incident(2)])  # it was written, and nobody heard the answer
    assert answers(redis, [incident(1), incident(2)]) == [Answer.DUPLICATE] * 2
    assert len(messages(redis, "triage.p2")) == 2


@pytest.mark.parametrize("foreign_key", [OPEN_INCIDENTS, *(f"celery:{queue}" for queue in QUEUES)])
def test_a_foreign_value_under_one_of_the_keys_stops_the_whole_batch(redis: Redis, foreign_key: str) -> None:
    redis.set(foreign_key, "something else")
    before = snapshot(redis)
    with pytest.raises(IntakeUnavailable, match=foreign_key):
        answers(redis, [incident(number, severity) for number, severity in enumerate(Severity)])
    assert snapshot(redis) == before


def test_control_a_script_that_does_not_look_first_leaves_half_a_batch_behind(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Path(intake.__file__).with_suffix(".lua").read_text(encoding="utf-8")
    careless = script[: script.index("-- A key of the wrong")] + script[script.index("local time") :]
    monkeypatch.setattr(intake, "_script", lambda: careless)
    redis.set("celery:triage.p3", "something else")
    before = snapshot(redis)
    with pytest.raises(IntakeUnavailable):
        answers(redis, [incident(1), incident(2, Severity.INFO)])
    assert snapshot(redis) != before


def test_a_client_gives_up_within_seconds_and_repeats_no_command() -> None:
    client = connect("redis://:secret@127.0.0.1:1/0")
    kept = client.connection_pool.connection_kwargs
    assert (kept["socket_timeout"], kept["socket_connect_timeout"]) == (5, 3)
    assert kept["health_check_interval"] == 5
    assert kept["retry"].get_retries() == 0
    with pytest.raises(ValueError, match="redis://"):
        connect("https://example.com")


def end_of(firing: Incident) -> Resolution:
    return Resolution(
        incident_id=firing.incident_id,
        source=firing.source,
        fingerprint=firing.fingerprint,
        server_id=firing.server_id,
        text="over",
        resolved_at=NOW,
        received_at=NOW,
    )


def one_after_the_other(choices: list[tuple[int, bool]]) -> list[Alert]:
    """Return firings and ends of a few servers of one group, a second apart."""
    firings = [incident(number).model_copy(update={"group": "g"}) for number, _ in choices]
    return [
        (end_of(firing) if is_over else firing).model_copy(update={"received_at": NOW + timedelta(seconds=second)})
        for second, (firing, (_, is_over)) in enumerate(zip(firings, choices, strict=True))
    ]


alerts_of_few_servers = st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12).map(one_after_the_other)


@settings(max_examples=60, deadline=None)
@given(alerts=alerts_of_few_servers, batch_size=st.integers(1, 3))
def test_batches_sent_before_the_last_is_answered_open_the_same_incidents(alerts: list[Alert], batch_size: int) -> None:
    """What fires again is offered once more, so which alert of a group opens its incident may differ."""

    def told(alerts: Iterable[Alert]) -> tuple[Counter[Answer], int]:
        with fakeredis.FakeRedis(decode_responses=True) as redis:
            verdicts = list(take_in(redis, alerts, batch_size=batch_size))
            return Counter(verdict.answer for verdict in verdicts), redis.zcard(OPEN_INCIDENTS)

    assert told(alerts) == told(iter(alerts))


def test_whoever_stops_in_the_middle_leaves_no_answer_to_the_next(redis: Redis) -> None:
    incidents = [incident(number) for number in range(9)]
    verdicts = take_in(redis, incidents, batch_size=3)
    assert next(verdicts).incident_id == incidents[0].incident_id
    verdicts.close()  # type: ignore[attr-defined]
    in_already = redis.zcard(OPEN_INCIDENTS)
    assert 0 < in_already < len(incidents)
    assert answers(redis, incidents, batch_size=3) == [
        *[Answer.DUPLICATE] * in_already,
        *[Answer.ACCEPTED] * (len(incidents) - in_already),
    ]


def test_a_refusal_in_the_middle_is_told_after_the_answers_so_far(redis: Redis) -> None:
    def refusing_from_the_third_batch_on() -> Iterator[Answer]:
        for verdict in take_in(redis, [incident(number) for number in range(9)], batch_size=3):
            if verdict.incident_id == incident(0).incident_id:
                redis.delete("celery:triage.p2")
                redis.set("celery:triage.p2", "something else")
            yield verdict.answer

    told: list[Answer] = []
    with pytest.raises(IntakeUnavailable, match=r"WRONGTYPE.*send the same alerts again"):
        told.extend(answer for answer in refusing_from_the_third_batch_on())
    assert set(told) == {Answer.ACCEPTED}
    assert len(told) < 9
    redis.delete("celery:triage.p2")
    assert answers(redis, [incident(8)]) == [Answer.ACCEPTED]


def test_more_batches_than_one_to_a_redis_that_is_away_are_answered_as_one_is() -> None:
    server = fakeredis.FakeServer()
    server.connected = False
    with pytest.raises(IntakeUnavailable, match="send the same alerts again"):
        list(take_in(fakeredis.FakeRedis(server=server), [incident(1), incident(2)], batch_size=1))
