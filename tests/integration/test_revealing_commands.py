"""Who may see addresses again: a person who says why, and sinks that are trusted; with the key, and never a secret.

The commands are called as a terminal calls them, over a real Valkey, on what a real triage has left there.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.house import WELL, record, write_house
from tests.programs import environment_of, firstline
from tests.redis_servers import client_of, running_valkey
from worker.bootstrap import make_worker
from worker.contract.queue import AUDIT_STREAM, placeholders_key
from worker.settings import load_settings

pytestmark = pytest.mark.integration

_ADDRESS, _SECRET = "10.7.7.7", "Tr0ub4dor-canary"
_LOG: Final = f"ERROR connect to {_ADDRESS}:9200 password={_SECRET}: Connection refused\n" * 5
_KEY: Final = base64.b64encode(b"k" * 32).decode()
_WRONG_KEY: Final = base64.b64encode(b"x" * 32).decode()


class Desk:
    """An incident that was triaged with a key, and the commands that people call."""

    def __init__(self, redis: Redis, environment: dict[str, str], incident_id: str) -> None:
        self.redis = redis
        self.environment = environment
        self.incident_id = incident_id

    def says(self, *command: str, key: str | None = _KEY, trusted: str = "") -> str:
        keys = {"FIRSTLINE_REDACTION_KEYS": key} if key else {}
        trusting = {"FIRSTLINE_TRUSTED_SINKS": trusted} if trusted else {}
        done = firstline(*command, environment=self.environment | keys | trusting)
        return (done.stdout + done.stderr).decode()

    def reveals(self) -> int:
        """How often the audit says that somebody was shown something."""
        entries: Any = self.redis.xrange(AUDIT_STREAM)
        return sum(fields["action"] == "reveal" for _, fields in entries)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    record(tmp_path / "search-index-09", WELL, _LOG)
    house = write_house(tmp_path, {"search-index-09": "search"})
    with running_valkey(tmp_path) as port, client_of(port) as redis:
        url = f"redis://127.0.0.1:{port}/0"
        worker = make_worker(load_settings(_env_file=None, redis_url=url, redaction_keys=_KEY, **house), redis)
        incident = parse_text("search-index-09 seems broken.", received_at=datetime.now(UTC), unique="1")
        list(take_in(redis, [incident]))
        with worker.registry.claim(incident.incident_id) as claim:
            assert claim is not None
            claim.finish(worker.triage(claim))
        yield Desk(redis, environment_of(house | {"redis_url": url}), incident.incident_id)
        worker.close()


def test_a_person_who_says_why_sees_addresses_and_no_secret(desk: Desk) -> None:
    for form in ((), ("--json",)):
        told = desk.says("show", desk.incident_id, "--reveal", "--why", "to reach it", *form)
        assert _ADDRESS in told
        assert _SECRET not in told
    assert desk.reveals() == 2


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize(
    "refusing",
    [
        pytest.param(("ACL", "SETUSER", "default", "-xadd"), id="an access list"),
        pytest.param(("CONFIG", "SET", "maxmemory", "1"), id="no memory left"),
        pytest.param(("SET", AUDIT_STREAM, "another's"), id="a key of another kind"),
    ],
)
def test_nothing_is_revealed_while_redis_refuses_to_write_it_down(
    desk: Desk, refusing: tuple[str, ...], form: tuple[str, ...]
) -> None:
    """Its control is the test above: a Redis that takes the entry."""
    desk.redis.execute_command(*refusing)  # type: ignore[no-untyped-call]
    told = desk.says("show", desk.incident_id, "--reveal", "--why", "to reach it", *form)
    assert "Nothing is revealed, for who was shown it could not be written down." in told
    assert _ADDRESS not in told
    assert "[IP_ADDRESS_1]" in desk.says("show", desk.incident_id, *form)


@pytest.mark.parametrize(
    ("more", "told", "code"),
    [
        ((), "no request to a model is recorded here", 0),
        (("--step", "99"), "has no step 99: it has 1", 2),
        (("--json",), "it goes without --json and --reveal", 2),
    ],
)
def test_what_rules_have_triaged_shows_no_request_and_a_step_that_is_none_is_an_error(
    desk: Desk, more: tuple[str, ...], told: str, code: int
) -> None:
    done = firstline("show", desk.incident_id, "--sent", *more, environment=desk.environment)
    assert (done.returncode, done.stdout) == (code, b"")
    assert told in " ".join(done.stderr.decode().replace("│", " ").split())


def test_without_a_reason_everything_stays_masked_and_nobody_is_written_down(desk: Desk) -> None:
    told = desk.says("show", desk.incident_id)
    assert "[IP_ADDRESS_1]" in told
    assert _ADDRESS not in told
    assert desk.reveals() == 0


@pytest.mark.parametrize("key", [None, _WRONG_KEY])
def test_without_the_key_nobody_sees_an_address(desk: Desk, key: str | None) -> None:
    told = desk.says("show", desk.incident_id, "--reveal", "--why", "to reach it", key=key)
    assert _ADDRESS not in told
    assert _ADDRESS not in desk.says("escalations", "--once", key=key, trusted="console,json")


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("key", [_WRONG_KEY, _KEY])
def test_what_can_not_be_opened_is_a_wrong_setting_and_not_written_down(
    desk: Desk, key: str, form: tuple[str, ...]
) -> None:
    """With the right key it is the map that is damaged."""
    if key == _KEY:
        desk.redis.set(placeholders_key(desk.incident_id), "ü")
    environment = desk.environment | {"FIRSTLINE_REDACTION_KEYS": key}
    done = firstline("show", desk.incident_id, "--reveal", "--why", "to reach it", *form, environment=environment)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"FIRSTLINE_REDACTION_KEYS" in done.stderr
    assert b"Traceback" not in done.stderr
    assert desk.reveals() == 0
    assert "[IP_ADDRESS_1]" in desk.says("show", desk.incident_id, *form, key=key)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_trusted_sink_shows_addresses_and_no_secret(desk: Desk, form: tuple[str, ...]) -> None:
    told = desk.says("escalations", "--once", *form, trusted="console,json")
    assert _ADDRESS in told
    assert _SECRET not in told


@pytest.mark.parametrize(("form", "trusted"), [((), ""), (("--json",), ""), ((), "json"), (("--json",), "console")])
def test_a_sink_that_is_not_trusted_shows_placeholders(desk: Desk, form: tuple[str, ...], trusted: str) -> None:
    told = desk.says("escalations", "--once", *form, trusted=trusted)
    assert "[IP_ADDRESS_1]" in told
    assert _ADDRESS not in told
    assert _SECRET not in told
