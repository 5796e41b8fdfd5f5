"""What every producer reads from the environment and from `.env`, once, at its entry point.

Which labels mean what, how storms collapse and who may send from where stands in the intake file (`intake_file.py`);
secrets stand only here or in variables that the file names. `.env.example` lists every variable.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, UrlConstraints, ValidationError
from pydantic_core import Url
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.redaction.sinks import TrustedSinks

__all__ = ["ProducerConfigurationError", "ProducerSettings", "load_producer_settings", "read_environment"]

PREFIX: Final = "FIRSTLINE_"
ENV_FILE: Final = ".env"


class ProducerConfigurationError(ValueError):
    """A producer must not start: the text names every wrong setting, or file and key, each with its remedy."""


def _without_query(url: Url) -> Url:
    if url.query:
        raise ValueError("give no query (?…): timeouts and retries are set here")
    return url


RedisUrl = Annotated[Url, UrlConstraints(allowed_schemes=["redis", "rediss"]), AfterValidator(_without_query)]


class ProducerSettings(BaseSettings):
    """Every setting of a producer, with its unit and its sensible default. An empty variable counts as unset."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, env_file=ENV_FILE, extra="ignore", frozen=True
    )

    redis_url: RedisUrl = Url("redis://127.0.0.1:6379/0")
    intake_file: Path | None = None
    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$")

    intake_host: str = Field("127.0.0.1", min_length=1)
    intake_port: int = Field(8080, ge=0, le=65_535)
    intake_tokens: SecretStr | None = None
    intake_spool: Path | None = None
    intake_body_limit_bytes: int = Field(10 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)
    intake_requests_limit: int = Field(64, ge=1, le=4096)
    intake_sender_requests_per_second: float = Field(50, gt=0, le=100_000)

    direct_escalation_url: SecretStr | None = None
    direct_escalation_key: SecretStr | None = None
    trusted_sinks: TrustedSinks = frozenset()


def load_producer_settings(**overrides: Any) -> ProducerSettings:  # noqa: ANN401 - any setting by its name
    """Read the environment and `.env`. Raises `ProducerConfigurationError` that lists every wrong setting."""
    try:
        return ProducerSettings(**overrides)
    except ValidationError as error:
        complaints = [
            f"  {PREFIX}{str(details['loc'][0]).upper()}: {details['msg']}"
            for details in error.errors(include_input=False)
        ]
        raise ProducerConfigurationError("These settings are wrong:\n" + "\n".join(complaints)) from None
    except UnicodeDecodeError as error:
        raise ProducerConfigurationError(_not_utf8(error)) from error


def read_environment() -> Mapping[str, str]:
    """Return all variables, those of `.env` under those of the environment: for secrets that the intake file names.

    An empty variable is left out. Raises `ProducerConfigurationError` when `.env` is not UTF-8.
    """
    try:
        variables = {**dotenv_values(ENV_FILE), **os.environ}
    except UnicodeDecodeError as error:
        raise ProducerConfigurationError(_not_utf8(error)) from error
    return {name: value for name, value in variables.items() if value}


def _not_utf8(error: UnicodeDecodeError) -> str:
    return f"The file {ENV_FILE} is not UTF-8: the byte at offset {error.start} can't be read"
