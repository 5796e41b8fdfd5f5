"""Settings in the words of the audit: every one of them, and no secret, whatever a new version adds."""

import hashlib
import json
from typing import Any, get_args

import pytest
from pydantic import HttpUrl, SecretStr
from pydantic_core import Url
from redis import Redis

from tests.redis_servers import redis_fixture, valkey_fixture
from worker.contract.queue import AUDIT_STREAM
from worker.escalation.sink_tables import WebhookTable
from worker.guardrails.policy import Policy, ToolLimits
from worker.redaction.sinks import Sink
from worker.registry.configuration_record import ConfigurationRecord
from worker.registry.settings_told import told_settings, told_variable
from worker.settings import Settings

__all__ = ["redis_fixture", "valkey_fixture"]

CANARY = "canary-7f3a9"


def names_of(*kinds: type) -> list[str]:
    """Every setting that may be of one of these kinds."""
    fields = Settings.model_fields.items()
    return sorted(name for name, field in fields if {field.annotation, *get_args(field.annotation)} & set(kinds))


SECRETS = names_of(SecretStr)
ADDRESSES = names_of(Url, HttpUrl)


def settings_with(**given: Any) -> Settings:
    return Settings.model_construct(**given)


def with_canaries() -> Settings:
    """Settings with a canary in every secret, and in every address wherever one has room for a secret."""
    address = f"https://{CANARY}-user:{CANARY}@host.example:8443/{CANARY}/v1?api_key={CANARY}"
    return settings_with(**{name: SecretStr(CANARY) for name in SECRETS}, **{name: Url(address) for name in ADDRESSES})


def test_there_are_secrets_and_addresses_to_look_for() -> None:
    """The control of the test below: it looks at these by their type."""
    assert {"openai_api_key", "redaction_keys"} <= set(SECRETS)
    assert {"openai_base_url", "redis_url"} <= set(ADDRESSES)
    assert CANARY in str(with_canaries().redis_url)


def test_no_secret_and_no_password_of_an_address_is_in_the_audit_or_beside_it(redis: Any) -> None:
    settings = with_canaries()
    record = ConfigurationRecord(redis, program="worker", worker="w1", files={}, settings=told_settings(settings))
    record.note("a worker starts")
    record.write()
    written = json.dumps([redis.xrange(AUDIT_STREAM), *(redis.hgetall(key) for key in _hashes(redis))])
    assert CANARY not in written
    for name in (*SECRETS, *ADDRESSES):
        assert name in written


def _hashes(redis: Redis) -> list[str]:
    return [str(key) for key in redis.scan_iter("firstline:*", _type="hash")]


def test_of_an_address_scheme_host_and_port_are_told_and_a_change_of_its_path_shows() -> None:
    def told(address: str) -> str:
        return told_settings(settings_with(openai_base_url=HttpUrl(address)))["openai_base_url"]

    assert told("https://gateway.example/v1").startswith("https://gateway.example:443, path by sha256 ")
    assert told("https://gateway.example/v1") != told("https://gateway.example/v2")
    assert told("https://u:p@gateway.example/v1") == told("https://gateway.example/v1") + ", account set"


def test_every_other_setting_is_told_by_its_value() -> None:
    settings = settings_with(trusted_sinks=frozenset({Sink.JSON, Sink.CONSOLE}), max_steps=7)
    told = told_settings(settings)
    assert set(told) == set(Settings.model_fields) - {"worker_name"}
    assert told["trusted_sinks"] == "console, json"
    assert told_settings(settings_with())["trusted_sinks"] == "none"
    assert (told["max_steps"], told["openai_api_key"]) == ("7", "not set")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("policy.restart.cooldown_seconds", "600"),
        ("policy.restart.fleet_restarts", "5"),
        ("policy.rate_limits.restart_service.per_server", "6"),
    ],
)
def test_the_limits_of_the_policy_file_are_told_one_by_one(name: str, value: str) -> None:
    policy = Policy(rate_limits={"restart_service": ToolLimits(per_server=6, fleet=60)})
    assert told_settings(policy, within="policy")[name] == value


def test_a_default_that_a_file_says_too_is_no_change() -> None:
    said = Policy.model_validate({"restart": {"cooldown_seconds": 600.0}})
    assert told_settings(said) == told_settings(Policy())


SINK = {"kind": "webhook", "url": f"https://hook.example/{CANARY}", "secrets_env": "HOOK_SECRETS"}
NIGHTS = {"between": ["22:00", "07:00"], "days": ["sun", "sat", "fri"]}


def test_of_a_sink_where_it_sends_and_whether_it_is_trusted_are_told_in_the_same_words_each_time() -> None:
    sink = WebhookTable.model_validate({**SINK, "trusted": True, "quiet": [NIGHTS]})
    told = told_settings({"hook": sink}, within="sinks")
    assert told["sinks.hook.url"].startswith("https://hook.example:443, path by sha256 ")
    assert CANARY not in str(told)
    assert (told["sinks.hook.trusted"], told["sinks.hook.secrets_env"]) == ("True", "HOOK_SECRETS")
    assert told["sinks.hook.quiet.1.days"] == "fri, sat, sun"
    assert told["sinks.hook.quiet.1.between"] == "22:00:00, 07:00:00"
    assert told_settings({"hook": WebhookTable.model_validate(SINK)})["hook.quiet"] == "none"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (
            f"https://u:{CANARY}@chat.example/hooks/{CANARY}?key={CANARY}",
            "MM_URL, https://chat.example:443, fingerprint ",
        ),
        (f"http://chat.example:8065/{CANARY}", "MM_URL, http://chat.example:8065, fingerprint "),
        (f"tgram://{CANARY}/{CANARY}", "MM_URL, tgram://, fingerprint "),
        (f"https://[{CANARY}", "MM_URL, fingerprint "),
        (CANARY, "MM_URL, fingerprint "),
    ],
)
def test_of_an_address_that_is_a_secret_no_more_is_told_than_where_it_leads(address: str, told: str) -> None:
    said = told_variable("MM_URL", address, is_address=True)
    assert said[:-12] == told
    assert CANARY not in said


def test_another_value_has_another_fingerprint_and_the_same_value_the_same() -> None:
    first, again, other = (
        told_variable("MAIL_PASSWORD", each, is_address=False) for each in ("a://b", "a://b", "a://c")
    )
    assert first == again != other
    assert first.startswith("MAIL_PASSWORD, fingerprint ")
    assert told_variable("MAIL_PASSWORD", None, is_address=False) == "MAIL_PASSWORD, not set"


def test_a_fingerprint_is_no_hash_that_passwords_are_looked_up_by() -> None:
    said = told_variable("MAIL_PASSWORD", "hunter2", is_address=False)
    assert hashlib.sha256(b"hunter2").hexdigest()[:12] not in said
