"""A restart whose worker was lost: looked after, told, and never ordered again."""

from datetime import timedelta

import pytest
from redis import Redis

from tests.fakes import SERVER_ID, START, FakeClock, FakeServer
from tests.guardrails.claims import end_claim
from tests.guardrails.test_restart_guard import OPEN_HANDED, granted, guard_of, refused, restarted
from tests.redis_servers import let_time_pass
from tests.redis_servers import redis_fixture as redis_fixture  # noqa: PLC0414 - pytest finds fixtures by import
from tests.redis_servers import valkey_fixture as valkey_fixture  # noqa: PLC0414
from worker.contract.observations import HealthReading
from worker.contract.result import RestartOutcome, RestartRecord
from worker.guardrails.recovery import look_after
from worker.guardrails.restart_attempt import RestartState
from worker.guardrails.restart_guard import RestartGuard

NOT_KNOWN_TO_HAVE_HELPED = (RestartOutcome.NOT_RESTORED, RestartOutcome.UNKNOWN, RestartOutcome.NOT_RESTORED)


def look(guard: RestartGuard, incident_id: str, server: FakeServer | None = None) -> RestartRecord | None:
    attempt = guard.attempt_of(incident_id)
    assert attempt is not None
    return look_after(attempt, server=(server or FakeServer(FakeClock())).as_server(), guard=guard)


def test_an_intent_that_was_never_sent_is_withdrawn_and_the_server_is_free(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    granted(guard, "i1", SERVER_ID)
    assert look(guard, "i1") is None
    granted(guard, "i2", SERVER_ID)
    assert refused(guard, "i1", SERVER_ID).reason == "already_attempted"


def test_an_order_that_was_sent_is_unknown_and_keeps_its_server_closed(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    assert guard.mark_sent(granted(guard, "i1", SERVER_ID)) is None
    server = FakeServer(FakeClock(), sick_cpu=5.0)
    record = look(guard, "i1", server)
    assert record is not None
    assert record.outcome is RestartOutcome.UNKNOWN
    assert "health is good" in record.detail
    assert server.orders == []
    assert refused(guard, "i2", SERVER_ID).reason in ("server_unresolved", "server_locked")


def test_a_source_that_is_down_changes_nothing_about_that(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    assert guard.mark_sent(granted(guard, "i1", SERVER_ID)) is None
    record = look(guard, "i1", FakeServer(FakeClock(), health_failure="no answer in 5 s"))
    assert record is not None
    assert "no answer in 5 s" in record.detail


def test_an_outcome_that_was_written_after_all_stands_and_is_told(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    restarted(guard, "i1", SERVER_ID, RestartOutcome.NOT_RESTORED)
    record = look(guard, "i1")
    assert record is not None
    assert record.outcome is RestartOutcome.NOT_RESTORED
    attempt = guard.attempt_of("i1")
    assert attempt is not None
    assert attempt.state is RestartState.NOT_RESTORED


def test_a_recorded_recovery_without_its_probes_is_told_as_one_whose_proof_is_lost(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    restarted(guard, "i1", SERVER_ID)
    record = look(guard, "i1")
    assert record is not None
    assert record.outcome is RestartOutcome.PROOF_LOST
    assert "recorded as RESTORED (seen)" in record.detail
    assert "stays closed" not in record.detail


def test_what_was_not_done_needs_no_looking_after(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    restarted(guard, "i1", SERVER_ID, RestartOutcome.NOT_DONE)
    assert look(guard, "i1") is None


def test_what_a_person_has_resolved_is_told_as_that(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    restarted(guard, "i1", SERVER_ID, RestartOutcome.UNKNOWN)
    let_time_pass(redis, 61)
    end_claim(redis, "i1")
    attempt = guard.attempt_of("i1")
    assert attempt is not None
    assert guard.resolve(attempt, person="ada", why="it runs") is None
    record = look(guard, "i1")
    assert record is not None
    assert record.outcome is RestartOutcome.RESOLVED
    assert "stays closed" not in record.detail


class BrokenServer(FakeServer):
    def read_health(self) -> HealthReading:
        raise ValueError("pid must be a positive integer")


def test_a_source_that_breaks_keeps_nothing_from_being_told(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    assert guard.mark_sent(granted(guard, "i1", SERVER_ID)) is None
    record = look(guard, "i1", BrokenServer(FakeClock()))
    assert record is not None
    assert "can't be read (ValueError)" in record.detail


@pytest.mark.parametrize(("minutes_ago", "side"), [(5, "before"), (1, "since")])
def test_two_durations_are_compared_and_never_two_clocks(redis: Redis, minutes_ago: int, side: str) -> None:
    """The server's clock is years behind that of Redis here."""
    guard = guard_of(redis, OPEN_HANDED)
    assert guard.mark_sent(granted(guard, "i1", SERVER_ID)) is None
    let_time_pass(redis, 180)
    record = look(guard, "i1", FakeServer(FakeClock(), started_at=START - timedelta(minutes=minutes_ago)))
    assert record is not None
    assert f"seems to have started {side} (it has been running for {60 * minutes_ago} s" in record.detail


class TestTheKillSwitchTripsByItself:
    def test_after_three_restarts_in_a_row_that_did_not_help(self, redis: Redis) -> None:
        guard = guard_of(redis, OPEN_HANDED)
        for number, outcome in enumerate(NOT_KNOWN_TO_HAVE_HELPED):
            assert guard.halted() is None
            restarted(guard, f"i{number}", f"s{number}", outcome)
        assert guard.halted() == "3 restarts in a row are not known to have helped"
        assert refused(guard, "i9", "s9").reason == "halted"

    def test_not_after_restarts_that_were_not_done(self, redis: Redis) -> None:
        guard = guard_of(redis, OPEN_HANDED)
        for number in range(4):
            restarted(guard, f"i{number}", f"s{number}", RestartOutcome.NOT_DONE)
        assert guard.halted() is None

    def test_not_when_one_in_between_has_helped(self, redis: Redis) -> None:
        guard = guard_of(redis, OPEN_HANDED)
        bad, good = RestartOutcome.NOT_RESTORED, RestartOutcome.RESTORED
        for number, outcome in enumerate((bad, bad, good, bad, bad)):
            restarted(guard, f"i{number}", f"s{number}", outcome)
        assert guard.halted() is None

    def test_and_counts_from_the_start_again_after_a_person_has_resumed(self, redis: Redis) -> None:
        guard = guard_of(redis, OPEN_HANDED)
        for number in range(3):
            restarted(guard, f"i{number}", f"s{number}", RestartOutcome.NOT_RESTORED)
        guard.resume("looked at it")
        restarted(guard, "i3", "s3", RestartOutcome.NOT_RESTORED)
        assert guard.halted() is None
