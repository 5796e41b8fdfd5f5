"""The installation's rules in a whole process: all that is masked without an incident obeys them, and says no less."""

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest
from fakeredis import FakeRedis

from producers.sources.bounds import quoted
from producers.spool.pagerduty_events import payload_of
from tests.fakes import an_incident
from tests.guardrails.claims import ask
from worker.bootstrap import make_guard
from worker.cli.status import read_desk
from worker.cli.status_page import page_of
from worker.errors import ConfigurationError
from worker.guardrails.policy import Policy
from worker.logs import MaskingProcessor
from worker.redaction import DEFAULTS_MASKER, FAILURES_MASKER, SECRETS_MASKER, STATELESS_MASKER, RedactionRules
from worker.redaction.installation import use_rules
from worker.redaction.presidio import presidio_names
from worker.registry import Registry
from worker.registry.letter import DeadLetter, letter_fields

_RULES: Final = RedactionRules(
    denied=frozenset({"bluebird"}),
    users=frozenset({"adalove"}),
    domains=frozenset({"corp.example.com"}),
    national_ids={"test": r"\bNID-[0-9]{6}\b"},
    masks_uuids=True,
)
_SAID: Final = "bluebird adalove db-7.corp.example.com NID-123456 0f8fad5b-d9cb-469f-a165-70867728950e"
_MASKED: Final = "[DENIED] [USER] [HOST] [NATIONAL_ID] [UUID]"
_DEFAULTS: Final = RedactionRules()


@pytest.fixture
def rules() -> Iterator[None]:
    use_rules(_RULES)
    yield
    use_rules(_DEFAULTS)


def status() -> Any:
    redis = FakeRedis(decode_responses=True)
    make_guard(redis, Policy(), worker="w1").halt(_SAID)
    return read_desk(redis).found["restarts_halted"]


def page() -> str:
    said = {"text": _SAID, "group": _SAID, "service": _SAID, "labels": {"said": _SAID}}
    return json.dumps(payload_of(an_incident().model_copy(update=said)))


def letter() -> str:
    content = json.dumps({"text": _SAID}).encode()
    fields = letter_fields("odd", content=content, found_in="queue", detail=_SAID, incident_id="inc-1")
    kept = DeadLetter.of("1-1", fields)
    assert (_SAID in kept.detail) == (_SAID.encode() in kept.content)
    return repr(kept)


def log_line() -> str:
    return repr(MaskingProcessor(STATELESS_MASKER)(None, "warning", {"event": "poll.failed", "reason": _SAID}))


@pytest.mark.usefixtures("rules")
def test_the_process_masks_by_the_rules_it_has_taken() -> None:
    assert STATELESS_MASKER.masked(_SAID) == _MASKED
    assert status() == _MASKED
    assert quoted(_SAID) == f"“{_MASKED}”"


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize("told", [page, letter, log_line])
def test_pages_letters_and_logs_obey_the_rules(told: Any) -> None:
    written = told()
    assert _MASKED in written
    assert not [word for word in _SAID.split() if word in written]


@pytest.mark.parametrize("told", [status, page, letter, log_line])
def test_control_under_the_default_rules_all_of_it_is_told(told: Any) -> None:
    assert _SAID in told()


@pytest.mark.usefixtures("rules")
def test_national_ids_are_secrets_also_where_nothing_else_of_the_rules_is_masked() -> None:
    assert SECRETS_MASKER.masked(_SAID) == _SAID.replace("NID-123456", "[NATIONAL_ID]")


@pytest.mark.usefixtures("rules")
def test_a_page_names_its_server_as_without_rules_whatever_they_say() -> None:
    incident = an_incident().model_copy(update={"server_id": "db-7.corp.example.com"})
    payload = payload_of(incident)
    assert payload["source"] == DEFAULTS_MASKER.checked("db-7.corp.example.com") == "db-7.corp.example.com"
    assert "10.1.2.3" not in json.dumps(payload_of(incident.model_copy(update={"server_id": "10.1.2.3"})))


@pytest.mark.usefixtures("rules")
def test_status_names_the_server_that_a_person_is_to_resolve() -> None:
    redis = FakeRedis(decode_responses=True)
    ask(make_guard(redis, Policy(), worker="w1"), "inc-1", "db-7.corp.example.com")
    assert read_desk(redis).found["restart_locks"][0]["server_id"] == "db-7.corp.example.com"


def test_what_was_in_force_stays_so_when_the_model_for_names_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    presidio_names.cache_clear()
    with pytest.raises(ConfigurationError, match="presidio"):
        use_rules(RedactionRules(denied=frozenset({"bluebird"}), people_language="en"))
    assert STATELESS_MASKER.masked("bluebird") == "bluebird"


_TO_MEND: Final = "/home/ann/redaction.toml at 10.1.2.3"


@pytest.mark.usefixtures("rules")
def test_a_failure_is_told_with_what_a_person_must_mend_and_without_what_the_rules_list() -> None:
    told = _MASKED.replace("[USER]", "[DENIED]")
    assert FAILURES_MASKER.checked(f"{_SAID} {_TO_MEND} password=hunter2") == f"{told} {_TO_MEND} password=[PASSWORD]"
    assert FAILURES_MASKER.checked("/home/adalove/x") == "/home/[DENIED]/x"


def test_a_failure_under_the_default_rules_is_told_without_secrets() -> None:
    assert FAILURES_MASKER.checked(f"{_SAID} {_TO_MEND} password=hunter2") == f"{_SAID} {_TO_MEND} password=[PASSWORD]"


@pytest.mark.parametrize("word", ["name", "model", "concurrency", "restarts_halted"])
def test_status_stands_whatever_word_is_denied(word: str) -> None:
    redis = FakeRedis(decode_responses=True)
    registry = Registry(redis, worker="w1")
    registry.beat({"model": "rules", "concurrency": 16})
    registry.close()
    use_rules(RedactionRules(denied=frozenset({word})))
    try:
        desk = read_desk(redis)
    finally:
        use_rules(_DEFAULTS)
    assert "1 alive" in page_of(desk.found, desk.unreadable)
