"""The restart guard: every check says no when it should, nothing is restarted twice, and doubt means no."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from tests.guardrails.claims import FIRST_CLAIM, NO_PLAN, ask, claim, end_claim
from tests.redis_servers import SwitchableRedis, let_time_pass
from tests.redis_servers import redis_fixture as redis_fixture  # noqa: PLC0414 - pytest finds fixtures by import
from tests.redis_servers import valkey_fixture as valkey_fixture  # noqa: PLC0414
from worker.contract.result import Refusal, RestartOutcome
from worker.errors import ConfigurationError, GuardrailUnavailable
from worker.guardrails.restart_attempt import RestartPlan
from worker.guardrails.restart_guard import Grant, RestartAttempt, RestartGuard, RestartLimits, RestartState
from worker.terms import OwnLimits

LIMITS = RestartLimits(
    cooldown_seconds=600,
    server_restarts=2,
    server_window_seconds=3600,
    fleet_restarts=5,
    fleet_window_seconds=1800,
    fleet_concurrency=2,
    lease_seconds=60,
)
OPEN_HANDED = replace(
    LIMITS, cooldown_seconds=0, server_restarts=100, fleet_restarts=1000, fleet_concurrency=100, lease_seconds=60
)


def guard_of(redis: Redis, limits: RestartLimits = LIMITS, *, worker: str = "w1") -> RestartGuard:
    return RestartGuard(redis, limits, worker=worker)


def granted(
    guard: RestartGuard,
    incident_id: str,
    server_id: str = "s1",
    *,
    plan: RestartPlan = NO_PLAN,
) -> Grant:
    answer = ask(
        guard,
        incident_id,
        server_id,
        evidence='["E1"]',
        plan=plan,
    )
    assert isinstance(answer, Grant), answer
    return answer


def refused(guard: RestartGuard, incident_id: str, server_id: str = "s1") -> Refusal:
    answer = ask(guard, incident_id, server_id)
    assert isinstance(answer, Refusal), answer
    return answer


RECORDED = (RestartOutcome.RESTORED, RestartOutcome.NOT_RESTORED, RestartOutcome.NOT_DONE, RestartOutcome.UNKNOWN)
"""What a worker records; the others are told by recovery only."""


def restarted(
    guard: RestartGuard, incident_id: str, server_id: str = "s1", outcome: RestartOutcome = RestartOutcome.RESTORED
) -> Grant:
    grant = granted(guard, incident_id, server_id)
    assert guard.mark_sent(grant) is None
    assert guard.record(grant, outcome, "seen") is None
    return grant


def reason_of(refusal: Refusal | None) -> str:
    assert refusal is not None
    return refusal.reason


def attempt_of(guard: RestartGuard, incident_id: str) -> RestartAttempt:
    attempt = guard.attempt_of(incident_id)
    assert attempt is not None
    return attempt


def all_keys(redis: Any) -> dict[str, object]:
    return {str(key): redis.dump(key) for key in redis.scan_iter()}


def journal(redis: Any) -> list[str]:
    return [fields["state"] for _, fields in redis.xrange("firstline:restarts:journal")]


class TestRequest:
    def test_a_grant_has_a_fence_and_ends_before_its_lease_by_the_clock_of_redis(self, redis: Redis) -> None:
        grant = granted(guard_of(redis), "inc-1")
        seconds, _ = redis.time()
        left = (grant.not_after - datetime.fromtimestamp(seconds, UTC)).total_seconds()
        assert grant.lease_seconds == 58
        assert 56 < left < 60

    def test_the_intent_is_written_before_the_grant_is_given(self, redis: Redis) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1")
        attempt = attempt_of(guard, "inc-1")
        assert (attempt.state, attempt.fence, attempt.server_id) == (RestartState.INTENT, grant.fence, "s1")
        assert (attempt.worker, attempt.evidence) == ("w1", '["E1"]')
        assert journal(redis) == ["INTENT"]

    def test_fences_rise(self, redis: Redis) -> None:
        guard = guard_of(redis)
        assert granted(guard, "inc-1", "s1").fence < granted(guard, "inc-2", "s2").fence

    def test_a_person_waits_for_the_lease_of_an_unknown_outcome_too(self, redis: Redis) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1", "s1", RestartOutcome.UNKNOWN)
        assert reason_of(guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="it runs")) == "server_locked"

    def test_fences_rise_over_a_loss_of_all_data(self, redis: Redis) -> None:
        before = granted(guard_of(redis), "inc-1").fence
        redis.flushall()
        assert granted(guard_of(redis), "inc-2").fence >= before

    def test_the_kill_switch_refuses_before_anything_else_and_says_why(self, redis: Redis) -> None:
        guard = guard_of(redis)
        granted(guard, "inc-1")
        guard.halt("a deployment is running")
        refusal = refused(guard, "inc-1")
        assert refusal.reason == "halted"
        assert "a deployment is running" in refusal.detail
        assert guard.halted() == "a deployment is running"
        guard.resume("it is over")
        assert guard.halted() is None
        assert refused(guard, "inc-1").reason == "already_attempted"

    def test_an_incident_is_never_granted_twice_not_even_for_another_server_or_after_years(self, redis: Redis) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1")
        let_time_pass(redis, 1e8)
        refusal = refused(guard, "inc-1", "s2")
        assert refusal.reason == "already_attempted"
        attempted = "inc-1 has had its one attempt to restart s1 (state RESTORED)"
        assert refusal.detail == f"{attempted}; there is never a second."

    def test_a_second_worker_is_refused_while_the_lease_is_held(self, redis: Redis) -> None:
        granted(guard_of(redis), "inc-1")
        refusal = refused(guard_of(redis, worker="w2"), "inc-2")
        assert refusal.reason == "server_locked"
        assert refusal.detail.startswith("s1 is locked by inc-1 (fence ")
        assert refusal.retry_after_seconds is not None
        assert 58 < refusal.retry_after_seconds <= 60

    def test_a_lease_that_ran_out_without_an_outcome_keeps_the_server_closed_for_ever(self, redis: Redis) -> None:
        guard = guard_of(redis)
        granted(guard, "inc-1")
        let_time_pass(redis, 61)
        end_claim(redis, "inc-1")
        assert refused(guard, "inc-2").reason == "server_unresolved"
        let_time_pass(redis, 1e8)
        refusal = refused(guard, "inc-2")
        assert (refusal.reason, refusal.retry_after_seconds) == ("server_unresolved", None)

    def test_the_cooldown_runs_from_the_outcome(self, redis: Redis) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1")
        let_time_pass(redis, 595)
        refusal = refused(guard, "inc-2")
        assert (refusal.reason, round(refusal.retry_after_seconds or 0)) == ("cooldown", 5)
        let_time_pass(redis, 5)
        granted(guard, "inc-2")

    def test_a_servers_budget_frees_when_its_oldest_restart_leaves_the_window(self, redis: Redis) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1")
        let_time_pass(redis, 1000)
        restarted(guard, "inc-2")
        let_time_pass(redis, 1000)
        refusal = refused(guard, "inc-3")
        assert refusal.reason == "server_budget"
        assert round(refusal.retry_after_seconds or 0) == 1600
        assert refusal.detail == "s1 has used its 2 restarts in 3600 s. Ask again in 1600 s."
        let_time_pass(redis, 1600)
        granted(guard, "inc-3")

    def test_a_servers_own_limits_go_before_the_policys_and_its_cooldown_holds_for_whoever_writes_the_outcome(
        self, redis: Redis
    ) -> None:
        guard, limits = guard_of(redis), OwnLimits(cooldown_seconds=10_000, restarts=1, window_seconds=20_000)
        own = RestartPlan(own_limits=limits)
        grant = granted(guard, "inc-1", plan=own)
        guard.mark_sent(grant)
        of_another_worker = guard_of(redis)
        assert of_another_worker.record(attempt_of(guard, "inc-1"), RestartOutcome.RESTORED, "") is None
        let_time_pass(redis, 9_995)
        assert refused(guard, "inc-2").reason == "cooldown"
        let_time_pass(redis, 5)
        refusal = ask(guard, "inc-2", "s1", plan=own)
        assert isinstance(refusal, Refusal)
        assert refusal.detail.startswith("s1 has used its 1 restarts in 20000 s.")
        granted(guard, "inc-2")

    def test_another_name_of_what_a_restart_reaches_has_no_other_lock_cooldown_or_budget(self, redis: Redis) -> None:
        guard, plan = guard_of(redis), RestartPlan(target="host:web-01")
        grant = granted(guard, "inc-1", "web-01", plan=plan)
        second = ask(guard, "inc-2", "web-01.example.com", plan=plan)
        assert isinstance(second, Refusal)
        assert second.reason == "server_locked"
        guard.mark_sent(grant)
        assert guard.record(attempt_of(guard, "inc-1"), RestartOutcome.RESTORED, "") is None
        third = ask(guard, "inc-3", "renamed", plan=plan)
        assert isinstance(third, Refusal)
        assert third.reason == "cooldown"
        assert isinstance(ask(guard, "inc-4", "renamed"), Grant)  # control: by name alone it would be another one

    def test_an_intent_of_an_earlier_version_has_the_policys_cooldown(self, redis: Redis) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1", plan=RestartPlan(own_limits=OwnLimits(cooldown_seconds=0)))
        redis.hdel("firstline:restarts:incident:inc-1", "cooldown")
        guard.mark_sent(grant)
        guard.record(grant, RestartOutcome.RESTORED, "")
        assert refused(guard, "inc-2").reason == "cooldown"

    def test_the_fleets_budget_counts_all_servers(self, redis: Redis) -> None:
        guard = guard_of(redis)
        for number in range(5):
            restarted(guard, f"inc-{number}", f"s{number}")
        refusal = refused(guard, "inc-5", "s5")
        assert refusal.reason == "fleet_budget"
        assert 1795 < (refusal.retry_after_seconds or 0) <= 1800
        let_time_pass(redis, 1800)
        granted(guard, "inc-5", "s5")

    def test_what_has_left_its_window_is_forgotten(self, redis: Redis) -> None:
        guard = guard_of(redis)
        for number in range(4):
            restarted(guard, f"inc-{number}")
            let_time_pass(redis, 4000)
        assert redis.zcard("firstline:restarts:server-log:s1") == 1
        assert redis.zcard("firstline:restarts:fleet-log") == 1

    def test_a_budget_that_was_lowered_waits_for_as_many_as_are_too_many(self, redis: Redis) -> None:
        for number in range(3):
            restarted(guard_of(redis), f"inc-{number}", f"s{number}")
            let_time_pass(redis, 100)
        lowered = guard_of(redis, replace(LIMITS, fleet_restarts=1))
        assert round(refused(lowered, "inc-9", "s9").retry_after_seconds or 0) == 1700

    def test_a_budget_of_none_is_never_granted(self, redis: Redis) -> None:
        refusal = refused(guard_of(redis, replace(LIMITS, server_restarts=0)), "inc-1")
        assert (refusal.reason, refusal.retry_after_seconds) == ("server_budget", None)

    def test_restarts_at_once_are_bounded_and_an_unknown_outcome_counts_until_it_is_resolved(
        self, redis: Redis
    ) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1", "s1", RestartOutcome.UNKNOWN)
        granted(guard, "inc-2", "s2")
        assert refused(guard, "inc-3", "s3").reason == "fleet_concurrency"
        let_time_pass(redis, 61)
        end_claim(redis, "inc-1")
        guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="it runs")
        granted(guard, "inc-3", "s3")

    def test_a_refusal_writes_nothing(self, redis: Redis) -> None:
        guard = guard_of(redis)
        granted(guard, "inc-1")
        claim(redis, "inc-2")
        before = all_keys(redis)
        refused(guard, "inc-2")
        refused(guard, "inc-1")
        assert all_keys(redis) == before

    def test_every_refusal_is_a_sentence_with_its_values(self, redis: Redis) -> None:
        guard = guard_of(redis)
        granted(guard, "inc-1")
        for refusal in (refused(guard, "inc-1"), refused(guard, "inc-2")):
            assert re.fullmatch(r"[^{}]+[.]", refusal.detail)

    def test_a_request_whose_reply_was_lost_is_answered_with_the_same_grant(self, redis: Redis) -> None:
        """A client that retries by itself sends the very same call again; the same incident asked anew is refused."""
        guard = guard_of(redis)
        sent: list[dict[str, list[str]]] = []
        script = guard._request

        def twice(**call: list[str]) -> list[str]:
            sent.append(call)
            script(**call)
            return script(**call)

        guard._request = twice  # type: ignore[assignment]
        grant, attempt = granted(guard, "inc-1"), guard.attempt_of("inc-1")
        assert attempt is not None
        assert grant.fence == attempt.fence
        assert journal(redis) == ["INTENT"]
        assert refused(guard, "inc-1").reason == "already_attempted"

    def test_long_evidence_is_cut(self, redis: Redis) -> None:
        guard = guard_of(redis)
        ask(guard, "inc-1", "s1", evidence="x" * 100_000)
        assert len(attempt_of(guard, "inc-1").evidence) < 2_100


class TestMarkSent:
    def test_leave_is_given_once(self, redis: Redis) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1")
        assert guard.mark_sent(grant) is None
        assert reason_of(guard.mark_sent(grant)) == "not_pending"
        assert attempt_of(guard, "inc-1").state is RestartState.SENT

    @pytest.mark.parametrize(("seconds", "reason"), [(57, None), (58.1, "expired"), (61, "expired")])
    def test_a_holder_that_stalled_is_not_let_through(self, redis: Redis, seconds: float, reason: str | None) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1")
        let_time_pass(redis, seconds)
        refusal = guard.mark_sent(grant)
        assert (refusal.reason if refusal else None) == reason

    def test_an_expired_intent_stays_open_and_keeps_the_server_closed(self, redis: Redis) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1")
        let_time_pass(redis, 61)
        guard.mark_sent(grant)
        end_claim(redis, "inc-1")
        assert attempt_of(guard, "inc-1").state is RestartState.INTENT
        assert refused(guard, "inc-2").reason == "server_unresolved"
        assert journal(redis) == ["INTENT", "EXPIRED"]

    def test_the_kill_switch_stops_what_was_granted_before_it_was_set(self, redis: Redis) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1")
        guard.halt("stop")
        assert reason_of(guard.mark_sent(grant)) == "halted"
        assert attempt_of(guard, "inc-1").state is RestartState.INTENT

    def test_a_kill_switch_without_a_reason_stops_too(self, redis: Redis) -> None:
        guard = guard_of(redis)
        redis.set("firstline:restarts:halted", "")
        assert refused(guard, "inc-1").reason == "halted"

    @pytest.mark.parametrize("incident_id", ["inc-1", "inc-unknown"])
    def test_another_fence_is_refused_and_writes_nothing(self, redis: Redis, incident_id: str) -> None:
        guard = guard_of(redis)
        stale = replace(granted(guard, "inc-1"), fence=99, incident_id=incident_id)
        before = all_keys(redis)
        refusals = [guard.mark_sent(stale), guard.withdraw(stale, ""), guard.record(stale, RestartOutcome.NOT_DONE, "")]
        assert [reason_of(refusal) for refusal in refusals] == ["stale_fence"] * 3
        assert all_keys(redis) == before


class TestClosing:
    @pytest.mark.parametrize("outcome", [RestartOutcome.RESTORED, RestartOutcome.NOT_RESTORED])
    def test_a_known_outcome_frees_the_server_into_its_cooldown(self, redis: Redis, outcome: RestartOutcome) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1", "s1", outcome)
        assert refused(guard, "inc-2").reason == "cooldown"
        assert attempt_of(guard, "inc-1").state.value == outcome.name
        assert guard.open_attempts() == ()

    def test_what_was_not_done_frees_the_server_at_once_and_is_the_incidents_one_attempt(self, redis: Redis) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1", "s1", RestartOutcome.NOT_DONE)
        assert refused(guard, "inc-1").reason == "already_attempted"
        granted(guard, "inc-2")

    def test_an_unknown_outcome_keeps_the_server_closed_until_a_person_resolves_it(self, redis: Redis) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1", "s1", RestartOutcome.UNKNOWN)
        let_time_pass(redis, 1e6)
        end_claim(redis, "inc-1")
        assert refused(guard, "inc-2").reason == "server_unresolved"
        (attempt,) = guard.open_attempts()
        assert guard.resolve(attempt, person="ada", why="it runs, checked by hand") is None
        assert refused(guard, "inc-2").reason == "cooldown"
        assert attempt_of(guard, "inc-1").detail == "ada: it runs, checked by hand"

    @pytest.mark.parametrize("first", RECORDED)
    @pytest.mark.parametrize("second", RECORDED)
    def test_what_was_recorded_is_never_overwritten(
        self, redis: Redis, first: RestartOutcome, second: RestartOutcome
    ) -> None:
        guard = guard_of(redis)
        grant = restarted(guard, "inc-1", "s1", first)
        before = all_keys(redis)
        refusal = guard.record(grant, second, "again")
        assert (refusal.reason if refusal else None) == (None if first is second else "wrong_state")
        assert all_keys(redis) == before

    def test_an_outcome_that_comes_after_the_lease_is_still_true(self, redis: Redis) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1")
        guard.mark_sent(grant)
        let_time_pass(redis, 500)
        assert guard.record(grant, RestartOutcome.NOT_RESTORED, "CPU at 98 %") is None

    @pytest.mark.parametrize("outcome", RECORDED)
    def test_no_outcome_without_leave_to_send(self, redis: Redis, outcome: RestartOutcome) -> None:
        guard = guard_of(redis)
        assert reason_of(guard.record(granted(guard, "inc-1"), outcome, "")) == "wrong_state"

    @pytest.mark.parametrize("outcome", sorted(set(RestartOutcome) - set(RECORDED)))
    def test_what_only_recovery_tells_is_never_recorded(self, redis: Redis, outcome: RestartOutcome) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1")
        assert guard.mark_sent(grant) is None
        with pytest.raises(KeyError):
            guard.record(grant, outcome, "")
        assert attempt_of(guard, "inc-1").state is RestartState.SENT

    def test_an_intent_never_sent_can_be_withdrawn_and_frees_the_server_but_not_the_budgets(self, redis: Redis) -> None:
        guard = guard_of(redis)
        for number in range(2):
            grant = granted(guard, f"inc-{number}")
            assert guard.withdraw(grant, "the kill switch was set") is None
        assert refused(guard, "inc-0").reason == "already_attempted"
        assert refused(guard, "inc-2").reason == "server_budget"

    def test_a_holder_that_stalled_cannot_send_what_was_withdrawn_meanwhile(self, redis: Redis) -> None:
        stalled, recovering = guard_of(redis), guard_of(redis, worker="w2")
        grant = granted(stalled, "inc-1")
        assert recovering.withdraw(attempt_of(recovering, "inc-1"), "its worker is gone") is None
        assert reason_of(stalled.mark_sent(grant)) == "not_pending"

    def test_what_was_sent_cannot_be_withdrawn(self, redis: Redis) -> None:
        guard = guard_of(redis)
        grant = granted(guard, "inc-1")
        guard.mark_sent(grant)
        assert reason_of(guard.withdraw(grant, "")) == "wrong_state"

    def test_a_person_cannot_free_a_server_while_its_restart_may_be_running(self, redis: Redis) -> None:
        guard = guard_of(redis)
        guard.mark_sent(granted(guard, "inc-1"))
        assert reason_of(guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="")) == "server_locked"
        let_time_pass(redis, 61)
        assert reason_of(guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="")) == "server_in_hand"
        end_claim(redis, "inc-1")
        assert guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="") is None

    def test_a_restart_that_outlasts_its_lease_is_said_to_be_in_the_hands_of_its_worker(self, redis: Redis) -> None:
        guard = guard_of(redis)
        guard.mark_sent(granted(guard, "inc-1"))
        let_time_pass(redis, 61)
        refusal = refused(guard, "inc-2")
        assert refusal.reason == "server_in_hand"
        assert refusal.detail.endswith("is still in the hands of w1, whose triage goes on.")
        end_claim(redis, "inc-1")
        assert refused(guard, "inc-2").reason == "server_unresolved"

    def test_another_claim_of_the_incident_is_not_the_one_that_has_the_server_in_hand(self, redis: Redis) -> None:
        guard = guard_of(redis)
        guard.mark_sent(granted(guard, "inc-1"))
        claim(redis, "inc-1", epoch=2)
        let_time_pass(redis, 61)
        assert refused(guard, "inc-2").reason == "server_unresolved"
        assert guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="") is None

    def test_an_entry_of_the_registry_that_cannot_be_read_does_not_keep_a_server_closed(self, redis: Any) -> None:
        guard = guard_of(redis)
        guard.mark_sent(granted(guard, "inc-1"))
        let_time_pass(redis, 61)
        redis.delete("firstline:incident:inc-1")
        redis.set("firstline:incident:inc-1", "garbage")
        assert refused(guard, "inc-2").reason == "server_unresolved"
        assert guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="") is None

    def test_with_the_leave_the_lease_begins_anew_for_as_long_as_a_restart_may_take(self, redis: Redis) -> None:
        """A worker that is cut off from Redis loses its claim, and restarts on."""
        guard = guard_of(redis, replace(LIMITS, lease_seconds=5))
        guard.mark_sent(granted(guard, "inc-1", plan=RestartPlan(restart_seconds=100)))
        end_claim(redis, "inc-1")
        let_time_pass(redis, 95)
        assert reason_of(guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="")) == "server_locked"
        assert refused(guard, "inc-2").reason == "server_locked"
        let_time_pass(redis, 6)
        assert guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="") is None

    def test_a_person_cannot_overrule_a_known_outcome(self, redis: Redis) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1")
        assert reason_of(guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="")) == "wrong_state"

    def test_a_late_outcome_does_not_unlock_what_another_has_locked_since(self, redis: Redis) -> None:
        guard = guard_of(redis, OPEN_HANDED)
        late = granted(guard, "inc-1")
        guard.mark_sent(late)
        let_time_pass(redis, 61)
        end_claim(redis, "inc-1")
        guard.resolve(attempt_of(guard, "inc-1"), person="ada", why="")
        granted(guard, "inc-2")
        assert reason_of(guard.record(late, RestartOutcome.RESTORED, "")) == "wrong_state"
        assert refused(guard, "inc-3").reason == "server_locked"

    def test_whoever_lost_the_lock_by_an_operators_hand_does_not_free_its_next_owner(self, redis: Redis) -> None:
        guard = guard_of(redis)
        first = granted(guard, "inc-1")
        guard.mark_sent(first)
        redis.delete("firstline:restarts:server:s1")
        granted(guard, "inc-2")
        guard.record(first, RestartOutcome.RESTORED, "")
        assert refused(guard, "inc-3").reason == "server_locked"

    def test_the_journal_keeps_every_move(self, redis: Redis) -> None:
        guard = guard_of(redis)
        restarted(guard, "inc-1")
        guard.halt("stop")
        guard.resume("go on")
        assert journal(redis) == ["INTENT", "SENT", "RESTORED", "HALTED", "RESUMED"]


class TestReading:
    def test_an_incident_without_a_restart_has_no_attempt(self, redis: Redis) -> None:
        assert guard_of(redis).attempt_of("inc-1") is None

    def test_open_attempts_come_oldest_first_with_what_is_left_of_their_leases(self, redis: Redis) -> None:
        guard = guard_of(redis)
        granted(guard, "inc-1", "s1")
        let_time_pass(redis, 61)
        granted(guard, "inc-2", "s2")
        first, second = guard.open_attempts()
        assert (first.incident_id, first.lease_seconds_left) == ("inc-1", 0.0)
        assert second.incident_id == "inc-2"
        assert 58 < second.lease_seconds_left <= 60

    def test_an_attempt_that_cannot_be_read_is_no_permission(self, redis: Redis) -> None:
        redis.hset("firstline:restarts:incident:inc-1", "state", "SENT")
        with pytest.raises(GuardrailUnavailable, match="can't be read"):
            guard_of(redis).attempt_of("inc-1")


class TestWithoutRedis:
    def test_every_question_is_answered_with_guardrail_unavailable(self) -> None:
        switchable = SwitchableRedis()
        guard = guard_of(switchable.client)
        grant = granted(guard, "inc-1")
        attempt = attempt_of(guard, "inc-1")
        switchable.goes_away()
        questions: list[Callable[[], object]] = [
            lambda: guard.request("inc-2", "s2", claim=FIRST_CLAIM, evidence=""),
            lambda: guard.mark_sent(grant),
            lambda: guard.withdraw(grant, ""),
            lambda: guard.record(grant, RestartOutcome.RESTORED, ""),
            lambda: guard.resolve(attempt, person="ada", why=""),
            lambda: guard.attempt_of("inc-1"),
            guard.open_attempts,
            guard.halted,
            lambda: guard.halt(""),
            lambda: guard.resume(""),
        ]
        for question in questions:
            with pytest.raises(GuardrailUnavailable):
                question()

    def test_when_redis_is_back_the_open_intent_still_closes_the_server(self) -> None:
        switchable = SwitchableRedis()
        guard = guard_of(switchable.client)
        granted(guard, "inc-1")
        switchable.goes_away()
        switchable.comes_back()
        assert refused(guard, "inc-2").reason == "server_locked"

    def test_a_key_of_a_wrong_kind_means_no(self, redis: Redis) -> None:
        redis.lpush("firstline:restarts:halted", "not a string")
        with pytest.raises(GuardrailUnavailable):
            ask(guard_of(redis), "inc-1", "s1")

    def test_a_client_that_does_not_decode_is_refused_at_once(self) -> None:
        with pytest.raises(ConfigurationError, match="decode_responses"):
            guard_of(Redis())


def test_whoever_lost_the_incident_gets_no_intent(redis: Redis) -> None:
    guard = guard_of(redis)
    claim(redis, "inc-1", epoch=2)
    stale = guard.request("inc-1", "s1", claim=FIRST_CLAIM, evidence="")
    assert isinstance(stale, Refusal)
    assert stale.reason == "stale_claim"
    assert guard.attempt_of("inc-1") is None


def test_an_epoch_of_another_entry_of_the_incident_is_another_claim(redis: Redis) -> None:
    guard = guard_of(redis)
    claim(redis, "inc-1", accepted_at=8)
    assert isinstance(guard.request("inc-1", "s1", claim=FIRST_CLAIM, evidence=""), Refusal)
    claim(redis, "inc-2")
    grant = granted(guard, "inc-2")
    claim(redis, "inc-2", accepted_at=8)
    assert reason_of(guard.mark_sent(grant)) == "stale_claim"


def test_whoever_lost_the_incident_after_the_intent_gets_no_leave(redis: Redis) -> None:
    guard = guard_of(redis)
    grant = granted(guard, "inc-1")
    claim(redis, "inc-1", epoch=2)
    assert reason_of(guard.mark_sent(grant)) == "stale_claim"


@pytest.mark.parametrize("changes", [{"state": "CLOSED"}, {"state": "NEW"}, {"lease_until": "1"}])
def test_an_incident_that_nobody_holds_is_not_restarted_for(redis: Any, changes: dict[str, str]) -> None:
    guard = guard_of(redis)
    claim(redis, "inc-1")
    redis.hset("firstline:incident:inc-1", mapping=changes)
    assert refused(guard, "inc-1").reason == "stale_claim"
    redis.delete("firstline:incident:inc-1")
    unknown = guard.request("inc-1", "s1", claim=FIRST_CLAIM, evidence="")
    assert isinstance(unknown, Refusal)


def test_an_attempt_that_cannot_be_read_is_named_and_hides_no_other(redis: Redis) -> None:
    guard = guard_of(redis)
    granted(guard, "inc-1", "s1")
    granted(guard, "inc-2", "s2")
    redis.hdel("firstline:restarts:incident:inc-1", "fence")
    assert [attempt.incident_id for attempt in guard.open_attempts()] == ["inc-2"]
    assert guard.unreadable_attempts() == ("inc-1",)


@pytest.mark.integration
def test_an_outcome_whose_journal_could_not_be_written_can_be_written_again(valkey: Redis) -> None:
    guard = guard_of(valkey, OPEN_HANDED)
    grant = granted(guard, "inc-1")
    assert guard.mark_sent(grant) is None
    journal = valkey.dump("firstline:restarts:journal")
    valkey.xadd("firstline:restarts:journal", {"last": "one"}, id="18446744073709551615-18446744073709551615")
    with pytest.raises(GuardrailUnavailable):
        guard.record(grant, RestartOutcome.RESTORED, "seen")
    assert [attempt.state for attempt in guard.open_attempts()] == [RestartState.SENT]
    valkey.restore("firstline:restarts:journal", 0, journal, replace=True)  # type: ignore[arg-type]
    assert guard.record(grant, RestartOutcome.RESTORED, "seen") is None
    assert guard.open_attempts() == ()
    granted(guard, "inc-2")
