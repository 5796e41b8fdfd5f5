"""Lua scripts of the safety room: loaded from the package, sent to Redis once, their failures translated.

One script is one decision: Redis runs it as a whole or not at all, and nothing of another worker's comes in between.
Called by the rate limiter and the restart guard only.
"""

from collections.abc import Sequence
from importlib.resources import files

from redis import Redis
from redis.exceptions import RedisError

from worker.errors import ConfigurationError, GuardrailUnavailable

__all__ = ["GuardScript"]


class GuardScript:
    """One Lua script beside this module, bound to one Redis.

    The client must decode its replies (`decode_responses=True`), else this raises `ConfigurationError`.
    """

    def __init__(self, redis: Redis, file_name: str) -> None:
        if not redis.get_encoder().decode_responses:
            raise ConfigurationError("The guardrails need a Redis client made with decode_responses=True.")
        self._file_name = file_name
        self._script = redis.register_script(files(__package__).joinpath(file_name).read_text("utf-8"))

    def __call__(self, *, keys: Sequence[str], args: Sequence[str | int]) -> list[str]:
        """Run the script and return its reply, numbers as text.

        When Redis is unavailable this raises `GuardrailUnavailable`; whether the script ran is then not known. A client
        that retries by itself may run it twice: each script says what a second run does.
        """
        try:
            return [str(part) for part in self._script(keys=keys, args=args)]
        except RedisError as error:
            raise GuardrailUnavailable(f"Redis could not run {self._file_name}: {error}") from error
