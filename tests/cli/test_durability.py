"""What the guarantee needs of Redis, held against what Redis says of itself."""

from typing import Any

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from tests.redis_servers import valkey_fixture
from worker.cli.durability import complaints_about

__all__ = ["valkey_fixture"]

GOOD = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class SaidRedis(Redis):
    """A Redis that says what the test makes it say; a refusal where it says nothing."""

    def __init__(self, settings: dict[str, str] | None, role: str = "master") -> None:
        super().__init__()
        self._settings, self._role = settings, role

    def config_get(self, pattern: str) -> dict[str, str]:  # type: ignore[override] # as a client that decodes
        if self._settings is None:
            raise NoPermissionError("this user has no permissions to run the 'config|get' command")
        return {name: value for name, value in self._settings.items() if name == pattern}

    def info(self, *sections: str) -> dict[str, Any]:  # type: ignore[override] # likewise
        return {"role": self._role}


def test_nothing_is_said_of_a_redis_as_it_should_be() -> None:
    assert complaints_about(SaidRedis(GOOD)) == ()


@pytest.mark.parametrize(
    ("name", "value"), [("appendonly", "no"), ("appendfsync", "everysec"), ("maxmemory-policy", "allkeys-lru")]
)
def test_each_setting_that_is_otherwise_is_named(name: str, value: str) -> None:
    (complaint,) = complaints_about(SaidRedis({**GOOD, name: value}))
    assert complaint.startswith(f"{name} is {value}, not {GOOD[name]}: ")


def test_a_replica_is_named() -> None:
    (complaint,) = complaints_about(SaidRedis(GOOD, role="slave"))
    assert "slave, not master" in complaint


def test_what_nobody_may_look_at_is_said_not_to_be_checked() -> None:
    (complaint,) = complaints_about(SaidRedis(None))
    assert "can't be checked (this user has no permissions" in complaint
    assert "appendfsync always" in complaint
    (complaint,) = complaints_about(SaidRedis({name: GOOD[name] for name in GOOD if name != "appendfsync"}))
    assert complaint == "appendfsync can't be checked: see to appendfsync always yourself"


@pytest.mark.integration
def test_a_real_server_is_read(valkey: Any) -> None:
    assert complaints_about(valkey) == ()
    valkey.config_set("maxmemory-policy", "allkeys-lru")
    valkey.execute_command("REPLICAOF", "127.0.0.1", "1")
    assert [complaint.split()[0] for complaint in complaints_about(valkey)] == ["maxmemory-policy", "its"]
    valkey.execute_command("ACL", "SETUSER", "default", "-config")
    with pytest.raises(ResponseError):
        valkey.config_get("appendonly")
    assert "can't be checked" in complaints_about(valkey)[0]
