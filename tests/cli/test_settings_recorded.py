"""`firstline escalations` tells the audit its settings before it delivers, whenever Redis is there."""

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from tests.redis_servers import SwitchableRedis
from worker.cli.settings_recorded import record_settings, settings_record, told_sinks, try_to_record
from worker.contract.queue import AUDIT_STREAM
from worker.errors import FirstlineError
from worker.escalation.routes_file import RoutesFile, read_routes_file
from worker.escalation.sink_tables import variables_of
from worker.registry.configuration_record import ConfigurationRecord
from worker.registry.settings_told import told_settings
from worker.settings import Settings


class Waiting(threading.Event):
    """Instead of each pause `then` happens; else it is set."""

    def __init__(self, then: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._then = then or self.set

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout
        self._then()
        return self.is_set()


class Refused(ConfigurationRecord):
    """Redis is there, and the audit can't be written."""

    error: Exception

    def write(self) -> None:
        raise self.error


def record_of(redis: Any) -> ConfigurationRecord:
    return settings_record(redis, Settings(), file=None, member="desk-1")


def entries(redis: Any) -> list[tuple[str, str]]:
    return [(fields["why"], fields["person"]) for _, fields in redis.xrange(AUDIT_STREAM)]


def test_what_holds_at_a_start_while_redis_is_away_is_written_once_it_is_there() -> None:
    redis = SwitchableRedis()
    redis.goes_away()
    record_settings(record_of(redis.client), Waiting(redis.comes_back))
    assert entries(redis.client) == [("escalations started", "worker desk-1")]


def test_a_consumer_that_is_stopped_meanwhile_waits_no_more() -> None:
    redis = SwitchableRedis()
    redis.goes_away()
    record_settings(record_of(redis.client), Waiting())
    redis.comes_back()
    assert entries(redis.client) == []


@pytest.mark.parametrize(
    ("error", "is_over"),
    [
        (FirstlineError("Too many write there at once."), True),
        (ResponseError("WRONGTYPE"), True),
        (RedisConnectionError("It is away."), False),
    ],
)
def test_what_keeps_the_audit_from_it_while_redis_is_there_stops_no_page(error: Exception, *, is_over: bool) -> None:
    record = Refused(SwitchableRedis().client, program="escalations", worker="desk-1", files={}, settings={})
    record.error = error
    assert try_to_record(record) is is_over


CANARY: Final = "canary7f3a9"
ROUTES: Final = """
default = "chat"
[sinks]
pager = {kind = "pagerduty", routing_key_env = "PD_ROUTING_KEY"}
mail = {kind = "mail", host = "mx", sender = "a@b", recipients = "c@d", username = "e", password_env = "MAIL_PASSWORD"}
channel = {kind = "slack", webhook_url_env = "SLACK_WEBHOOK_URL"}
bot = {kind = "slack", bot_token_env = "SLACK_BOT_TOKEN", channel = "C1"}
chat = {kind = "mattermost", webhook_url_env = "MM_URL"}
hook = {kind = "webhook", url = "https://hook.example/x", secrets_env = "HOOK_SECRETS"}
tickets = {kind = "jira", url = "https://jira.example", user = "desk", api_token_env = "JIRA_TOKEN", project = "OPS"}
table = {kind = "servicenow", url = "https://now.example", user = "desk", password_env = "NOW_PASSWORD"}
else = {kind = "apprise", url_env = "APPRISE_URL"}
"""
SECRETS: Final = {
    name: f"{CANARY}-{name}"
    for name in ("PD_ROUTING_KEY", "MAIL_PASSWORD", "SLACK_BOT_TOKEN", "HOOK_SECRETS", "JIRA_TOKEN", "NOW_PASSWORD")
}
ADDRESSES: Final = {
    "SLACK_WEBHOOK_URL": f"https://hooks.slack.example/services/{CANARY}",
    "MM_URL": f"https://desk:{CANARY}@chat.example/hooks/{CANARY}?key={CANARY}",
    "APPRISE_URL": f"tgram://{CANARY}/{CANARY}",
}


ENVIRONMENT: Final = {**SECRETS, **ADDRESSES}


def routes_file(folder: Path) -> RoutesFile:
    path = folder / "routes.toml"
    path.write_text(ROUTES)
    return read_routes_file(path, environment=ENVIRONMENT)


def audit_of(redis: Any, *starts: Mapping[str, str]) -> list[str]:
    """Start once with each of these settings; return what each start's entry says, and then what Redis keeps."""
    for told in starts:
        record = ConfigurationRecord(redis, program="escalations", worker="desk-1", files={}, settings=told)
        record.note("escalations started")
        record.write()
    kept = [redis.hgetall(key) for key in redis.scan_iter(_type="hash")]
    return [json.dumps(each) for each in (*redis.xrange(AUDIT_STREAM), kept)]


@pytest.mark.parametrize("variable", sorted(ENVIRONMENT))
def test_another_value_of_a_sinks_variable_is_told_and_no_byte_of_either(variable: str, tmp_path: Path) -> None:
    sinks = routes_file(tmp_path).sinks
    name, key = next(
        (name, key) for name in sinks for key, each in variables_of(sinks[name]).items() if each == variable
    )
    before, now = (
        told_sinks({name: sinks[name]}, {variable: value})
        for value in (ENVIRONMENT[variable], f"{ENVIRONMENT[variable]}2")
    )
    _, same, changed, kept = audit_of(SwitchableRedis().client, before, before, now)
    assert "changed" not in same
    assert f"changed: sinks.{name}.{key}" in changed
    assert f"from {variable}, " in changed
    assert CANARY not in changed + kept


def test_where_an_address_led_and_where_it_leads_are_told(tmp_path: Path) -> None:
    chat = {"chat": routes_file(tmp_path).sinks["chat"]}
    now = {"MM_URL": f"https://elsewhere.example/hooks/{CANARY}"}
    _, changed, _ = audit_of(SwitchableRedis().client, told_sinks(chat, ENVIRONMENT), told_sinks(chat, now))
    assert "from MM_URL, https://chat.example:443, fingerprint " in changed
    assert " to MM_URL, https://elsewhere.example:443, fingerprint " in changed


def test_without_a_fingerprint_a_change_leaves_no_trace_and_a_value_itself_is_seen(tmp_path: Path) -> None:
    """The control of the tests above."""
    told = told_settings(routes_file(tmp_path).sinks, within="sinks")
    raw = {**told, "sinks.chat.webhook_url_env": ADDRESSES["MM_URL"]}
    _, same, leaking, kept = audit_of(SwitchableRedis().client, told, told, raw)
    assert "changed" not in same
    assert CANARY in leaking
    assert CANARY in kept


def test_a_start_tells_the_values_of_its_own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_URL", ADDRESSES["MM_URL"])
    redis = SwitchableRedis().client
    assert try_to_record(settings_record(redis, Settings(), file=routes_file(tmp_path), member="desk-1"))
    assert "MM_URL, https://chat.example:443, fingerprint " in json.dumps(redis.xrange(AUDIT_STREAM))
