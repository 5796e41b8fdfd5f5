"""A route that no result could ever take is a mistake of the routes file, told by its key."""

from pathlib import Path

import pytest

from worker.errors import ConfigurationError
from worker.escalation.routes_file import RoutesFile, read_routes_file

FILE = """
default = "pager"
[sinks.pager]
kind = "pagerduty"
routing_key_env = "ROUTING_KEY"
[[routes]]
sinks = "pager"
"""


def read(folder: Path, line: str) -> RoutesFile:
    path = folder / "routes.toml"
    path.write_text(f"{FILE}{line}\n")
    return read_routes_file(path, environment={"ROUTING_KEY": "a" * 32})


@pytest.mark.parametrize("key", ["severity", "disposition", "team", "service", "server"])
def test_a_route_for_none_of_a_list_is_refused_in_words(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, f"{key} = []")
    (complaint,) = str(refused.value).splitlines()[1:]
    assert complaint == f"  routes.1.{key}: is empty: name at least one"


def test_control_a_route_for_one_of_a_list_is_read(tmp_path: Path) -> None:
    (route,) = read(tmp_path, 'severity = ["warning"]').routes.routes
    assert route.severities == {"warning"}
