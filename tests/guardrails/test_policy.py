"""The policy file is read whole, or not at all, with every mistake named."""

from pathlib import Path

import pytest

from worker.errors import ConfigurationError
from worker.guardrails.policy import Policy


def test_the_shipped_policy_is_valid() -> None:
    assert Policy.load(Path("deploy/policy.toml")).restart.trip_after == 3


def test_a_tool_without_limits_of_its_own_gets_the_default() -> None:
    assert Policy().limits_of("anything").per_server == 60


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[restart]\ncooldown = 5\n", "restart.cooldown"),
        ('[restart]\nservices = ["web"]\n', "restart.services: what may be restarted stands in the inventory"),
        ("[restart]\nserver_restarts = 0\n", "restart.server_restarts"),
        ("[rate_limits.get_server_health]\nfleet = 5\n", "rate_limits.get_server_health.per_server"),
        ("[restart\n", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as failure:
        Policy.load(path)
    assert str(path) in str(failure.value)
    assert named in str(failure.value)


def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="FIRSTLINE_POLICY_FILE"):
        Policy.load(tmp_path / "none.toml")
