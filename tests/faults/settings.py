"""What a test makes of a worker: written to the environment by the test, read from it by the worker."""

from pathlib import Path
from typing import Any, Final

from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["SKEW_SECONDS", "FaultSettings", "environment_of_faults"]

SKEW_SECONDS: Final = 3600
"""How wrong a skewed clock is; whole hours are told apart from any real delay."""

_PREFIX: Final = "FAULTS_"


class FaultSettings(BaseSettings):
    """The times are shorter than the product's, so that a test can wait for them; all else is the product's own.

    `clock` is `right`, `fast`, `slow` or `jumps`.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True)

    traps_folder: Path
    servers_folder: Path
    lease_seconds: float = 3.0
    patience_seconds: float = 1.0
    sweep_interval_seconds: float = 0.5
    visibility_timeout_seconds: float = 300
    has_guard: bool = True
    has_sweeper: bool = True
    has_fence: bool = True
    clock: str = "right"


def environment_of_faults(**settings: Any) -> dict[str, str]:
    """Return the environment variables of these settings."""
    return {f"{_PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
