"""Addresses, secrets and limits from the environment, read once at each entry point (`load_settings`).

What may be restarted, and how often, is not here but in the reviewed policy file. `.env.example` lists every variable;
a test holds the two against each other.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from dotenv import dotenv_values
from pydantic import AfterValidator, AliasChoices, Field, HttpUrl, SecretStr, UrlConstraints, ValidationError
from pydantic_core import Url
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.errors import ConfigurationError
from worker.redaction.sealing import keys_read
from worker.redaction.sinks import TrustedSinks

__all__ = [
    "PREFIX",
    "RedactionSettings",
    "RedisSettings",
    "Settings",
    "load_redaction_settings",
    "load_redis_settings",
    "load_settings",
    "read_environment",
]

_Read = TypeVar("_Read", bound=BaseSettings)

PREFIX: Final = "FIRSTLINE_"
_ENV_FILE: Final = ".env"
_SOURCES: Final = SettingsConfigDict(
    env_prefix=PREFIX, env_ignore_empty=True, env_file=_ENV_FILE, extra="ignore", frozen=True, populate_by_name=True
)


def _without_query(url: Url) -> Url:
    if url.query:
        raise ValueError("give no query (?…): timeouts and retries are set here")
    return url


def _with_good_keys(keys: SecretStr | None) -> SecretStr | None:
    if keys is not None:
        keys_read(keys.get_secret_value())
    return keys


def _host_and_pid() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


RedisUrl = Annotated[Url, UrlConstraints(allowed_schemes=["redis", "rediss"]), AfterValidator(_without_query)]


class RedisSettings(BaseSettings):
    """All that a person's word on restarts needs, so that no other mistake keeps it from being said."""

    model_config = _SOURCES

    redis_url: RedisUrl = Url("redis://127.0.0.1:6379/0")
    policy_file: Path = Path("deploy/policy.toml")


class RedactionSettings(BaseSettings):
    """What every process reads before it says anything: where its rules of redaction stand."""

    model_config = _SOURCES

    redaction_file: Path | None = None


class Settings(RedisSettings, RedactionSettings):
    """Every setting of a worker, with its unit and its sensible default. An empty variable counts as unset."""

    inventory_file: Path = Path("deploy/inventory.toml")
    redaction_keys: Annotated[SecretStr | None, AfterValidator(_with_good_keys)] = None

    openai_api_key: SecretStr | None = Field(None, validation_alias=AliasChoices("OPENAI_API_KEY", "openai_api_key"))
    openai_base_url: HttpUrl | None = Field(None, validation_alias=AliasChoices("OPENAI_BASE_URL", "openai_base_url"))
    model_name: str = Field("gpt-4o", validation_alias=AliasChoices("MODEL_NAME", "model_name"))
    model_timeout_seconds: float = Field(30, gt=0, le=600)
    model_retries: int = Field(2, ge=0, le=10)
    model_input_us_dollars_per_million: float = Field(2.5, ge=0, allow_inf_nan=False)
    model_output_us_dollars_per_million: float = Field(10, ge=0, allow_inf_nan=False)

    max_steps: int = Field(12, ge=3, le=100)
    max_tokens: int = Field(100_000, ge=1_000)
    max_seconds: float = Field(180, ge=5, le=240)
    max_us_dollars: float = Field(0.5, ge=0, allow_inf_nan=False)

    verification_interval_seconds: float = Field(2, gt=0, le=30)
    verification_hold_seconds: float = Field(10, ge=0, le=120)
    verification_timeout_seconds: float = Field(60, gt=0, le=180)

    trusted_sinks: TrustedSinks = frozenset()
    routes_file: Path | None = None

    worker_name: str = Field(default_factory=_host_and_pid, min_length=1, max_length=128)
    worker_concurrency: int = Field(16, ge=1, le=400)
    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")

    @property
    def uses_llm(self) -> bool:
        """Whether an endpoint is configured; without one the rules answer, and say so."""
        return self.openai_api_key is not None or self.openai_base_url is not None


def read_environment() -> Mapping[str, str]:
    """Return all variables, those of `.env` under those of the environment: for secrets that files name."""
    variables = {**dotenv_values(_ENV_FILE), **os.environ}
    return {name: value for name, value in variables.items() if value}


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - any setting by its name
    """Read the environment and `.env`. Raises `ConfigurationError` that lists every wrong setting by its variable."""
    return _loaded(Settings, overrides)


def load_redis_settings() -> RedisSettings:
    """Read Redis' address only, likewise."""
    return _loaded(RedisSettings, {})


def load_redaction_settings() -> RedactionSettings:
    """Read where the rules of redaction stand, likewise."""
    return _loaded(RedactionSettings, {})


def _loaded(kind: type[_Read], overrides: Mapping[str, Any]) -> _Read:
    try:
        return kind(**overrides)
    except ValidationError as error:
        complaints = [
            f"  {_variable(details['loc'])}: {details['msg']}" for details in error.errors(include_input=False)
        ]
        raise ConfigurationError("These settings are wrong:\n" + "\n".join(complaints)) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"The file .env is not UTF-8: the byte at offset {error.start} can't be read"
        ) from error


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    return name if name.isupper() else f"{PREFIX}{name.upper()}"
