"""Which configuration a worker uses is in the audit, also when Redis was away as it started."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tests.redis_servers import SwitchableRedis, redis_fixture, valkey_fixture
from worker.contract.queue import AUDIT_STREAM, configuration_key
from worker.registry.audit import AuditLog
from worker.registry.audit_chain import judged
from worker.registry.configuration_record import ConfigurationRecord

__all__ = ["redis_fixture", "valkey_fixture"]


def record_of(
    redis: Redis,
    files: Mapping[str, Path | None],
    settings: Mapping[str, str] | None = None,
    *,
    program: str = "worker",
) -> ConfigurationRecord:
    return ConfigurationRecord(redis, program=program, worker="w1", files=files, settings=settings or {})


def start(redis: Redis, *, program: str = "worker", **settings: str) -> tuple[str, dict[str, str]]:
    """Start a program with these settings, and return what the audit then says last: why and details."""
    record = record_of(redis, {}, settings, program=program)
    record.note("it starts")
    record.write()
    return newest(redis)


def newest(redis: Any) -> tuple[str, dict[str, str]]:
    fields = redis.xrange(AUDIT_STREAM)[-1][1]
    return fields["why"], json.loads(fields["details"])


def details(redis: Any) -> list[str]:
    return [fields["details"] for _, fields in redis.xrange(AUDIT_STREAM)]


def test_each_file_is_told_by_its_path_and_sha256_at_start_and_reload(tmp_path: Path) -> None:
    redis, policy = SwitchableRedis().client, tmp_path / "policy.toml"
    policy.write_text("one")
    record = record_of(redis, {"policy_file": policy, "redaction_file": None})
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
    record = record_of(switchable.client, {"policy_file": tmp_path})
    record.note("a worker starts")
    switchable.goes_away()
    with pytest.raises(RedisConnectionError):
        record.write()
    switchable.comes_back()
    record.write()
    assert len(details(switchable.client)) == 1


def test_the_first_start_tells_every_setting_and_an_unchanged_one_none(redis: Redis) -> None:
    assert start(redis, model_name="m1", openai_api_key="set") == (
        "it starts",
        {"model_name": "m1", "openai_api_key": "set"},
    )
    assert start(redis, model_name="m1", openai_api_key="set") == ("it starts", {})


def test_a_setting_that_changed_between_two_starts_is_told_from_what_to_what(redis: Redis) -> None:
    start(redis, model_name="m1", openai_api_key="not set", trusted_sinks="none")
    assert start(redis, model_name="m1", openai_api_key="set", trusted_sinks="console") == (
        "it starts; changed: openai_api_key, trusted_sinks",
        {"openai_api_key": "from not set to set", "trusted_sinks": "from none to console"},
    )


def test_a_setting_that_is_gone_or_new_is_told_once(redis: Redis) -> None:
    start(redis, limit="60")
    assert start(redis, another="1") == ("it starts; changed: limit", {"limit": "from 60 to not set", "another": "1"})
    assert start(redis, another="1") == ("it starts", {})
    assert start(redis, another="1", limit="30")[1] == {"limit": "from not set to 30"}


def changed(redis: Redis, before: str, now: str) -> str:
    start(redis, recipients=before)
    return start(redis, recipients=now)[1]["recipients"]


PEOPLE = [f"oncall{number}@example.com" for number in range(9)]


def test_of_a_long_list_each_item_that_was_added_or_taken_away_is_told(redis: Redis) -> None:
    other = [*PEOPLE[:8], "mallory@example.com"]
    assert changed(redis, ", ".join(PEOPLE), ", ".join(other)) == (
        "added: mallory@example.com; taken away: oncall8@example.com"
    )
    assert changed(redis, ", ".join(other), ", ".join(other[:8])) == "taken away: mallory@example.com"
    assert changed(redis, ", ".join(PEOPLE), "not set").startswith("taken away: oncall0@example.com, oncall1@")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("x" * 500 + "1", "x" * 500 + "2"),
        (", ".join(PEOPLE), ", ".join([PEOPLE[1], PEOPLE[0], *PEOPLE[2:]])),
        (", ".join(PEOPLE), ", ".join([*PEOPLE, PEOPLE[8]])),
    ],
    ids=["long words", "another order", "an item twice"],
)
def test_long_values_that_begin_alike_look_different(redis: Redis, before: str, now: str) -> None:
    from_side, to_side = changed(redis, before, now).removeprefix("from ").split(" to ")
    assert from_side != to_side


def test_many_items_at_once_are_cut_and_still_told_apart(redis: Redis) -> None:
    more = [f"more{number}@example.com" for number in range(50)]
    one = changed(redis, ", ".join(PEOPLE), ", ".join([*PEOPLE, *more]))
    other = changed(redis, ", ".join(PEOPLE), ", ".join([*PEOPLE, *more[:49], "mallory@example.com"]))
    assert one.startswith("added: more0@example.com, ")
    assert one != other


def test_programs_are_not_compared_with_each_other(redis: Redis) -> None:
    start(redis, model_name="m1")
    assert start(redis, program="escalations", model_name="m2") == ("it starts", {"model_name": "m2"})
    assert start(redis, model_name="m1") == ("it starts", {})


def test_a_file_that_changed_is_told_with_both_hashes_and_at_a_reload_too(redis: Redis, tmp_path: Path) -> None:
    policy = tmp_path / "p"
    policy.write_text("one")
    record = record_of(redis, {"policy_file": policy, "routes_file": None}, {"model_name": "m1"})
    record.note("it starts")
    record.write()
    policy.write_text("two")
    record.note("it reloads", names=["policy_file"])
    record.write()
    why, told = newest(redis)
    assert why == "it reloads; changed: policy_file"
    assert set(told) == {"policy_file"}
    for content in (b"one", b"two"):
        assert hashlib.sha256(content).hexdigest() in told["policy_file"]
    record.note("it starts again")
    record.write()
    assert newest(redis)[0] == "it starts again"


def test_a_change_and_what_the_next_start_is_compared_with_are_written_together_or_not_at_all(redis: Any) -> None:
    start(redis, model_name="m1")
    record = record_of(redis, {}, {"model_name": "m2"})
    record.note("it starts")
    redis.rename(AUDIT_STREAM, "aside")
    redis.set(AUDIT_STREAM, "another's")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        record.write()
    assert redis.hgetall(configuration_key("worker")) == {"model_name": "m1"}
    redis.rename("aside", AUDIT_STREAM)
    record.write()
    record.write()
    assert redis.xlen(AUDIT_STREAM) == 2
    assert newest(redis)[1] == {"model_name": "from m1 to m2"}
    assert redis.hgetall(configuration_key("worker")) == {"model_name": "m2"}


def test_a_key_of_the_wrong_type_lets_nothing_be_written_in_part(redis: Any) -> None:
    redis.set(configuration_key("worker"), "another's")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        start(redis, model_name="m1")
    assert redis.xlen(AUDIT_STREAM) == 0


def test_of_many_starts_at_once_each_is_written_and_the_chain_is_whole(redis: Redis) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: start(redis, model_name=f"m{number % 2}"), range(16)))
    log = AuditLog(redis)
    found = judged(log.entries(), noted=log.noted())
    assert (found.entries, found.flaw) == (16, None)


def test_a_secret_in_a_setting_reaches_neither_the_audit_nor_what_is_compared(redis: Any) -> None:
    start(redis, model_name="m1 password=hunter2")
    start(redis, model_name="m2 password=hunter2")
    kept = redis.hgetall(configuration_key("worker"))
    assert "hunter2" not in f"{redis.xrange(AUDIT_STREAM)} {kept}"
    assert kept == {"model_name": "m2 password=[PASSWORD]"}
