"""What a person reads when Redis is silent, and when it refuses."""

import pytest
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from producers.intake import IntakeUnavailable
from worker.cli.failures import Unconfirmed, confirmed, told
from worker.errors import ConfigurationError, ContractError, GuardrailUnavailable

SILENT = [RedisConnectionError("Connection refused."), RedisTimeoutError("Timeout reading from socket")]
REFUSALS: list[tuple[RedisError, str]] = [
    (OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "maxmemory, or take out"),
    (ReadOnlyError("You can't write against a read only replica."), "name the master"),
    (NoPermissionError("this user has no permissions"), "access list"),
    (AuthenticationError("invalid username-password pair"), "user and password"),
    (BusyLoadingError("Redis is loading the dataset in memory"), "try again soon"),
    (ResponseError("WRONGTYPE Operation against a key"), "needs its own Redis"),
    (ResponseError("MISCONF Errors writing to the AOF file"), "correct that"),
]


@pytest.mark.parametrize("error", SILENT)
def test_a_redis_that_is_silent_is_to_be_started(error: RedisError) -> None:
    sentence, code = told(error)
    assert code == 3
    assert "start it, or correct FIRSTLINE_REDIS_URL" in sentence
    assert ".)" not in sentence


@pytest.mark.parametrize(("error", "remedy"), REFUSALS)
def test_a_redis_that_refuses_is_quoted_with_the_remedy_that_fits(error: RedisError, remedy: str) -> None:
    sentence, code = told(error)
    assert code == 3
    assert str(error).rstrip(".") in sentence
    assert remedy in sentence
    assert "start it" not in sentence


def test_behind_a_guard_that_could_not_decide_stands_what_redis_said() -> None:
    unavailable = GuardrailUnavailable("Redis could not run it")
    unavailable.__cause__ = OutOfMemoryError("Command # 1 (SET key \x1b[2J) of pipeline caused error: no memory.")
    assert told(unavailable) == told(OutOfMemoryError("no memory"))


def test_every_other_failure_has_its_own_sentence_and_code() -> None:
    assert told(ConfigurationError("wrong")) == ("wrong", 2)
    assert told(IntakeUnavailable("gone")) == ("gone", 3)
    assert told(ContractError("odd")) == ("odd", 1)
    assert told(GuardrailUnavailable("a stored restart can't be read")) == ("a stored restart can't be read", 1)


@pytest.mark.parametrize("error", [*SILENT, *(refusal for refusal, _ in REFUSALS)])
def test_after_a_write_nobody_is_told_that_nothing_was_changed(error: RedisError) -> None:
    with pytest.raises(Unconfirmed) as found, confirmed("it is so", look="firstline status"):
        raise error
    sentence, code = told(found.value)
    assert code == 3
    assert "it is so" in sentence
    assert "`firstline status`" in sentence
    assert "othing was changed" not in sentence


def test_what_is_no_failure_of_redis_passes_through() -> None:
    with pytest.raises(ContractError), confirmed("it is so", look="firstline status"):
        raise ContractError("odd")
