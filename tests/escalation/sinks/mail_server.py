"""A real SMTP server on loopback, and one that only says what it is told to."""

import email
import email.policy
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Post:
    """What a mail server does with what it gets; it refuses whom and when it is told to."""

    def __init__(self, *, refuses: str = "", refuses_mail: str = "", refuses_data: str = "") -> None:
        self.mails: list[tuple[EmailMessage, list[str], bool]] = []
        self.contents: list[bytes] = []
        self.refuses = refuses
        self._refuses_mail, self._refuses_data = refuses_mail, refuses_data

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._refuses_mail or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        if not self._refuses_data:
            self.contents.append(envelope.content)
            self.mails.append((parsed, list(envelope.rcpt_tos), session.ssl is not None))
        return self._refuses_data or "250 OK"


@contextmanager
def server(post: Post, **options: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextmanager
def server_that_says(*lines: bytes) -> Iterator[int]:
    """Yield the port of a server that says these lines, one for each that it reads, and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for line in lines:
                    connection.sendall(line)
                    connection.recv(65_536)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(timeout=5)
