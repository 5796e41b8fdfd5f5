"""A webhook in this process, on a free port of loopback, for tests that speak HTTP to it."""

import asyncio
import hashlib
import hmac
import socket
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

__all__ = [
    "ALERT_BODY",
    "HEAD",
    "NOW",
    "PATIENCE_SECONDS",
    "SIGNING_SECRET",
    "TOKEN",
    "UNHURRIED",
    "HeldDoor",
    "ScriptedDoor",
    "Webhook",
    "exchange",
    "locks_of_tests",
    "open_webhook",
    "status_of",
    "with_length",
]

TOKEN: Final = "0123456789abcdef-of-all"
SIGNING_SECRET: Final = b"0123456789abcdef-signing"
UNHURRIED: Final = Limits(requests_per_second=10_000)
NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

HEAD: Final = (
    f"POST /v1/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
)
ALERT_BODY: Final = b'{"error_msg": "slow"}'
PATIENCE_SECONDS: Final = 5.0
"""Longer than any limit in these tests: what has not been closed by then is not being closed."""

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
class HeldDoor(ScriptedDoor):
    """A door that answers only when it is let go."""

    is_reached: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)

    def take_in(self, alerts: Sequence[Alert]) -> list[Verdict]:
        self.is_reached.set()
        assert self.may_answer.wait(PATIENCE_SECONDS)
        return super().take_in(alerts)


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

    def post_signed(self, body: bytes, *, seconds: int = int(NOW.timestamp())) -> httpx2.Response:
        """Post plain alerts with the signature of Firstline's own kind, and no token."""
        signature = hmac.new(SIGNING_SECRET, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"x-firstline-signature": f"t={seconds},v1={signature}", "content-type": "application/json"}
        return self.client.post("/v1/alerts", content=body, headers=headers)


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


def exchange(
    webhook: Webhook, sent: bytes, *, patience_seconds: float = PATIENCE_SECONDS, closes_its_half: bool = False
) -> bytes | None:
    """Send, and return all that comes back until the connection is closed; None when it stays open."""
    with socket.create_connection(("127.0.0.1", webhook.port), timeout=patience_seconds) as connection:
        connection.sendall(sent)
        if closes_its_half:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except TimeoutError:
            return None
        except ConnectionResetError:
            pass
        return received


def with_length(length: int, body: bytes = b"") -> bytes:
    return f"{HEAD}Content-Length: {length}\r\n\r\n".encode() + body


def status_of(connection: socket.socket, *, patience_seconds: float = PATIENCE_SECONDS) -> bytes:
    """Return the status that comes within the time, or nothing."""
    connection.settimeout(patience_seconds)
    try:
        return connection.recv(65_536)[9:12]
    except TimeoutError:
        return b""
