"""No secret gets past the door: not in a text, a label or a reason, whatever source sent it; and duplicates stay so."""

import base64
import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest
from fakeredis import FakeRedis

from producers import Answer, parse_stream, parse_text, take_in
from producers.sources.alert import AlertError, Outcome, Reported, alert_of
from producers.sources.parsers import PARSERS
from producers.sources.secret_free import Door
from tests.producers.notifications import NOW, arrival_of
from worker.contract import Incident, Resolution
from worker.contract.incident import TEXT_LIMIT_BYTES
from worker.redaction import SECRETS_MASKER, WITHHELD, Finding, Kind, stateless_masker

_SECRET: Final = "hunter2-of-the-canary"
_FIXTURES: Final = Path(__file__).with_name("fixtures")
_DOCUMENTS: Final = {
    f"{path.parent.name}/{path.stem}": path.read_text(encoding="utf-8")
    for source in PARSERS
    for path in sorted((_FIXTURES / source).glob("*.json"))
}


class Blind:
    """A detector that is off."""

    def find(self, text: str) -> Sequence[Finding]:
        return []

    def kind_named(self, name: str) -> Kind | None:
        return None


class Broken(Blind):
    def find(self, text: str) -> Sequence[Finding]:
        raise RuntimeError(text)


def planted(value: Any, name: str = "") -> Any:
    """Return a document with the secret in each of its sentences, and under a secret's name in each of its objects."""
    match value:
        case dict():
            return {key: planted(item, key) for key, item in value.items()} | {"db_password": _SECRET}
        case list():
            return [planted(item) for item in value]
        case str() if name == "data_base64":
            inside = json.dumps(planted(json.loads(base64.b64decode(value))))
            return base64.b64encode(inside.encode()).decode()
        case str() if value.startswith('{"'):
            return json.dumps(planted(json.loads(value)))
        case str() if " " in value:
            return f"{value} password={_SECRET}"
        case _:
            return value


def dumped(redis: FakeRedis) -> str:
    """Return all that a Redis holds, as text."""
    held: list[object] = []
    for key in redis.keys("*"):
        match redis.type(key):
            case b"string":
                held.append((key, redis.get(key)))
            case b"hash":
                held.append((key, redis.hgetall(key)))
            case b"list":
                held.append((key, redis.lrange(key, 0, -1)))
            case b"zset":
                held.append((key, redis.zrange(key, 0, -1)))
            case kind:
                raise AssertionError(kind)
    return repr(held)


def outcomes_of(name: str) -> list[Outcome]:
    source = name.partition("/")[0]
    return list(PARSERS[source](planted(json.loads(_DOCUMENTS[name])), arrival_of(source)))


def stored(outcomes: Sequence[Outcome]) -> str:
    redis = FakeRedis()
    alerts = [outcome for outcome in outcomes if isinstance(outcome, Incident | Resolution)]
    assert Answer.FULL not in {verdict.answer for verdict in take_in(redis, alerts)}
    return dumped(redis)


@pytest.mark.parametrize("name", _DOCUMENTS)
def test_no_secret_of_any_source_is_stored_or_answered(name: str) -> None:
    outcomes = outcomes_of(name)
    assert outcomes
    assert _SECRET not in repr(outcomes)
    assert _SECRET not in stored(outcomes)


def test_with_the_masker_off_secrets_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SECRETS_MASKER, "_detector", Blind())
    leaking = {name.partition("/")[0] for name in _DOCUMENTS if _SECRET in stored(outcomes_of(name))}
    assert leaking == set(PARSERS)


def plain_alerts() -> Iterator[str]:
    yield f"The db-07 refuses password={_SECRET}"
    yield json.dumps({"server_id": "db-07", "error_msg": f"password={_SECRET}", "labels": {"db_password": _SECRET}})
    yield json.dumps({"server_id": "db-07", "text": "it is slow", "db_password": _SECRET})
    yield json.dumps({"text": "it is slow", "host": f"password={_SECRET}", "service": f"password={_SECRET}"})


@pytest.mark.parametrize("sent", [*plain_alerts()])
def test_no_secret_of_a_plain_alert_is_stored(sent: str) -> None:
    parsed = list(parse_stream(BytesIO(sent.encode()), now=lambda: NOW, unique="u1"))
    assert _SECRET not in stored([one.outcome for one in parsed])


@pytest.mark.parametrize("field", ["timestamp", "server_id"])
def test_no_secret_is_quoted_in_a_rejection(field: str) -> None:
    with pytest.raises(AlertError) as caught:
        parse_text(json.dumps({"text": "x", field: f"a password={_SECRET}"}), received_at=NOW, unique="u1")
    assert "password=[PASSWORD]" in str(caught.value)
    assert _SECRET not in str(caught.value)


def test_a_secret_at_the_cut_is_found_before_the_cut() -> None:
    text = "x" * (TEXT_LIMIT_BYTES - 80) + f" password={_SECRET}" + "y" * 100
    labels = {"note": "x" * 240 + f" password={_SECRET}"}
    alert = alert_of(Reported(text=text, labels=labels), arrival_of("test"))
    assert isinstance(alert, Incident)
    assert _SECRET[:7] not in alert.model_dump_json()
    assert len(alert.text.encode()) <= TEXT_LIMIT_BYTES


def test_what_identifies_an_alert_is_what_was_sent() -> None:
    reported = Reported(text=f"password={_SECRET}", labels={"host": "db-07"}, started_at="2026-11-22T03:00:00Z")
    masked, bare = (
        alert_of(reported, arrival_of("test"), door=door) for door in (Door(), Door(stateless_masker(Blind())))
    )
    other = alert_of(
        Reported(text="password=another", labels=reported.labels, started_at=reported.started_at), arrival_of("test")
    )
    assert masked.text == other.text == "password=[PASSWORD]"
    assert masked.incident_id == bare.incident_id != other.incident_id


def test_addresses_stay_for_the_server_is_found_in_them() -> None:
    alert = parse_text(json.dumps({"text": "10.1.2.3 is down", "host": "10.1.2.3"}), received_at=NOW, unique="u1")
    assert (alert.text, alert.server_id, alert.labels) == ("10.1.2.3 is down", "10.1.2.3", {"host": "10.1.2.3"})


def test_two_groups_that_hold_secrets_stay_two() -> None:
    groups = [Door().group(f"server=password={secret}") for secret in ("one-secret", "two-secret")]
    assert groups[0] != groups[1]
    assert "secret" not in "".join(groups)


def test_an_alert_that_could_not_be_looked_at_is_taken_in_without_its_text() -> None:
    reported = Reported(text=f"password={_SECRET}", labels={"host": "db-07", "note": _SECRET})
    alert = alert_of(reported, arrival_of("test"), door=Door(stateless_masker(Broken())))
    assert isinstance(alert, Incident)
    assert (alert.text, alert.labels, alert.server_id) == (WITHHELD, {WITHHELD: WITHHELD}, None)
    (verdict,) = take_in(FakeRedis(), [alert])
    assert verdict.answer is Answer.ACCEPTED
