"""A server whose name reads as that of a secret is triaged like any other, and secrets beside it still do not leave."""

import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from fakeredis import FakeRedis

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.house import SICK, WELL, record, restarts_of, write_house
from worker.bootstrap import make_worker
from worker.cli.redact import redact_files
from worker.contract.result import Disposition, TriageResult
from worker.redaction import Kind, Masker, PatternDetector, Placeholders, RedactionRules
from worker.settings import load_settings

SERVERS: Final = (
    "token-service-01",
    "secrets-01",
    "password-reset-01",
    "auth-token-01",
    "vault-secret-02",
    "api-key-store-01",
    "credentials-db-01",
    "session-token-cache",
    "passwd-sync-01",
    "pwd-manager-01",
)
_JSON: Final = ('{"server_id": "@", "lines": 100}', '{"server_id":"@","status":"running","cpu_percent":98.0}')
_SAID: Final = (
    "@: CPU at 98% since 03:00",
    "Nov 22 03:00:01 @ java[12345]: ERROR all request threads hung",
    "connect to @:5432 refused, restart of @: recovered in 20s",
    '["@", "payment-server-01"]',
    '{"dependencies": {"@": "running", "db-01": "running"}}',
)


def masked(text: str, *kept: str) -> str:
    return Masker(PatternDetector(RedactionRules(kept=frozenset(kept))), Placeholders()).masked(text)


def triaged(folder: Path, server_id: str) -> tuple[TriageResult, str]:
    """Let a hung server be triaged that a restart cures; return what was concluded, and how it is told."""
    record(folder / server_id, SICK, f"{server_id} java[12345]: ERROR all request threads hung\n", after_restart=WELL)
    settings = load_settings(_env_file=None, **write_house(folder, {server_id: "sign-in"}))
    redis: Any = FakeRedis(decode_responses=True)
    worker = make_worker(settings, redis)
    text = f"The {server_id} is extremely slow and timing out."
    incident = parse_text(text, received_at=datetime.now(UTC), unique="1")
    list(take_in(redis, [incident]))
    with worker.registry.claim(incident.incident_id) as claim:
        assert claim is not None
        result = worker.triage(claim)
        claim.finish(result)
    worker.close()
    return result, result.model_dump_json()


@pytest.mark.parametrize("server_id", SERVERS)
def test_it_is_restarted_and_recovers_and_nothing_of_its_health_and_log_is_taken_for_a_secret(
    server_id: str, tmp_path: Path
) -> None:
    result, told = triaged(tmp_path, server_id)
    assert result.disposition is Disposition.RECOVERED
    assert len(restarts_of(tmp_path)) == 1
    assert f"{server_id} java[12345]: ERROR all request threads hung" in told
    assert "[PASSWORD]" not in told


@pytest.mark.parametrize("server_id", SERVERS)
def test_the_command_line_without_an_inventory_leaves_the_next_field_as_it_is(
    server_id: str,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "\n".join(_JSON).replace("@", server_id)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    settings = load_settings(_env_file=None).model_copy(update={"inventory_file": tmp_path / "none.toml"})
    redact_files(settings, [Path("-")])
    assert capsysbinary.readouterr().out.decode() == text


@pytest.mark.parametrize("text", [*_JSON, *_SAID])
@pytest.mark.parametrize("server_id", SERVERS)
def test_beside_a_server_of_the_inventory_nothing_is_taken_for_its_secret(server_id: str, text: str) -> None:
    text = text.replace("@", server_id)
    assert masked(text, server_id) == text


@pytest.mark.parametrize("text", _SAID)
@pytest.mark.parametrize("server_id", SERVERS)
def test_beside_a_name_that_the_inventory_does_not_have_it_is(server_id: str, text: str) -> None:
    """The control."""
    assert "[PASSWORD]" in masked(text.replace("@", server_id))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('["password", "hunter2"]', '["password", "[PASSWORD]"]'),
        ("('token', 'abc123def')", "('token', '[PASSWORD]')"),
        ('{"field":"db_password","value":"hunter2"}', '{"field":"db_password","value":"[PASSWORD]"}'),
        ("token-service-01 token=abc123def", "token-service-01 token=[PASSWORD]"),
        ("token-service-01=hunter2", "token-service-01=[PASSWORD]"),
        ("token-service-01.password: hunter2", "token-service-01.password: [PASSWORD]"),
        ("my-token-service-01: hunter2", "my-token-service-01: [PASSWORD]"),
        ("secrets-01-key: hunter2", "secrets-01-key: [PASSWORD]"),
        ("password: hunter2, db-token: hunter2", "password: [PASSWORD], db-token: [PASSWORD]"),
    ],
)
def test_secrets_beside_such_servers_still_do_not_leave(text: str, told: str) -> None:
    """Nor where a server is named as a setting is, with nothing behind the telling word."""
    assert masked(text, "token-service-01", "secrets-01", "password", "db-token") == told


def test_it_is_known_by_its_name_within_a_domain_too() -> None:
    text = "secrets-01.lan: CPU at 98%"
    assert masked(text, "secrets-01") == text
    assert masked(text) == "secrets-01.lan: [PASSWORD] at 98%"


def test_a_line_that_ends_in_such_a_word_does_not_cost_the_line_behind_it() -> None:
    lines = '["WARN invalid token", "ERROR all request threads hung", "WARN unknown secret", "ERROR pool is empty"]'
    assert masked(lines) == lines


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("set('the db password', 'hunter2')", "set('the db password', '[PASSWORD]')"),
        ('["--db-password", "correct horse battery"]', '["--db-password", "[PASSWORD]"]'),
    ],
)
def test_a_value_of_one_word_behind_a_sentence_and_any_behind_a_name_alone_are_masked(text: str, told: str) -> None:
    assert masked(text) == told


def test_only_a_name_that_goes_on_behind_the_telling_word_says_nothing_of_its_value() -> None:
    detector = PatternDetector(RedactionRules(kept=frozenset({"Token-Service-01", "db-token"})))
    assert detector.kind_named("token-service-01") is None
    assert detector.kind_named("db-token") is Kind.PASSWORD
    assert PatternDetector(RedactionRules()).kind_named("token-service-01") is Kind.PASSWORD
