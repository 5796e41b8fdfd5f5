"""A storm collapses: while an incident of a group is open its alerts are attached and counted, and none is hidden."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from redis import Redis

from producers.intake import Answer, StormRules, Verdict, take_in
from producers.sources.alert import Arrival, Reported, alert_of
from tests.redis_servers import let_time_pass
from tests.registry.entries import published, result_of, step, sweeper_of
from worker.contract import Alert, Disposition, Incident, Resolution, Severity, TriageResult
from worker.contract.queue import BROKER_KEY_PREFIX, QUEUES, alerts_key, incident_key, read_message
from worker.registry import Registry, RegistryView
from worker.registry.claim import Finished

RegistryOf = Callable[..., Registry]
START: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def alert(
    name: str, *, server: str = "web-1", minute: int = 0, is_over: bool = False, severity: str = "warning"
) -> Alert:
    """One alert as Alertmanager tells it: its name is its condition, its minute the time at which it began to fire."""
    reported = Reported(
        text=f"{name} on {server}",
        labels={"alertname": name, "instance": f"{server}:9100", "cluster": "eu"},
        severity=severity,
        started_at=(START + timedelta(minutes=minute)).isoformat(),
        condition=f"{name}/{server}",
        is_resolved=is_over,
    )
    return alert_of(reported, Arrival(received_at=START, unique="u1", source="alertmanager"))


def offer(redis: Redis, *alerts: Alert, **rules: float) -> list[Verdict]:
    return list(take_in(redis, alerts, storms=StormRules(**rules)))  # type: ignore[arg-type] # all but one are floats


def answers(redis: Redis, *alerts: Alert) -> list[Answer]:
    return [verdict.answer for verdict in offer(redis, *alerts)]


def waiting(redis: Any, queue: str) -> list[str]:
    return [json.loads(text)["headers"]["id"] for text in redis.lrange(BROKER_KEY_PREFIX + queue, 0, -1)]


def close(redis: Redis, registry: Registry, incident_id: str, disposition: Disposition) -> TriageResult:
    with registry.claim(incident_id) as claim:
        assert claim is not None
        claim.finish(result_of(claim.incident).model_copy(update={"disposition": disposition}))
    return TriageResult.model_validate_json(published(redis)[-1]["result"])


class TestWhileAnIncidentIsOpen:
    def test_further_alerts_of_its_server_are_attached_and_counted(self, redis: Redis, registry_of: RegistryOf) -> None:
        first, *further = (alert(name) for name in "abc")
        assert answers(redis, first, *further) == [Answer.ACCEPTED, Answer.ATTACHED, Answer.ATTACHED]
        assert offer(redis, *further) == [Verdict(first.incident_id, Answer.DUPLICATE)] * 2
        assert waiting(redis, QUEUES[1]) == [first.incident_id]
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            assert (claim.occurrences.count, claim.occurrences.resolved) == (3, 0)
            assert claim.newest_alerts() == tuple(reversed(further))

    def test_an_alert_of_another_server_opens_an_incident_of_its_own(self, redis: Redis) -> None:
        assert answers(redis, alert("a"), alert("a", server="web-2")) == [Answer.ACCEPTED] * 2

    def test_a_storm_from_two_alertmanagers_is_one_incident_a_cause_and_each_occurrence_counts_once(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        storm = [alert(f"a{number}", server=f"web-{number % 20}") for number in range(5000)]
        seen = answers(redis, *storm[:2500], *storm, *storm[1000:])
        assert {answer: seen.count(answer) for answer in seen} == {
            Answer.ACCEPTED: 20,
            Answer.ATTACHED: 4980,
            Answer.DUPLICATE: 6500,
        }
        results = [
            close(redis, registry_of(redis), incident_id, Disposition.ESCALATED)
            for incident_id in waiting(redis, QUEUES[1])
        ]
        assert [result.occurrences.count for result in results] == [250] * 20

    def test_the_newest_alerts_are_kept_and_all_are_counted(self, redis: Redis, registry_of: RegistryOf) -> None:
        alerts = [alert(f"a{number}") for number in range(30)]
        offer(redis, *alerts, alerts_kept=5)
        with registry_of(redis).claim(alerts[0].incident_id) as claim:
            assert claim is not None
            assert claim.newest_alerts() == tuple(reversed(alerts[-5:]))
            assert claim.occurrences.count == 30

    def test_a_more_urgent_alert_brings_the_incident_into_its_queue(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        first = alert("a")
        assert answers(redis, first, alert("b", severity="critical")) == [Answer.ACCEPTED, Answer.ATTACHED]
        assert waiting(redis, QUEUES[0]) == [first.incident_id]
        assert read_message(str(redis.lindex(BROKER_KEY_PREFIX + QUEUES[0], 0)).encode()) == first.incident_id
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            assert claim.occurrences.severity is Severity.CRITICAL

    def test_no_two_messages_of_one_batch_share_a_delivery_tag(self, redis: Any) -> None:
        offer(redis, *(alert(severity, severity=severity) for severity in ("info", "warning", "critical")))
        messages = [json.loads(redis.lindex(BROKER_KEY_PREFIX + queue, 0)) for queue in QUEUES]
        assert len({message["headers"]["id"] for message in messages}) == 1
        assert len({message["properties"]["delivery_tag"] for message in messages}) == len(QUEUES)

    def test_the_running_triage_is_told_with_its_next_record(self, redis: Redis, registry_of: RegistryOf) -> None:
        first = alert("a")
        offer(redis, first)
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            assert claim.alerts_that_came == 0
            offer(redis, alert("b"), alert("a", is_over=True))
            assert claim.alerts_that_came == 0
            claim.record(step(1))
            assert claim.alerts_that_came == 2
            assert [type(each) for each in claim.newest_alerts()] == [Resolution, Incident]

    def test_what_an_engineer_gets_counts_and_quotes_also_what_came_after_the_last_step(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        first = alert("a")
        offer(redis, first)
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            offer(redis, alert("b"), alert("a", is_over=True))
            escalation = result_of(claim.incident).model_copy(update={"disposition": Disposition.ESCALATED})
            assert claim.finish(escalation) is Finished.PUBLISHED
        (entry,) = published(redis)
        told = TriageResult.model_validate_json(entry["result"]).occurrences
        assert (told.count, told.resolved, told.newest) == (2, 1, ("b on web-1",))

    def test_a_good_end_is_not_published_over_a_firing_that_it_has_not_heard_of(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        first = alert("a")
        offer(redis, first)
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            good = result_of(claim.incident)
            offer(redis, alert("a", is_over=True), alert("b"))
            assert claim.finish(good) is Finished.OVERTAKEN
            assert published(redis) == []
            assert claim.finish(good) is Finished.OVERTAKEN
            heard = good.model_copy(update={"occurrences": claim.occurrences})
            assert claim.finish(heard) is Finished.PUBLISHED
        assert len(published(redis)) == 1

    def test_a_good_end_is_published_over_further_ends(self, redis: Redis, registry_of: RegistryOf) -> None:
        first = alert("a")
        offer(redis, first)
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            offer(redis, alert("a", is_over=True))
            assert claim.finish(result_of(claim.incident)) is Finished.PUBLISHED
        (entry,) = published(redis)
        assert TriageResult.model_validate_json(entry["result"]).occurrences.resolved == 1

    def test_an_alert_that_cannot_be_read_hides_no_other(self, redis: Redis, registry_of: RegistryOf) -> None:
        first, second = alert("a"), alert("b")
        offer(redis, first, second)
        redis.lpush(alerts_key(first.incident_id), "{", '{"text": "odd"}')
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            assert claim.newest_alerts() == (second,)


class TestTheEndOfAnAlert:
    def test_it_is_noted_once_however_often_it_is_told(self, redis: Redis, registry_of: RegistryOf) -> None:
        first, over = alert("a"), alert("a", is_over=True)
        assert offer(redis, first, over, over) == [
            Verdict(first.incident_id, Answer.ACCEPTED),
            Verdict(first.incident_id, Answer.RESOLVED),
            Verdict(first.incident_id, Answer.RESOLVED),
        ]
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            assert claim.occurrences.are_all_resolved

    def test_while_another_occurrence_fires_the_incident_is_not_over(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        first = alert("a")
        offer(redis, first, alert("b"), alert("a", is_over=True))
        with registry_of(redis).claim(first.incident_id) as claim:
            assert claim is not None
            assert not claim.occurrences.are_all_resolved

    def test_of_something_unknown_it_opens_nothing_and_a_firing_right_after_it_waits_for_an_end_of_its_own(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        over = alert("a", is_over=True)
        _, copy, end = offer(redis, over, alert("a"), over)
        assert (copy.answer, end) == (Answer.ACCEPTED, Verdict(copy.incident_id, Answer.RESOLVED))
        assert waiting(redis, QUEUES[1]) == []
        with registry_of(redis).claim(copy.incident_id) as claim:
            assert claim is not None
            assert claim.occurrences.are_all_resolved

    def test_what_fires_again_after_its_end_is_a_new_incident_the_same_for_everybody(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        first = alert("a")
        offer(redis, first, alert("a", is_over=True))
        close(redis, registry_of(redis), first.incident_id, Disposition.NO_ACTION)

        again, from_the_other = offer(redis, first) + offer(redis, first)
        assert again.answer is Answer.ACCEPTED
        assert again.incident_id != first.incident_id
        assert from_the_other == Verdict(again.incident_id, Answer.DUPLICATE)
        assert offer(redis, alert("a", is_over=True)) == [Verdict(again.incident_id, Answer.RESOLVED)]
        with registry_of(redis).claim(again.incident_id) as claim:
            assert claim is not None
            assert claim.incident.incident_id == again.incident_id

    def test_it_is_triaged_after_all_when_no_second_end_shows_that_it_was_a_late_copy(self, redis: Redis) -> None:
        *_, again = offer(redis, alert("a"), alert("a", is_over=True), alert("a").model_copy(update={"group": "else"}))
        assert sweeper_of(redis).sweep() == 0
        let_time_pass(redis, 61)
        sweeper_of(redis).sweep()
        assert again.incident_id in waiting(redis, QUEUES[1])

    def test_how_late_a_firing_is_counts_from_when_its_producer_had_it_and_not_from_when_a_spool_was_emptied(
        self, redis: Redis
    ) -> None:
        now = datetime.now(UTC)
        first, over, later = (
            each.model_copy(update={"received_at": now - timedelta(minutes=minutes)})
            for each, minutes in ((alert("a"), 20), (alert("a", is_over=True), 15), (alert("a"), 5))
        )
        *_, again = offer(redis, first, over, later.model_copy(update={"group": "else"}))
        assert again.answer is Answer.ACCEPTED
        assert again.incident_id in waiting(redis, QUEUES[1])

    def test_what_fires_again_and_is_attached_is_counted_once(self, redis: Redis, registry_of: RegistryOf) -> None:
        first, other = alert("a"), alert("b")
        offer(redis, other, first, alert("a", is_over=True))
        again = [offer(redis, first, lateness_seconds=0)[0] for _ in range(2)]
        assert again == [Verdict(other.incident_id, Answer.ATTACHED), Verdict(other.incident_id, Answer.DUPLICATE)]
        with registry_of(redis).claim(other.incident_id) as claim:
            assert claim is not None
            assert (claim.occurrences.count, claim.occurrences.resolved) == (3, 1)


class TestAfterAnIncidentIsClosed:
    def test_that_ended_well_the_next_is_accepted_and_its_triage_waits_until_it_is_quiet(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        first, second, third = alert("a"), alert("a", minute=5), alert("b")
        offer(redis, first)
        close(redis, registry_of(redis), first.incident_id, Disposition.NO_ACTION)
        assert offer(redis, second, third) == [
            Verdict(second.incident_id, Answer.ACCEPTED),
            Verdict(second.incident_id, Answer.ATTACHED),
        ]
        assert waiting(redis, QUEUES[1]) == [first.incident_id]
        for _ in range(3):
            assert sweeper_of(redis).sweep() == 0
        let_time_pass(redis, 61)
        assert sweeper_of(redis).sweep() == 1
        assert second.incident_id in waiting(redis, QUEUES[1])

    def test_that_an_engineer_has_all_that_follows_is_gathered_and_looked_at_if_it_has_not_passed(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        first, second, third = alert("a"), alert("b", minute=1), alert("c", minute=2)
        offer(redis, first)
        close(redis, registry_of(redis), first.incident_id, Disposition.ESCALATED)
        assert offer(redis, second, third) == [Verdict(second.incident_id, Answer.ATTACHED)] * 2
        (waits,) = RegistryView(redis).open_incidents(5)
        assert waits.waits_seconds is not None
        assert 890 < waits.waits_seconds <= 900
        let_time_pass(redis, 890)
        assert sweeper_of(redis).sweep() == 0
        let_time_pass(redis, 20)
        assert sweeper_of(redis).sweep() == 1
        assert second.incident_id in waiting(redis, QUEUES[1])

    def test_a_critical_alert_is_looked_at_sooner_also_when_it_joins_what_waits(
        self, redis: Redis, registry_of: RegistryOf
    ) -> None:
        first, second, third = alert("a", severity="critical"), alert("b"), alert("c", severity="critical")
        offer(redis, first)
        close(redis, registry_of(redis), first.incident_id, Disposition.ESCALATED)
        assert offer(redis, second, third) == [Verdict(second.incident_id, Answer.ATTACHED)] * 2
        let_time_pass(redis, 290)
        assert sweeper_of(redis).sweep() == 0
        let_time_pass(redis, 20)
        assert sweeper_of(redis).sweep() == 1
        assert waiting(redis, QUEUES[0]) == [first.incident_id, second.incident_id]

    @pytest.mark.parametrize("disposition", [Disposition.NO_ACTION, Disposition.ESCALATED])
    def test_a_more_urgent_alert_is_triaged_at_once(
        self, redis: Redis, registry_of: RegistryOf, disposition: Disposition
    ) -> None:
        first, second = alert("a"), alert("b", severity="critical")
        offer(redis, first)
        close(redis, registry_of(redis), first.incident_id, disposition)
        assert offer(redis, second) == [Verdict(second.incident_id, Answer.ACCEPTED)]
        assert waiting(redis, QUEUES[0]) == [second.incident_id]

    def test_its_group_expires_with_it(self, redis: Redis, registry_of: RegistryOf) -> None:
        first = alert("a")
        offer(redis, first)
        close(redis, registry_of(redis), first.incident_id, Disposition.ESCALATED)
        lives = [redis.ttl(key) for key in ("firstline:group:server=web-1", incident_key(first.incident_id))]
        assert min(lives) > 0
        assert max(lives) - min(lives) <= 1

    def test_an_entry_that_has_expired_is_no_reason_to_wait(self, redis: Redis) -> None:
        first, second = alert("a"), alert("b")
        offer(redis, first)
        redis.delete(incident_key(first.incident_id))
        assert answers(redis, second) == [Answer.ACCEPTED]


@pytest.mark.parametrize("stranger", ["a string", {"colour": "blue"}])
def test_a_stranger_s_key_in_an_incident_s_place_is_no_reason_to_call_it_known(
    redis: Redis, registry_of: RegistryOf, stranger: str | dict[str, str]
) -> None:
    first = alert("a")
    key = incident_key(first.incident_id)
    redis.set(key, stranger) if isinstance(stranger, str) else redis.hset(key, mapping=stranger)  # type: ignore[arg-type]
    assert answers(redis, first) == [Answer.ACCEPTED]
    close(redis, registry_of(redis), first.incident_id, Disposition.NO_ACTION)


def test_what_strangers_have_spoilt_spoils_no_batch(redis: Redis) -> None:
    first, second = alert("a"), alert("b")
    offer(redis, first)
    redis.delete("firstline:group:server=web-1")
    redis.lpush("firstline:group:server=web-1", "no string")
    redis.delete(alerts_key(first.incident_id))
    redis.set(alerts_key(first.incident_id), "no list")
    assert answers(redis, second, alert("c"), alert("a", is_over=True)) == [
        Answer.ACCEPTED,
        Answer.ATTACHED,
        Answer.RESOLVED,
    ]
