"""A webhook in this process, on a free port of loopback, for tests that speak HTTP to it."""

import asyncio
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import httpx2

from producers.door import Door
from producers.intake import Answer, IntakeUnavailable, Verdict
from producers.intake_file import SOURCES, Signature
from producers.sources.field_map import FieldMap
from producers.sources.parsers import PARSERS
from producers.webhook import Credentials, Desk, Limits, serve
from producers.webhook.credentials import Lock, Secret
from worker.contract import Alert

__all__ = ["NOW", "SIGNING_SECRET", "TOKEN", "UNHURRIED", "ScriptedDoor", "Webhook", "locks_of_tests", "open_webhook"]

TOKEN: Final = "0123456789abcdef-of-all"
SIGNING_SECRET: Final = b"0123456789abcdef-signing"
UNHURRIED: Final = Limits(requests_per_second=10_000)
NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loading the system's certificates takes longer than a test."""


def locks_of_tests() -> Mapping[str, Lock]:
    """One token for every source, a second one of Zabbix, and the three signatures."""
    common = Secret("COMMON", TOKEN.encode())
    secrets = (Secret("OLD", b"0123456789abcdef-retired"), Secret("SIGNING", SIGNING_SECRET))
    locks = {source: Lock(tokens=(common,)) for source in SOURCES}
    locks["zabbix"] = Lock(tokens=(Secret("ZABBIX_NEXT", b"0123456789abcdef-of-zabbix"), common))
    for source, kind in (("pagerduty", "pagerduty"), ("grafana", "grafana"), ("plain", "firstline")):
        locks[source] = Lock(tokens=(common,), signature=Signature(kind), signing_secrets=secrets)
    return locks


@dataclass
class ScriptedDoor:
    """A door that accepts everything, or answers as it is told; it keeps what it was offered."""

    answer: Answer = Answer.ACCEPTED
    is_away: bool = False
    why_unready: str | None = None
    offered: list[Alert] = field(default_factory=list)

    def take_in(self, alerts: Sequence[Alert]) -> list[Verdict]:
        if self.is_away:
            raise IntakeUnavailable("Redis at secret-host cannot be reached")
        self.offered.extend(alerts)
        return [Verdict(alert.incident_id, self.answer) for alert in alerts]

    def unready(self) -> str | None:
        return self.why_unready


@dataclass
class Webhook:
    """A running webhook: where it is, and a client that proves nothing."""

    port: int
    client: httpx2.Client

    def post(
        self,
        path: str,
        *,
        content: bytes | None = None,
        json: object = None,
        authorization: str | bytes = f"Bearer {TOKEN}",
        **headers: str,
    ) -> httpx2.Response:
        """Post with the token of all sources, unless `authorization` is another or ''; ``_`` stands for ``-``."""
        named = {name.replace("_", "-").encode(): text.encode() for name, text in headers.items()}
        if authorization:
            named[b"authorization"] = authorization.encode() if isinstance(authorization, str) else authorization
        if content is not None:
            return self.client.post(path, content=content, headers=named)
        return self.client.post(path, json=json, headers=named)


@contextmanager
def open_webhook(
    door: Door,
    *,
    limits: Limits = UNHURRIED,
    locks: Mapping[str, Lock] | None = None,
    is_insecure: bool = False,
) -> Iterator[Webhook]:
    """Serve on a thread of its own until the end of the block."""
    loop = asyncio.new_event_loop()
    stop, started = asyncio.Event(), threading.Event()
    ports: list[int] = []

    async def run() -> None:
        credentials = Credentials(None if is_insecure else locks or locks_of_tests())
        desk = Desk(door, PARSERS, credentials, limits=limits, fields=FieldMap(), now=lambda: NOW)
        async with serve(desk, "127.0.0.1", 0, limits) as port:
            ports.append(port)
            started.set()
            await stop.wait()

    def run_loop() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=run_loop, name="webhook")
    thread.start()
    try:
        assert started.wait(10)
        with httpx2.Client(base_url=f"http://127.0.0.1:{ports[0]}", timeout=10, verify=_NO_TLS) as client:
            yield Webhook(ports[0], client)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        assert not thread.is_alive()
