"""A person's word on restarts: what is said of it is what holds."""

from collections.abc import Iterator
from typing import Any

import pytest
from fakeredis import FakeRedis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from tests.guardrails.claims import ask, end_claim
from tests.redis_servers import let_time_pass
from worker.bootstrap import make_guard
from worker.cli.failures import Unconfirmed
from worker.cli.person import person
from worker.cli.restarts import halt, resolve, resume, why_halted
from worker.errors import FirstlineError, GuardrailUnavailable
from worker.guardrails.policy import Policy, RestartRules
from worker.guardrails.restart_attempt import Grant, RestartAttempt
from worker.guardrails.restart_guard import RestartGuard

HALTED = "firstline:restarts:halted"
INCIDENTS = ("inc-" + "a" * 20, "inc-" + "b" * 20)


class ForgetfulRedis(FakeRedis):
    """Carries every order out; with `loses_answers`, nobody hears of the writes."""

    loses_answers = False
    answers_before_a_loss = 0

    def execute_command(self, *args: Any, **options: Any) -> Any:
        answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        if str(args[0]).startswith("EVAL"):
            self._lose()
        return answer

    def pipeline(self, *args: Any, **options: Any) -> Any:
        pipeline: Any = super().pipeline(*args, **options)
        carry_out = pipeline.execute

        def execute(*args: Any, **options: Any) -> Any:
            is_write = any(command[0][0] in {"SET", "DEL"} for command in pipeline.command_stack)
            answer = carry_out(*args, **options)
            if is_write:
                self._lose()
            return answer

        pipeline.execute = execute
        return pipeline

    def _lose(self) -> None:
        if self.loses_answers:
            if self.answers_before_a_loss == 0:
                raise RedisConnectionError("Connection closed by server.")
            self.answers_before_a_loss -= 1


@pytest.fixture
def redis() -> Iterator[Any]:
    with ForgetfulRedis(decode_responses=True, retry=Retry(NoBackoff(), 0)) as client:
        yield client


@pytest.fixture
def guard(redis: Any) -> RestartGuard:
    policy = Policy(restart=RestartRules(cooldown_seconds=1, fleet_concurrency=10))
    return make_guard(redis, policy, worker="w1")


def test_a_halt_whose_answer_is_lost_is_not_denied(redis: Any, guard: RestartGuard) -> None:
    redis.loses_answers = True
    with pytest.raises(Unconfirmed, match=r"not known whether restarts are halted.*firstline status.*stop the workers"):
        halt(guard, "a bad deploy")
    assert redis.get(HALTED) == f"{person()}: a bad deploy"


def test_a_halt_names_the_restarts_that_have_leave_already(
    redis: Any, guard: RestartGuard, capsys: pytest.CaptureFixture[str]
) -> None:
    halt(guard, "a drill")
    assert capsys.readouterr().out.startswith("All restarts are halted, until `firstline resume`.")
    resume(guard, "over")
    ask(guard, INCIDENTS[0], "web-1")
    grant = ask(guard, INCIDENTS[1], "web-2")
    assert isinstance(grant, Grant)
    assert guard.mark_sent(grant) is None
    redis.hdel(f"firstline:restarts:incident:{INCIDENTS[0]}", "worker")
    halt(guard, "a fire")
    said = capsys.readouterr().out
    assert "All restarts are halted" not in said
    assert "2 restarts have leave already, and may still happen: web-2, that of inc-aaaa" in said


def test_a_halt_after_which_redis_goes_away_is_one_and_denies_no_restart(
    redis: Any, guard: RestartGuard, capsys: pytest.CaptureFixture[str]
) -> None:
    class Mute(RestartGuard):
        def open_attempts(self) -> tuple[RestartAttempt, ...]:
            raise GuardrailUnavailable("Redis is away")

    halt(Mute(redis, guard._limits, worker="w1"), "a fire")
    assert "which ones have leave already, `firstline status` says" in capsys.readouterr().out
    assert why_halted(guard) is not None


def test_a_server_whose_worker_still_has_it_in_hand_is_not_resolved(redis: Any, guard: RestartGuard) -> None:
    grant = ask(guard, INCIDENTS[0], "web-1")
    assert isinstance(grant, Grant)
    assert guard.mark_sent(grant) is None
    let_time_pass(redis, 61)
    with pytest.raises(FirstlineError, match=r"still in the hands of w1, whose triage goes on\. Nothing was changed"):
        resolve(guard, "web-1", "the card says a person must")


def test_a_resume_whose_answer_is_lost_is_not_denied(redis: Any, guard: RestartGuard) -> None:
    halt(guard, "a bad deploy")
    redis.loses_answers = True
    with pytest.raises(Unconfirmed, match="not known whether restarts are halted"):
        resume(guard, "rolled back")
    assert redis.get(HALTED) is None


def test_a_kill_switch_without_words_is_one(redis: Any, guard: RestartGuard) -> None:
    redis.set(HALTED, "")
    assert why_halted(guard) == "no reason is given"
    resume(guard, "looked")
    assert why_halted(guard) is None


def test_a_kill_switch_of_the_wrong_type_halts_and_can_be_taken_off(redis: Any, guard: RestartGuard) -> None:
    redis.hset(HALTED, "a", "b")
    assert "can't be read" in (why_halted(guard) or "")
    resume(guard, "looked")
    assert why_halted(guard) is None


def test_resuming_what_is_not_halted_says_so(guard: RestartGuard) -> None:
    with pytest.raises(FirstlineError, match="not halted"):
        resume(guard, "why not")


def open_two(redis: Any, guard: RestartGuard) -> None:
    """Two open restarts of one server, whose leases are over: the guard grants one, somebody's hand made the other."""
    for incident_id, server in zip(INCIDENTS, ("web-1", "web-2"), strict=True):
        ask(guard, incident_id, server)
        end_claim(redis, incident_id)
    let_time_pass(redis, 10_000)
    redis.hset(f"firstline:restarts:incident:{INCIDENTS[1]}", "server", "web-1")


def test_a_server_is_resolved_whole(redis: Any, guard: RestartGuard) -> None:
    open_two(redis, guard)
    resolve(guard, "web-1", "looked")
    assert guard.open_attempts() == ()


def test_a_refusal_after_a_success_tells_of_both(redis: Any, guard: RestartGuard) -> None:
    open_two(redis, guard)
    redis.hset(f"firstline:restarts:incident:{INCIDENTS[1]}", "lease_until", "99999999999999")
    with pytest.raises(FirstlineError, match=r"locked.*1 of its 2 open restarts were resolved\.$"):
        resolve(guard, "web-1", "looked")


def test_a_refusal_alone_changed_nothing(redis: Any, guard: RestartGuard) -> None:
    ask(guard, INCIDENTS[0], "web-1")
    with pytest.raises(FirstlineError, match=r"[^.;]\. Nothing was changed\.$"):
        resolve(guard, "web-1", "looked")


def test_an_answer_that_is_lost_after_a_success_is_not_denied(redis: Any, guard: RestartGuard) -> None:
    open_two(redis, guard)
    redis.loses_answers, redis.answers_before_a_loss = True, 1
    with pytest.raises(Unconfirmed, match="not known whether web-1 is still closed"):
        resolve(guard, "web-1", "looked")


def test_a_restart_that_cannot_be_read_is_named(redis: Any, guard: RestartGuard) -> None:
    ask(guard, INCIDENTS[0], "web-1")
    redis.hdel(f"firstline:restarts:incident:{INCIDENTS[0]}", "worker")
    with pytest.raises(FirstlineError, match=f"{INCIDENTS[0]} can't be read"):
        resolve(guard, "web-1", "looked")
