"""One incident on a terminal: masked as its journal is; revealed to a person who said why, and written down first."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from fakeredis import FakeRedis
from redis.exceptions import ConnectionError as RedisConnectionError

from producers import take_in
from tests.fakes import an_incident
from worker.cli.failures import Unconfirmed
from worker.cli.show import _as_json, _as_text
from worker.cli.shown import entry_to_show
from worker.contract.queue import AUDIT_STREAM, journal_key
from worker.contract.transcript import ModelReply, Step
from worker.errors import ConfigurationError, FirstlineError
from worker.redaction import WITHHELD, Finding, Kind, PatternDetector, RedactionRules
from worker.registry.view import RegistryEntry

_DETECTOR: Final = PatternDetector(RedactionRules())
_INCIDENT: Final = an_incident().model_copy(
    update={
        "text": "10.1.2.9 and 10.1.2.3 refuse password=hunter2",
        "labels": {"instance": "10.1.2.3:9100", "db_password": "hunter2"},
    }
)
_STEP: Final = Step(number=1, model="rules", reply=ModelReply(text="[IP_ADDRESS_1] is down, password=[PASSWORD]"))


class Kept:
    """A vault in which the first address of the journal is known."""

    def values_of(self, incident_id: str) -> Mapping[str, str]:
        return {"[IP_ADDRESS_1]": "10.1.2.3"} if incident_id == _INCIDENT.incident_id else {}


class Refusing(FakeRedis):
    """A Redis that goes away before anything is written down."""

    def xadd(self, *_: Any, **__: Any) -> Any:
        raise RedisConnectionError("gone")


class Broken:
    def find(self, text: str) -> Sequence[Finding]:
        raise RuntimeError(text)

    def kind_named(self, name: str) -> Kind | None:
        raise RuntimeError(name)


def filled(redis: FakeRedis) -> FakeRedis:
    list(take_in(redis, [_INCIDENT]))
    redis.rpush(journal_key(_INCIDENT.incident_id), _STEP.model_dump_json())
    return redis


@pytest.fixture
def redis() -> FakeRedis:
    return filled(FakeRedis(decode_responses=True))


def shown(redis: FakeRedis, *, why: str | None = None, is_kept: bool = True) -> RegistryEntry:
    vault = Kept() if is_kept else None
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
    with pytest.raises(Unconfirmed, match="Nothing is revealed"):
        shown(filled(Refusing(decode_responses=True)), why="to reach it by hand")


def test_without_a_key_nothing_is_revealed_and_the_remedy_is_told(redis: FakeRedis) -> None:
    with pytest.raises(ConfigurationError, match="set FIRSTLINE_REDACTION_KEYS"):
        shown(redis, why="to reach it by hand", is_kept=False)
    assert redis.xlen(AUDIT_STREAM) == 0
    assert "10.1.2" not in _as_text(shown(redis, is_kept=False))


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
        entry_to_show(redis, "inc-nothing", vault=Kept(), detector=_DETECTOR, reveal_why="why")
    assert redis.xlen(AUDIT_STREAM) == 0
