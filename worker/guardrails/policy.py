"""The policy file: how often anything may be done. Reviewed like code.

[restart]                        # what may be restarted at all stands in the inventory, as `restart_policy`
cooldown_seconds = 600
[rate_limits.get_server_health]  # calls in any window of `per_seconds`, by every worker together
per_server = 30
fleet = 3000
per_seconds = 60
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError

from worker.contract.base import Frozen
from worker.errors import ConfigurationError

__all__ = ["Policy", "RestartRules", "ToolLimits"]

_REMEDIES: Final[Mapping[tuple[int | str, ...], str]] = {
    ("restart", "services"): "what may be restarted stands in the inventory: set restart_policy there, and remove this"
}
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(gt=0, le=604_800)]


class RestartRules(Frozen):
    """How often a restart is allowed: per server (cooldown, budget) and over the fleet (budget, at once).

    `proposal_seconds` is how long a proposed restart can be approved, and from then on how long it can be carried out.
    """

    cooldown_seconds: Annotated[float, Field(ge=0, le=604_800)] = 600
    server_restarts: Count = 2
    server_window_seconds: Seconds = 3600
    fleet_restarts: Count = 5
    fleet_window_seconds: Seconds = 600
    fleet_concurrency: Count = 2
    lease_seconds: Annotated[float, Field(ge=5, le=600)] = 60
    evidence_max_age_seconds: Seconds = 120
    trip_after: Count = 3
    proposal_seconds: Seconds = 1800


class ToolLimits(Frozen):
    """How often a tool may be called within `per_seconds`: for one server, and for the whole fleet."""

    per_server: Count
    fleet: Count
    per_seconds: Seconds = 60


class Policy(Frozen):
    """Everything that the policy file says; a tool without limits of its own gets `DEFAULT_TOOL_LIMITS`."""

    restart: RestartRules = RestartRules()
    rate_limits: dict[str, ToolLimits] = Field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check the file. Raises `ConfigurationError` that names file, keys and remedy."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")), strict=False)
        except OSError as error:
            raise ConfigurationError(
                f"The policy file {path} can't be read ({error.strerror}): set FIRSTLINE_POLICY_FILE, "
                "or copy deploy/policy.toml."
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"The policy file {path} is not valid TOML: {error}") from error
        except ValidationError as error:
            complaints = [
                f"  {'.'.join(map(str, details['loc']))}: {_REMEDIES.get(details['loc'], details['msg'])}"
                for details in error.errors(include_input=False)
            ]
            raise ConfigurationError(f"The policy file {path} is wrong:\n" + "\n".join(complaints)) from None

    def limits_of(self, tool: str) -> ToolLimits:
        """Return the limits of one tool."""
        return self.rate_limits.get(tool, DEFAULT_TOOL_LIMITS)


DEFAULT_TOOL_LIMITS = ToolLimits(per_server=60, fleet=6000, per_seconds=60)
