"""Which configuration a worker uses is in the audit, also when Redis was away as it started."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.redis_servers import SwitchableRedis
from worker.contract.queue import AUDIT_STREAM
from worker.registry.configuration_record import ConfigurationRecord


def details(redis: Any) -> list[str]:
    return [fields["details"] for _, fields in redis.xrange(AUDIT_STREAM)]


def test_each_file_is_told_by_its_path_and_sha256_at_start_and_reload(tmp_path: Path) -> None:
    redis, policy = SwitchableRedis().client, tmp_path / "policy.toml"
    policy.write_text("one")
    record = ConfigurationRecord(redis, worker="w1", files={"policy_file": policy, "redaction_file": None})
    record.note("a worker starts")
    policy.write_text("two")
    record.note("again", names=["policy_file"])
    policy.unlink()
    record.note("again")
    record.write()
    record.write()
    one, two, gone = details(redis)
    assert f"sha256 {hashlib.sha256(b'one').hexdigest()} of {policy}" in one
    assert '"redaction_file": "not set"' in one
    assert hashlib.sha256(b"two").hexdigest() in two
    assert "redaction_file" not in two
    assert "can't be read (FileNotFoundError)" in gone


def test_what_could_not_be_written_while_redis_was_away_is_written_later(tmp_path: Path) -> None:
    switchable = SwitchableRedis()
    record = ConfigurationRecord(switchable.client, worker="w1", files={"policy_file": tmp_path})
    record.note("a worker starts")
    switchable.goes_away()
    with pytest.raises(RedisConnectionError):
        record.write()
    switchable.comes_back()
    record.write()
    assert len(details(switchable.client)) == 1
