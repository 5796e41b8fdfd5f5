"""Placeholders over claims: the next claim tells the same machines by the same names, with the key and without it."""

import base64
import os
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.redaction.canaries import CanaryDetector
from tests.redis_servers import let_time_pass, redis_fixture, valkey_fixture
from tests.registry.entries import accept, published, result_of, step
from worker.contract.queue import journal_key, placeholders_key
from worker.errors import StaleClaim
from worker.redaction import Kind, Placeholders
from worker.redaction.sealing import Sealer
from worker.registry import Registry
from worker.registry.claim import Claim
from worker.registry.dead_letters import DeadLetters
from worker.registry.placeholder_store import PlaceholderStore

__all__ = ["redis_fixture", "valkey_fixture"]

_HERE, _THERE, _SECRET = "canary-here", "canary-there", "canary-secret"
_DETECTOR: Final = CanaryDetector({_HERE: Kind.HOST, _THERE: Kind.HOST, _SECRET: Kind.PASSWORD})
_KEY: Final = b"k" * 32


class Desk:
    """Registries on one Redis, a new one for each claim, as another worker's would be."""

    def __init__(self, redis: Redis) -> None:
        self.redis: Any = redis
        self.opened: list[Registry] = []

    def registry(self, key: bytes | None = _KEY) -> Registry:
        store = PlaceholderStore(self.redis, Sealer([key], random_bytes=os.urandom)) if key else None
        number = len(self.opened) + 1
        options: Any = {"detector": _DETECTOR, "placeholder_store": store, "pause": lambda _: None}
        self.opened.append(Registry(self.redis, worker=f"w{number}", **options))
        return self.opened[-1]

    def journals_and_dies(self, incident_id: str, *values: str, key: bytes | None = _KEY) -> str:
        """Tell of values in a step, and end without a result; return what was told."""
        with self.registry(key).claim(incident_id) as claim:
            assert claim is not None
            return tells(claim, *values)


def tells(claim: Claim, *values: str) -> str:
    told = claim.redaction.masker.masked(" ".join(values))
    claim.record(step(len(claim.steps) + 1, told))
    return told


@pytest.fixture
def desk(redis: Redis) -> Iterator[Desk]:
    desk = Desk(redis)
    yield desk
    for registry in desk.opened:
        registry.close()


def test_the_claim_that_takes_over_names_the_same_value_the_same(desk: Desk) -> None:
    incident_id = accept(desk.redis).incident_id
    assert desk.journals_and_dies(incident_id, _HERE, _SECRET) == "[HOST_1] [PASSWORD]"
    assert desk.journals_and_dies(incident_id, _THERE, _HERE) == "[HOST_2] [HOST_1]"


def test_a_lease_that_ran_out_hands_the_names_on_too_and_its_claim_overwrites_nothing(desk: Desk) -> None:
    incident_id = accept(desk.redis).incident_id
    with desk.registry().claim(incident_id) as first:
        assert first is not None
        tells(first, _HERE)
        let_time_pass(desk.redis, 31)
        assert desk.journals_and_dies(incident_id, _HERE) == "[HOST_1]"
        kept = desk.redis.get(placeholders_key(incident_id))
        with pytest.raises(StaleClaim):
            tells(first, _THERE)
    assert desk.redis.get(placeholders_key(incident_id)) == kept
    assert desk.redis.llen(journal_key(incident_id)) == 2


@pytest.mark.parametrize("key", [None, b"x" * 32])
def test_where_nothing_can_be_read_back_no_number_is_given_twice(desk: Desk, key: bytes | None) -> None:
    incident_id = accept(desk.redis).incident_id
    assert desk.journals_and_dies(incident_id, _HERE, key=key and _KEY) == "[HOST_1]"
    kept = desk.redis.get(placeholders_key(incident_id))
    other = desk.journals_and_dies(incident_id, _THERE, key=key)
    assert other == "[HOST_2]" if key is None else other not in {"[HOST_1]", _THERE}
    assert desk.redis.get(placeholders_key(incident_id)) == kept, "what only the other key opens must stay"
    assert desk.journals_and_dies(incident_id, _SECRET, _HERE, key=_KEY) == "[PASSWORD] [HOST_1]" or key is None


@pytest.mark.parametrize("key", [None, b"x" * 32])
def test_a_number_that_was_kept_and_never_told_is_not_given_again_by_who_can_not_open_it(
    desk: Desk, key: bytes | None
) -> None:
    """Else who reveals would be shown another machine. A log is masked whole, and a few of its lines are told."""
    incident_id = accept(desk.redis).incident_id
    with desk.registry().claim(incident_id) as claim:
        assert claim is not None
        claim.redaction.masker.masked(_THERE)
        tells(claim)
    told = desk.journals_and_dies(incident_id, _HERE, key=key)
    kept = PlaceholderStore(desk.redis, Sealer([_KEY], random_bytes=os.urandom)).values_of(incident_id)
    assert kept == {"[HOST_1]": _THERE}
    assert told not in kept


@pytest.mark.parametrize("key", [None, _KEY])
@pytest.mark.parametrize("damaged", ["ü", ["a list"]])
def test_a_damaged_map_makes_no_incident_unreadable(desk: Desk, key: bytes | None, damaged: str | list[str]) -> None:
    incident_id = accept(desk.redis).incident_id
    desk.journals_and_dies(incident_id, _HERE)
    desk.redis.delete(placeholders_key(incident_id))
    if isinstance(damaged, str):
        desk.redis.set(placeholders_key(incident_id), damaged)
    else:
        desk.redis.rpush(placeholders_key(incident_id), *damaged)
    assert desk.journals_and_dies(incident_id, _THERE, key=key) == "[HOST_2]"


def test_an_outage_while_placeholders_are_kept_is_waited_for_as_long_as_the_lease_lives(desk: Desk) -> None:
    incident_id = accept(desk.redis).incident_id
    with desk.registry().claim(incident_id) as claim:
        assert claim is not None
        claim.redaction.store = away = Away(desk.redis, outages=3)
        assert tells(claim, _HERE) == "[HOST_1]"
        assert away.outages == 0
        claim.redaction.store = Away(desk.redis, outages=10**6)
        claim.monotonic = iter(range(0, 10**6, 5)).__next__
        with pytest.raises(StaleClaim):
            tells(claim, _THERE)
    assert desk.redis.llen(journal_key(incident_id)) == 1


def test_another_incident_numbers_its_own(desk: Desk) -> None:
    one, other = accept(desk.redis).incident_id, accept(desk.redis, "another is slow").incident_id
    assert desk.journals_and_dies(one, _HERE) == "[HOST_1]"
    assert desk.journals_and_dies(other, _THERE) == "[HOST_1]"


def test_nothing_is_kept_in_the_clear(desk: Desk) -> None:
    incident_id = accept(desk.redis).incident_id
    desk.journals_and_dies(incident_id, _HERE, _SECRET)
    stored = " ".join(str(desk.redis.dump(key)) for key in desk.redis.scan_iter())
    assert "canary" not in stored
    highest, sealed = desk.redis.get(placeholders_key(incident_id)).split(".")
    assert highest == "1"
    assert b"canary" not in base64.b64decode(sealed, validate=True)


def test_what_is_kept_expires_with_its_incident_when_it_is_finished(desk: Desk) -> None:
    incident = accept(desk.redis)
    with desk.registry().claim(incident.incident_id) as claim:
        assert claim is not None
        tells(claim, _HERE)
        assert desk.redis.pttl(placeholders_key(incident.incident_id)) == -1
        claim.finish(result_of(incident))
    assert 0 < desk.redis.pttl(placeholders_key(incident.incident_id)) <= 7 * 24 * 3_600_000


def test_what_is_kept_expires_with_its_incident_when_it_is_buried(desk: Desk) -> None:
    incident_id = accept(desk.redis).incident_id
    desk.journals_and_dies(incident_id, _HERE)
    DeadLetters(desk.redis).bury_entry(incident_id, why="nobody can read it")
    assert desk.redis.pttl(placeholders_key(incident_id)) != -1


@pytest.mark.parametrize("ending", ["record", "finish"])
def test_nothing_is_written_whose_placeholders_could_not_be_kept(desk: Desk, ending: str) -> None:
    """A claim that is over keeps nothing; so it writes nothing either, and says that it is over."""
    incident = accept(desk.redis)
    with desk.registry().claim(incident.incident_id) as claim:
        assert claim is not None
        claim.redaction.store = Refusing(desk.redis)
        told = claim.redaction.masker.masked(_HERE)
        writes: dict[str, Callable[[], object]] = {
            "record": lambda: claim.record(step(1, told)),
            "finish": lambda: claim.finish(result_of(incident, summary=told)),
        }
        with pytest.raises(StaleClaim):
            writes[ending]()
    assert desk.redis.llen(journal_key(incident.incident_id)) == 0
    assert published(desk.redis) == []


class Away(PlaceholderStore):
    """A store whose Redis is away for some tries."""

    def __init__(self, redis: Redis, *, outages: int) -> None:
        super().__init__(redis, Sealer([_KEY], random_bytes=os.urandom))
        self.outages = outages

    def save(self, incident_id: str, placeholders: Placeholders, *, claim: str) -> bool:
        if self.outages:
            self.outages -= 1
            raise RedisConnectionError("away")
        return super().save(incident_id, placeholders, claim=claim)


class Refusing(PlaceholderStore):
    """A store that keeps nothing."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, Sealer([_KEY], random_bytes=os.urandom))

    def save(self, incident_id: str, placeholders: object, *, claim: str) -> bool:
        return False
