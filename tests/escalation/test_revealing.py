"""A trusted sink sees addresses again and never a secret; and no result waits for a map."""

import base64
import io
import os
from collections.abc import Callable, Mapping, Sequence

import pytest
from fakeredis import FakeRedis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.escalation.builders import NOW, incident, result
from worker.contract import TriageResult
from worker.contract.handling import Action, Handled
from worker.contract.incident import TEXT_LIMIT_BYTES
from worker.contract.queue import placeholders_key
from worker.errors import ConfigurationError, ContractError
from worker.escalation import ConsoleNotifier, JsonNotifier
from worker.escalation.revealing import RevealingNotifier, SecretFreeNotifier, Vault, gated, gated_follower
from worker.ports import Notifier
from worker.redaction import Finding, Kind, stateless_masker
from worker.redaction.sealing import Sealer
from worker.registry.audit import AuditLog
from worker.registry.placeholder_store import PlaceholderStore

_SAID = "[IP_ADDRESS_1] refuses password=[PASSWORD]"


class Kept:
    """A vault with one map, or one that fails."""

    def __init__(self, values: Mapping[str, str], error: Exception | None = None) -> None:
        self._values = values
        self._error = error
        self.noted: list[tuple[str, str]] = []
        self.unwritten: Exception | None = None

    def values_of(self, incident_id: str) -> Mapping[str, str]:
        if self._error is not None:
            raise self._error
        return self._values

    def note_reveal(self, incident_id: str, *, sink: str, digest: str) -> None:
        if self.unwritten is not None:
            raise self.unwritten
        self.noted.append((incident_id, sink))


def delivered(kind: type[ConsoleNotifier] | type[JsonNotifier], vault: Vault | None) -> str:
    pipe = io.StringIO()
    bare: Notifier = kind(pipe)
    notifier: Notifier = bare if vault is None else RevealingNotifier(bare, vault, "json")
    notifier.deliver(result(incident=incident(text=_SAID), summary=f"{_SAID} [E1]"))
    return pipe.getvalue()


@pytest.mark.parametrize("kind", [ConsoleNotifier, JsonNotifier])
def test_a_trusted_sink_sees_addresses_again_and_never_a_secret(
    kind: type[ConsoleNotifier] | type[JsonNotifier],
) -> None:
    told = delivered(kind, Kept({"[IP_ADDRESS_1]": "10.1.2.3"}))
    assert "10.1.2.3 refuses password=[PASSWORD]" in told
    assert "IP_ADDRESS" not in told


@pytest.mark.parametrize("kind", [ConsoleNotifier, JsonNotifier])
def test_any_other_sink_gets_the_masked_result(kind: type[ConsoleNotifier] | type[JsonNotifier]) -> None:
    assert _SAID in delivered(kind, None)


@pytest.mark.parametrize(
    "vault",
    [
        Kept({}),
        Kept({}, RedisConnectionError("gone")),
        Kept({}, ConfigurationError("no key")),
        Kept({"[IP_ADDRESS_1]": "x" * TEXT_LIMIT_BYTES}),
        Kept({"no placeholder": "10.1.2.3"}),
    ],
)
def test_no_result_waits_for_a_map(vault: Vault) -> None:
    assert _SAID in delivered(JsonNotifier, vault)


def _put(redis: FakeRedis, *, key: bytes = b"k" * 32, incident_id: str | None = None) -> None:
    here = incident().incident_id
    sealed = Sealer([key], random_bytes=os.urandom).sealed(
        b'{"[IP_ADDRESS_1]": "10.1.2.3"}', incident_id=incident_id or here
    )
    redis.set(placeholders_key(here), base64.b64encode(sealed))


@pytest.mark.parametrize(
    ("put", "is_its_own"),
    [
        pytest.param(_put, True, id="its own"),
        pytest.param(lambda redis: _put(redis, key=b"x" * 32), False, id="another key's"),
        pytest.param(lambda redis: _put(redis, incident_id="inc-another"), False, id="another incident's"),
        pytest.param(lambda redis: redis.rpush(placeholders_key(incident().incident_id), "x"), False, id="a list"),
        pytest.param(lambda redis: redis.set(placeholders_key(incident().incident_id), "ü"), False, id="no base64"),
    ],
)
def test_a_trusted_sink_sees_the_addresses_of_the_incidents_own_map_alone(
    put: Callable[[FakeRedis], object], *, is_its_own: bool
) -> None:
    redis = FakeRedis(decode_responses=True)
    put(redis)
    told = delivered(JsonNotifier, PlaceholderStore(redis, Sealer([b"k" * 32], random_bytes=os.urandom)))
    assert ("10.1.2.3" in told) is is_its_own
    assert (_SAID in told) is not is_its_own


def test_what_a_trusted_sink_is_shown_is_in_the_audit_first_and_once() -> None:
    redis = FakeRedis(decode_responses=True)
    _put(redis)
    store = PlaceholderStore(redis, Sealer([b"k" * 32], random_bytes=os.urandom))
    for _ in range(2):
        assert "10.1.2.3" in delivered(JsonNotifier, store)
    [(_, fields)] = list(AuditLog(redis).entries())
    assert (fields["action"], fields["incident_id"]) == ("reveal", incident().incident_id)
    assert fields["entry_id"].startswith("reveal:json:")


@pytest.mark.parametrize("unwritten", [RedisConnectionError("gone"), ConfigurationError("too many write"), None])
def test_what_the_audit_could_not_be_told_of_is_delivered_masked(unwritten: Exception | None) -> None:
    vault = Kept({"[IP_ADDRESS_1]": "10.1.2.3"})
    vault.unwritten = unwritten
    assert ("10.1.2.3" in delivered(JsonNotifier, vault)) is (unwritten is None)
    assert (vault.noted == [(incident().incident_id, "json")]) is (unwritten is None)


@pytest.mark.parametrize("is_guarded", [True, False])
def test_a_secret_that_got_onto_the_stream_is_stopped_at_the_last_gate(*, is_guarded: bool) -> None:
    pipe = io.StringIO()
    bare: Notifier = JsonNotifier(pipe)
    told = result(incident=incident(text="10.1.2.3 refuses password=hunter2"))
    (SecretFreeNotifier(bare) if is_guarded else bare).deliver(told)
    assert ("hunter2" in pipe.getvalue()) is not is_guarded
    assert "10.1.2.3" in pipe.getvalue()


class Broken:
    def find(self, text: str) -> Sequence[Finding]:
        raise RuntimeError(text)

    def kind_named(self, name: str) -> Kind | None:
        raise RuntimeError(name)


def test_what_can_not_be_looked_at_is_not_delivered() -> None:
    pipe = io.StringIO()
    with pytest.raises(ContractError, match="must not leave"):
        SecretFreeNotifier(JsonNotifier(pipe), stateless_masker(Broken())).deliver(result())
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    ("is_trusted", "vault", "is_revealed"),
    [
        (True, Kept({"[IP_ADDRESS_1]": "10.1.2.3"}), True),
        (False, Kept({"[IP_ADDRESS_1]": "10.1.2.3"}), False),
        (True, None, False),
    ],
)
def test_only_a_trusted_sink_sees_addresses_and_only_with_a_key(
    vault: Vault | None, *, is_trusted: bool, is_revealed: bool
) -> None:
    pipe = io.StringIO()
    told = result(incident=incident(text=f"{_SAID}, password=hunter2"))
    gated(JsonNotifier(pipe), "json", is_trusted=is_trusted, vault=vault).deliver(told)
    assert ("10.1.2.3" in pipe.getvalue()) is is_revealed
    assert "hunter2" not in pipe.getvalue()


class Followed:
    """A follower that keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[TriageResult, Handled]] = []

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        self.shown.append((result, handled))
        return True


@pytest.mark.parametrize("is_trusted", [True, False])
def test_what_engineers_did_is_shown_without_the_secrets_that_they_wrote(*, is_trusted: bool) -> None:
    followed = Followed()
    gate = gated_follower(followed, "web", is_trusted=is_trusted, vault=Kept({"[IP_ADDRESS_1]": "10.1.2.3"}))
    note = Handled(at=NOW, person="ann", action=Action.NOTE, words="the password=hunter2 was wrong")
    gate.follow(result(incident=incident(text=_SAID)), note)
    [(shown, handled)] = followed.shown
    assert handled.words == "the password=[PASSWORD] was wrong"
    assert ("10.1.2.3" in shown.incident.text) is is_trusted
