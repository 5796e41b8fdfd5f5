"""One incident on a terminal: masked as its journal is; revealed to a person who said why, and written down first."""

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from fakeredis import FakeRedis
from redis.exceptions import ConnectionError as RedisConnectionError

from producers import take_in
from tests.fakes import an_incident
from tests.registry.entries import result_of
from worker.cli.failures import Unconfirmed
from worker.cli.show import _as_json, _as_text
from worker.cli.shown import entry_to_show
from worker.contract.queue import AUDIT_STREAM, incident_key, journal_key, placeholders_key
from worker.contract.transcript import ModelReply, Step, ToolCall
from worker.errors import ConfigurationError, FirstlineError
from worker.redaction import (
    WITHHELD,
    Finding,
    Kind,
    Masker,
    PatternDetector,
    Placeholders,
    RedactionRules,
    revealed_model,
    stateless_masker,
)
from worker.redaction.sealing import Sealer
from worker.registry.placeholder_store import PlaceholderStore
from worker.registry.view import RegistryEntry

_DETECTOR: Final = PatternDetector(RedactionRules())
_INCIDENT: Final = an_incident().model_copy(
    update={
        "text": "10.1.2.9 and 10.1.2.3 refuse password=hunter2",
        "labels": {"instance": "10.1.2.3:9100", "db_password": "hunter2"},
    }
)
_STEP: Final = Step(number=1, model="rules", reply=ModelReply(text="[IP_ADDRESS_1] is down, password=[PASSWORD]"))


class Refusing(FakeRedis):
    """A Redis that goes away before anything is written down."""

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: Any) -> Any:
        if keys_and_args[0] == AUDIT_STREAM:
            raise RedisConnectionError("gone")
        return super().evalsha(sha, numkeys, *keys_and_args)


class Broken:
    def find(self, text: str) -> Sequence[Finding]:
        raise RuntimeError(text)

    def kind_named(self, name: str) -> Kind | None:
        raise RuntimeError(name)


class FindsNothing:
    def find(self, _: str) -> Sequence[Finding]:
        return ()

    def kind_named(self, _: str) -> Kind | None:
        return None


def store(redis: FakeRedis, key: bytes = b"k" * 32) -> PlaceholderStore:
    return PlaceholderStore(redis, Sealer([key], random_bytes=os.urandom))


def filled(redis: FakeRedis, *steps: Step) -> FakeRedis:
    list(take_in(redis, [_INCIDENT]))
    for step in steps or (_STEP,):
        redis.rpush(journal_key(_INCIDENT.incident_id), step.model_dump_json())
    keep(redis, {"[IP_ADDRESS_1]": "10.1.2.3"})
    return redis


def keep(redis: FakeRedis, values: Mapping[str, str]) -> None:
    entry = incident_key(_INCIDENT.incident_id)
    accepted_at = str(redis.hget(entry, "accepted_at"))
    redis.hset(entry, mapping={"state": "CLAIMED", "epoch": 1})
    assert store(redis).save(_INCIDENT.incident_id, Placeholders(values), claim=f"1@{accepted_at}")


@pytest.fixture
def redis() -> FakeRedis:
    return filled(FakeRedis(decode_responses=True))


def shown(redis: FakeRedis, *, why: str | None = None, key: bytes | None = b"k" * 32) -> RegistryEntry:
    vault = store(redis, key) if key else None
    return entry_to_show(redis, _INCIDENT.incident_id, vault=vault, detector=_DETECTOR, reveal_why=why)


@pytest.mark.parametrize("printed", [_as_text, _as_json])
def test_an_incident_is_shown_under_the_placeholders_of_its_journal(redis: FakeRedis, printed: Any) -> None:
    told = printed(shown(redis))
    assert "[IP_ADDRESS_2] and [IP_ADDRESS_1] refuse password=[PASSWORD]" in told
    assert "[IP_ADDRESS_1] is down" in told
    assert "10.1.2" not in told
    assert "hunter2" not in told
    assert redis.xlen(AUDIT_STREAM) == 0


@pytest.mark.parametrize("printed", [_as_text, _as_json])
def test_a_person_who_says_why_sees_addresses_again_and_no_secret(redis: FakeRedis, printed: Any) -> None:
    told = printed(shown(redis, why="to reach it by hand"))
    assert "10.1.2.9 and 10.1.2.3 refuse password=[PASSWORD]" in told
    assert "10.1.2.3 is down" in told
    assert "hunter2" not in told


def test_who_was_shown_what_and_why_is_written_down(redis: FakeRedis) -> None:
    shown(redis, why="to reach it by hand")
    written: Any = redis.xrange(AUDIT_STREAM)
    ((_, entry),) = written
    assert (entry["action"], entry["incident_id"]) == ("reveal", _INCIDENT.incident_id)
    assert entry["why"] == "to reach it by hand"
    assert entry["person"]
    assert entry["host"]
    assert datetime.fromisoformat(entry["at"]).tzinfo == UTC


def test_what_can_not_be_written_down_is_not_revealed() -> None:
    with pytest.raises(Unconfirmed, match=r"Nothing is revealed"):
        shown(filled(Refusing(decode_responses=True)), why="to reach it by hand")


def test_without_a_key_nothing_is_revealed_and_the_remedy_is_told(redis: FakeRedis) -> None:
    with pytest.raises(ConfigurationError, match="set FIRSTLINE_REDACTION_KEYS"):
        shown(redis, why="to reach it by hand", key=None)
    assert redis.xlen(AUDIT_STREAM) == 0
    assert "10.1.2" not in _as_text(shown(redis, key=None))


def kept_with_another_key(redis: FakeRedis) -> None:
    sealed = Sealer([b"x" * 32], random_bytes=os.urandom).sealed(b"{}", incident_id=_INCIDENT.incident_id)
    redis.set(placeholders_key(_INCIDENT.incident_id), base64.b64encode(sealed))


def replaced_by_a_list(redis: FakeRedis) -> None:
    redis.delete(placeholders_key(_INCIDENT.incident_id))
    redis.rpush(placeholders_key(_INCIDENT.incident_id), "10.1.2.3")


_UNREADABLE: Final = [
    pytest.param(kept_with_another_key, id="another key"),
    pytest.param(lambda redis: redis.set(placeholders_key(_INCIDENT.incident_id), "ü"), id="no base64"),
    pytest.param(replaced_by_a_list, id="a list"),
]


@pytest.mark.parametrize("damage", _UNREADABLE)
def test_a_map_that_can_not_be_opened_reveals_nothing_and_is_not_audited(
    redis: FakeRedis, damage: Callable[[FakeRedis], object]
) -> None:
    """Its control is the map above, which opens: it is revealed, and written down."""
    damage(redis)
    with pytest.raises(ConfigurationError, match=r"Nothing is revealed: none of the keys .* FIRSTLINE_REDACTION_KEYS"):
        shown(redis, why="to reach it by hand")
    assert redis.xlen(AUDIT_STREAM) == 0
    assert "10.1.2" not in _as_text(shown(redis))


def test_an_incident_triaged_without_a_key_is_not_revealed_from_numbers_of_its_alert(redis: FakeRedis) -> None:
    redis.delete(placeholders_key(_INCIDENT.incident_id))
    with pytest.raises(ConfigurationError, match=r"nothing is kept of what they stand for.* FIRSTLINE_REDACTION_KEYS"):
        shown(redis, why="to reach it by hand")
    assert redis.xlen(AUDIT_STREAM) == 0
    as_it_was = Placeholders()
    Masker(_DETECTOR, as_it_was).masked(_INCIDENT.text)
    assert revealed_model(_STEP, as_it_was).reply.text.startswith("10.1.2.9 is down"), "the machine that is well"


def test_an_incident_without_numbers_shows_its_alerts_own_values() -> None:
    redis = filled(FakeRedis(decode_responses=True), _STEP.model_copy(update={"reply": ModelReply(text="nothing yet")}))
    redis.delete(placeholders_key(_INCIDENT.incident_id))
    told = _as_text(shown(redis, why="to reach it by hand"))
    assert "10.1.2.9 and 10.1.2.3 refuse password=[PASSWORD]" in told
    assert redis.xlen(AUDIT_STREAM) == 1


@pytest.mark.parametrize("key", [None, b"x" * 32])
@pytest.mark.parametrize("is_kept", [True, False])
def test_who_can_not_read_the_map_is_shown_no_number_that_means_another_machine(
    redis: FakeRedis, key: bytes | None, *, is_kept: bool
) -> None:
    if not is_kept:
        redis.delete(placeholders_key(_INCIDENT.incident_id))
    entry = shown(redis, key=key)
    assert entry.steps[0].reply.text.startswith("[IP_ADDRESS_1] is down")
    assert "[IP_ADDRESS_" in entry.incident.text
    assert "[IP_ADDRESS_1]" not in entry.incident.text
    from_one = Masker(_DETECTOR, Placeholders()).masked(_INCIDENT.text)
    assert from_one.startswith("[IP_ADDRESS_1]"), "the journal's other machine, where nobody numbers on"


def test_the_alert_of_an_incident_that_has_a_result_is_shown_as_its_card_has_it_without_a_key_too(
    redis: FakeRedis,
) -> None:
    """Its control is the test above: without a result no number of the journal is given to the alert."""
    placeholders = Placeholders()
    text = Masker(_DETECTOR, placeholders).masked(_INCIDENT.text)
    result = result_of(_INCIDENT.model_copy(update={"text": text, "labels": {}}), summary="[IP_ADDRESS_2] is down")
    redis.hset(incident_key(_INCIDENT.incident_id), "result", result.model_dump_json())
    told = shown(redis, key=None).incident
    assert told.text == "[IP_ADDRESS_1] and [IP_ADDRESS_2] refuse password=[PASSWORD]"


@pytest.mark.parametrize("told_last", ["step", "result"])
def test_a_number_that_the_map_does_not_hold_is_not_given_to_an_alert(told_last: str) -> None:
    """A worker with another key has told it."""
    told = f"[IP_ADDRESS_{2 if told_last == 'step' else 3}] is down"
    redis = filled(FakeRedis(decode_responses=True), _STEP.model_copy(update={"reply": ModelReply(text=told)}))
    if told_last == "result":
        result = result_of(_INCIDENT, summary="[IP_ADDRESS_4] is down")
        redis.hset(incident_key(_INCIDENT.incident_id), "result", result.model_dump_json())
    entry = shown(redis, why="to reach it by hand")
    assert entry.steps[0].reply.text == told
    assert entry.incident.text.startswith("10.1.2.9 and 10.1.2.3 refuse")


@pytest.mark.parametrize("printed", [_as_text, _as_json])
@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_secret_sealed_inside_of_a_name_is_not_revealed(printed: Any, *, is_guarded: bool) -> None:
    call = ToolCall(call_id="1", name="escalate", arguments='{"summary": "[USER_1]"}')
    redis = filled(
        FakeRedis(decode_responses=True),
        _STEP.model_copy(update={"reply": ModelReply(text="[USER_1] of [IP_ADDRESS_1]", tool_calls=(call,))}),
    )
    keep(redis, {"[USER_1]": "anna password=hunter2zeta", "[IP_ADDRESS_1]": "10.1.2.3"})
    entry = entry_to_show(
        redis,
        _INCIDENT.incident_id,
        vault=store(redis),
        detector=_DETECTOR,
        reveal_why="to reach it by hand",
        **({} if is_guarded else {"gate": stateless_masker(FindsNothing())}),
    )
    told = printed(entry)
    assert ("hunter2zeta" in told) is not is_guarded
    assert "anna password=" in told
    assert "10.1.2.3" in told


def test_what_an_alert_writes_in_a_placeholders_form_is_not_revealed(redis: FakeRedis) -> None:
    imitation = "[IP_ADDRESS_1]"
    said = {"text": imitation, "group": imitation, "labels": {imitation: imitation}}
    stored = _INCIDENT.model_copy(update=said).model_dump_json()
    redis.hset(incident_key(_INCIDENT.incident_id), "incident", stored)
    shown_again = shown(redis, why="to reach it by hand")
    assert "10.1.2.3" not in shown_again.incident.model_dump_json()
    assert "10.1.2.3" in shown_again.steps[0].reply.text


def test_what_can_not_be_masked_is_not_shown(redis: FakeRedis) -> None:
    try:
        told = _as_json(entry_to_show(redis, _INCIDENT.incident_id, vault=None, detector=Broken(), reveal_why=None))
    except FirstlineError as error:
        told = str(error)
        assert "is not shown" in told
    else:
        assert WITHHELD in told
    assert "hunter2" not in told


def test_an_unknown_incident_is_said_to_be_one(redis: FakeRedis) -> None:
    with pytest.raises(FirstlineError, match="has no incident"):
        entry_to_show(redis, "inc-nothing", vault=store(redis), detector=_DETECTOR, reveal_why="why")
    assert redis.xlen(AUDIT_STREAM) == 0
