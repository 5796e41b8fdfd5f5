"""How a failure reads on a terminal: one sentence with the remedy that fits, and the exit code.

A Redis that is silent and one that says no are told apart, and after a write neither is taken for "nothing was
changed": an answer can get lost after the order was carried out. Called by `main` and by the commands that write.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from producers.intake import IntakeUnavailable
from worker.cli.words import one_line
from worker.errors import ConfigurationError, FirstlineError, GuardrailUnavailable

__all__ = [
    "EXIT_CONFIGURATION",
    "EXIT_INCOMPLETE",
    "EXIT_INTERRUPTED",
    "EXIT_REDIS",
    "Unconfirmed",
    "confirmed",
    "is_silent",
    "redis_error_of",
    "sentence_of",
    "told",
]

EXIT_INCOMPLETE: Final = 1
EXIT_CONFIGURATION: Final = 2
EXIT_REDIS: Final = 3
EXIT_INTERRUPTED: Final = 130

_REMEDIES: Final[tuple[tuple[type[RedisError] | tuple[type[RedisError], ...], str], ...]] = (
    (OutOfMemoryError, "raise its maxmemory, or take out of it what is not Firstline's"),
    (ReadOnlyError, "let FIRSTLINE_REDIS_URL name the master"),
    (NoPermissionError, "correct its access list, or the user in FIRSTLINE_REDIS_URL"),
    ((AuthenticationError, AuthorizationError), "correct user and password in FIRSTLINE_REDIS_URL"),
    (BusyLoadingError, "it is starting, try again soon"),
)
_PIPELINE_PREFACE: Final = re.compile(r"Command # \d+ \(.*\) of pipeline caused error: ", re.DOTALL)


class Unconfirmed(FirstlineError):  # noqa: N818 - the state, not an accident
    """Redis did not confirm a write: the text says so, and where to look for what holds now."""


def told(failure: Exception) -> tuple[str, int]:
    """Return the sentence and the exit code of a failure that a person can mend."""
    redis_error = redis_error_of(failure)
    if isinstance(failure, ConfigurationError):
        return str(failure), EXIT_CONFIGURATION
    if isinstance(failure, IntakeUnavailable | Unconfirmed):
        return str(failure), EXIT_REDIS
    if redis_error is not None:
        return sentence_of(redis_error), EXIT_REDIS
    return str(failure), EXIT_INCOMPLETE


def redis_error_of(failure: BaseException) -> RedisError | None:
    """Return the error of Redis behind a failure, or None: a guard that could not decide has it as its cause."""
    if isinstance(failure, RedisError):
        return failure
    return failure.__cause__ if isinstance(failure.__cause__, RedisError) else None


def is_silent(failure: Exception) -> bool:
    """Say whether Redis is not there at all, rather than refusing one thing: then nothing else can be read either."""
    error = redis_error_of(failure)
    return error is not None and not isinstance(error, ResponseError)


def sentence_of(error: RedisError) -> str:
    """Return what Redis said, and the remedy that fits."""
    said = one_line(_PIPELINE_PREFACE.sub("", str(error))).rstrip(".") or type(error).__name__
    for kind, remedy in _REMEDIES:
        if isinstance(error, kind):
            return f"Redis refused ({said}): {remedy}."
    if not isinstance(error, ResponseError):
        return f"Redis did not answer ({said}): start it, or correct FIRSTLINE_REDIS_URL."
    if "WRONGTYPE" in said:
        return f"Redis refused ({said}): something else has written to a key of the desk, which needs its own Redis."
    return f"Redis refused ({said}): correct that, then try again."


@contextmanager
def confirmed(whether: str, *, look: str, meanwhile: str = "") -> Iterator[None]:
    """Around a write: raise `Unconfirmed` when Redis did not say that it was done.

    `whether` names what is then not known, `look` the command that shows it, `meanwhile` what is certain to help.
    """
    try:
        yield
    except (RedisError, GuardrailUnavailable, IntakeUnavailable) as failure:
        error = redis_error_of(failure)
        if error is None:
            raise
        doubt = f"It is not known whether {whether}" if is_silent(error) else f"It is not certain whether {whether}"
        sentences = [sentence_of(error), f"{doubt}: look at `{look}`.", meanwhile]
        raise Unconfirmed(" ".join(filter(None, sentences))) from failure
