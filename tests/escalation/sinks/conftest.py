"""What every test of a sink needs: a client that is closed again, and all systems behind one address."""

from collections.abc import Iterator

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.escalation.sinks.stand_ins import Systems, systems_at
from worker.escalation.sinks.clients import posting_client


@pytest.fixture(scope="session")
def client() -> Iterator[httpx2.Client]:
    with posting_client() as made:
        yield made


@pytest.fixture
def systems(httpserver: HTTPServer) -> Systems:
    return systems_at(httpserver)
