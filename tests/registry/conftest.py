"""Fixtures of the registry's tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from tests.redis_servers import redis_fixture, valkey_fixture
from tests.registry.entries import accept
from worker.contract.incident import Incident
from worker.registry import Registry

__all__ = ["redis_fixture", "valkey_fixture"]


@pytest.fixture
def accepted(redis: Redis) -> Incident:
    return accept(redis)


@pytest.fixture
def registry_of() -> Iterator[Callable[..., Registry]]:
    """Make registries that are closed after the test: `registry_of(redis, worker="w2")`."""
    made: list[Registry] = []

    def make(redis: Redis, *, worker: str = "w1", **options: Any) -> Registry:
        made.append(Registry(redis, worker=worker, **options))
        return made[-1]

    yield make
    for registry in made:
        registry.close()
