"""A restart whose worker was lost: looked after, told, and never ordered again."""

from redis import Redis

from tests.fakes import SERVER_ID, FakeClock, FakeServer
from tests.guardrails.test_restart_guard import OPEN_HANDED, granted, guard_of, refused, restarted
from tests.redis_servers import redis_fixture as redis_fixture  # noqa: PLC0414 - pytest finds fixtures by import
from tests.redis_servers import valkey_fixture as valkey_fixture  # noqa: PLC0414
from worker.contract.result import RestartOutcome, RestartRecord
from worker.guardrails.recovery import look_after
from worker.guardrails.restart_attempt import RestartState
from worker.guardrails.restart_guard import RestartGuard


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


def test_a_recorded_recovery_without_its_probes_is_told_as_unknown(redis: Redis) -> None:
    guard = guard_of(redis, OPEN_HANDED)
    restarted(guard, "i1", SERVER_ID)
    record = look(guard, "i1")
    assert record is not None
    assert record.outcome is RestartOutcome.UNKNOWN
    assert "seen" in record.detail


class TestTheKillSwitchTripsByItself:
    def test_after_three_restarts_in_a_row_that_did_not_help(self, redis: Redis) -> None:
        guard = guard_of(redis, OPEN_HANDED)
        for number, outcome in enumerate((RestartOutcome.NOT_RESTORED, RestartOutcome.FAILED, RestartOutcome.UNKNOWN)):
            assert guard.halted() is None
            restarted(guard, f"i{number}", f"s{number}", outcome)
        assert guard.halted() == "3 restarts in a row did not restore health"
        assert refused(guard, "i9", "s9").reason == "halted"

    def test_not_when_one_in_between_has_helped(self, redis: Redis) -> None:
        guard = guard_of(redis, OPEN_HANDED)
        bad, good = RestartOutcome.NOT_RESTORED, RestartOutcome.RESTORED
        for number, outcome in enumerate((bad, bad, good, bad, bad)):
            restarted(guard, f"i{number}", f"s{number}", outcome)
        assert guard.halted() is None

    def test_and_counts_from_the_start_again_after_a_person_has_resumed(self, redis: Redis) -> None:
        guard = guard_of(redis, OPEN_HANDED)
        for number in range(3):
            restarted(guard, f"i{number}", f"s{number}", RestartOutcome.FAILED)
        guard.resume("looked at it")
        restarted(guard, "i3", "s3", RestartOutcome.FAILED)
        assert guard.halted() is None
