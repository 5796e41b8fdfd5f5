"""The credentials with which Alertmanager and Prometheus are asked, from the environment only.

They are never an argument, for everybody on the machine can read those. `firstline poll` and `firstline watch` read
them once.
"""

import base64
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.settings import ENV_FILE, PREFIX, ProducerConfigurationError

__all__ = ["PollSettings", "load_poll_settings"]


class PollSettings(BaseSettings):
    """A bearer token, or user and password, or neither. An empty variable counts as unset."""

    model_config = SettingsConfigDict(
        env_prefix=f"{PREFIX}POLL_", env_ignore_empty=True, env_file=ENV_FILE, extra="ignore", frozen=True
    )

    token: SecretStr | None = None
    user: str | None = Field(None, pattern=r"^[^:\x00-\x1f]+$")
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if self.token and self.user:
            raise ValueError("give a token, or user and password, not both")
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together: give both, or neither")
        if self.token and not self.token.get_secret_value().isascii():
            raise ValueError("the token is not ASCII: copy it again")
        return self

    def authorization(self) -> dict[str, str]:
        """Return the header that proves who asks, or nothing."""
        if self.token:
            return {"Authorization": f"Bearer {self.token.get_secret_value().strip()}"}
        if self.user and self.password:
            pair = f"{self.user}:{self.password.get_secret_value()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}


def load_poll_settings(**overrides: Any) -> PollSettings:  # noqa: ANN401 - any setting by its name
    """Read the environment and `.env`. Raises `ProducerConfigurationError` that lists every wrong setting."""
    try:
        return PollSettings(**overrides)
    except ValidationError as error:
        complaints = [
            f"  {PREFIX}POLL_{'_'.join(map(str, details['loc'])).upper() or '*'}: {details['msg']}"
            for details in error.errors(include_input=False)
        ]
        raise ProducerConfigurationError("These settings are wrong:\n" + "\n".join(complaints)) from None
