"""The store of placeholders: sealed in Redis, found again by the next claim, never overwritten by one that is over."""

import base64
import os
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from tests.redis_servers import redis_fixture, valkey_fixture
from worker.contract.queue import incident_key, placeholders_key
from worker.redaction import Kind, Placeholders
from worker.redaction.sealing import CannotOpenError, Sealer
from worker.registry.placeholder_store import PlaceholderStore, most_kept

__all__ = ["redis_fixture", "valkey_fixture"]


def _store(redis: Redis, key: bytes = b"k" * 32) -> PlaceholderStore:
    return PlaceholderStore(redis, Sealer([key], random_bytes=os.urandom))


def _claimed(redis: Redis, *, epoch: int, incident_id: str = "one") -> str:
    redis.hset(incident_key(incident_id), mapping={"epoch": epoch, "state": "CLAIMED", "accepted_at": 7})
    return f"{epoch}@7"


def test_the_next_claim_goes_on_with_the_same_placeholders(redis: Redis) -> None:
    first = Placeholders()
    first.tell(first.of(Kind.IP_ADDRESS, "10.2.3.4"))
    assert _store(redis).save("one", first, claim=_claimed(redis, epoch=1))
    found = _store(redis).find("one")
    assert found is not None
    assert found.of(Kind.IP_ADDRESS, "10.2.3.4") == "[IP_ADDRESS_1]"
    assert found.of(Kind.IP_ADDRESS, "10.2.3.5") == "[IP_ADDRESS_2]"
    assert _store(redis).find("two") is None


def test_no_number_that_was_given_is_above_what_is_known_without_the_key(redis: Redis) -> None:
    placeholders = Placeholders()
    for number in range(300):
        shown = placeholders.of(Kind.IP_ADDRESS, f"10.2.3.{number}")
    placeholders.tell(shown)
    assert _store(redis).save("one", placeholders, claim=_claimed(redis, epoch=1))
    assert (shown, most_kept(redis, "one")) == ("[IP_ADDRESS_300]", 300)


def test_what_is_kept_cannot_be_read_without_the_key(redis: Redis) -> None:
    _store(redis).save("one", Placeholders({"[IP_ADDRESS_1]": "10.2.3.4"}), claim=_claimed(redis, epoch=1))
    assert "10.2.3.4" not in str(redis.get(placeholders_key("one")))
    for store in (_store(redis, b"x" * 32), _store_of_changed(redis)):
        assert store.values_of("one") == {}
        with pytest.raises(CannotOpenError):
            store.find("one")


def _store_of_changed(redis: Redis) -> PlaceholderStore:
    redis.set(placeholders_key("one"), "no base64")
    return _store(redis)


def test_a_claim_that_is_over_overwrites_nothing(redis: Redis) -> None:
    old, new = _claimed(redis, epoch=1), _claimed(redis, epoch=2)
    assert _store(redis).save("one", Placeholders({"[IP_ADDRESS_1]": "10.2.3.4"}), claim=new)
    assert not _store(redis).save("one", Placeholders({"[IP_ADDRESS_1]": "10.9.9.9"}), claim=old)
    found = _store(redis).find("one")
    assert found is not None
    assert found.values == {"[IP_ADDRESS_1]": "10.2.3.4"}


def _sealed(content: bytes, *, incident_id: str = "one") -> str:
    sealer = Sealer([b"k" * 32], random_bytes=os.urandom)
    return base64.b64encode(sealer.sealed(content, incident_id=incident_id)).decode()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda redis, key: redis.set(key, "ü"), id="no base64"),
        pytest.param(lambda redis, key: redis.set(key, b"\xff\xfe"), id="no text"),
        pytest.param(lambda redis, key: redis.rpush(key, "10.2.3.4"), id="a list"),
        pytest.param(lambda redis, key: redis.set(key, _sealed(b"[1]")), id="no map"),
        pytest.param(lambda redis, key: redis.set(key, _sealed(b'{"IP": "10.2.3.4"}')), id="no placeholder"),
        pytest.param(lambda redis, key: redis.set(key, _sealed(b"{}", incident_id="two")), id="another incident's"),
    ],
)
def test_what_stands_in_place_of_a_map_can_not_be_opened(redis: Redis, damage: Callable[[Redis, str], Any]) -> None:
    damage(redis, placeholders_key("one"))
    with pytest.raises(CannotOpenError, match="incident one"):
        _store(redis).find("one")
    assert _store(redis).values_of("one") == {}
    assert most_kept(redis, "one") >= 0


class _Refusing:
    """A Redis that lets nobody read, which says nothing about what is kept."""

    def get(self, _: str) -> str:
        raise ResponseError("NOPERM no permissions")

    def getrange(self, key: str, start: int, end: int) -> str:
        return self.get(key)

    def register_script(self, _: str) -> None: ...


def test_a_redis_that_refuses_is_not_taken_for_a_damaged_map() -> None:
    redis: Any = _Refusing()
    with pytest.raises(ResponseError):
        _store(redis).find("one")
    with pytest.raises(ResponseError):
        most_kept(redis, "one")
