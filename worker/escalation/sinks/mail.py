"""E-mail over SMTP: the card as text and as HTML, one mail an incident, its follow-ups in the same thread.

The connection is encrypted unless `security="none"` says otherwise, and certificates are verified. The Message-ID comes
from the incident's id alone: the same result again is a second mail on the wire, which mail systems that know of
duplicates (Gmail, Exchange, Cyrus) show once. `mail_writing` makes what is sent.
"""

import smtplib
import socket
import ssl
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parseaddr
from typing import Final, Literal

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.contract.quoting import one_line
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.sinks.mail_writing import Mail, MailWriter
from worker.escalation.sinks.watching import Watch

__all__ = ["MailSink", "Security"]

Security = Literal["starttls", "tls", "none"]

TIMEOUT_SECONDS: Final = 10.0
TIMES_LONGER: Final = 3
"""What everything may take, against a single answer."""

REMEMBERED_MAILS: Final = 1_000
"""Of so many mails that some recipients were refused it is known whom; a repeat of an older one goes to all."""
_FINAL: Final = 500
"""Where SMTP's replies begin that say that the same again is refused as well."""


class _Watched(smtplib.SMTP):
    """A connection that its watch sees from the server's first word on, and again once it is encrypted."""

    def __init__(self, host: str, port: int, *, watch: Watch, timeout: float) -> None:
        self._watch = watch
        super().__init__(host, port, timeout=timeout)

    def getreply(self) -> tuple[int, bytes]:
        """Read a reply."""
        if self.sock is not None:
            self._watch.over(self.sock)
        return super().getreply()


class _WatchedTls(_Watched, smtplib.SMTP_SSL):
    """The same, encrypted from its first byte."""

    def __init__(self, host: str, port: int, *, watch: Watch, timeout: float, context: ssl.SSLContext) -> None:
        self._watch = watch
        smtplib.SMTP_SSL.__init__(self, host, port, timeout=timeout, context=context)


class MailSink:
    """One sender and its recipients, at one mail server. `trusted` holds the certificates to verify by.

    A server has `timeout_seconds` for each answer, and three times as long for everything.
    A mail that some recipients are refused has arrived at the others: the failure names those by their place in the
    list, and is final unless the server refuses them for now only. A repeat by the same process reaches those alone.
    Another process knows nothing of them, nor does this one after a restart: it mails to all again, with the same
    Message-ID. Somebody may have a mail twice, but nobody is left out.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        recipients: Sequence[str],
        security: Security = "starttls",
        login: tuple[str, str] | None = None,
        trusted: ssl.SSLContext | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._sender = _address("sender", sender)
        self._recipients = tuple(_address("recipient", recipient) for recipient in recipients)
        if not self._recipients:
            raise ConfigurationError("The mail sink has no recipients: name one at least.")
        if login is not None and security == "none":
            raise ConfigurationError("The mail sink would send its password unencrypted: choose starttls or tls.")
        self._host, self._port, self._security = host, port, security
        self._login = login
        self._trusted = trusted or ssl.create_default_context()
        self._timeout_seconds = timeout_seconds
        self._writer = MailWriter(sender=self._sender, recipients=self._recipients)
        self._still_refused: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def deliver(self, result: TriageResult) -> None:
        """Mail the card. Raises `NotDelivered`."""
        self._send(self._writer.card(result))

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Mail one line on an action as an answer to the card's mail. Raises `NotDelivered`."""
        mail = self._writer.answer(result, handled)
        if mail is not None:
            self._send(mail)
        return mail is not None

    def _send(self, mail: Mail) -> None:
        server, message_id = f"The mail server {self._host}", mail.message_id
        recipients = self._still_refused.get(message_id, self._recipients)
        try:
            with Watch(TIMES_LONGER * self._timeout_seconds) as watch, self._connected(watch) as connection:
                refused = connection.sendmail(self._sender, recipients, mail.content)
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refusal(f"{server} refused every recipient", error.recipients) from None
        except smtplib.SMTPAuthenticationError as error:
            raise NotDelivered(
                f"{server} refused the login ({error.smtp_code}): correct its user and password.", is_final=True
            ) from None
        except smtplib.SMTPResponseException as error:
            raise _answered(server, error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise NotDelivered(
                f"{server} offers no {self._security} or no login: correct the sink's security.", is_final=True
            ) from None
        except ssl.SSLError as error:
            why = one_line(error.reason or type(error).__name__, 100)
            raise NotDelivered(f"{server} can't be trusted ({why}): correct its certificate.") from error
        except (OSError, UnicodeError, smtplib.SMTPException) as error:  # the second: a host that is no name
            raise NotDelivered(
                f"{server} can't be reached or broke off ({type(error).__name__}), so nobody knows whether it took "
                f"the mail: check its host and port.",
                is_doubtful=not isinstance(error, ConnectionRefusedError | socket.gaierror | UnicodeError),
            ) from error
        self._still_refused.pop(message_id, None)
        if refused:
            self._remember(message_id, tuple(refused))
            raise self._refusal(f"{server} took the mail, but not for all", refused)

    def _remember(self, message_id: str, refused: tuple[str, ...]) -> None:
        self._still_refused[message_id] = refused
        if len(self._still_refused) > REMEMBERED_MAILS:
            self._still_refused.popitem(last=False)

    def _refusal(self, told: str, recipients: Mapping[str, tuple[int, bytes]]) -> NotDelivered:
        """Return what to raise; addresses would be masked in it, so each is named by its place."""
        codes = [code for code, _ in recipients.values()]
        places = [self._recipients.index(address) + 1 for address in recipients]
        named = ", ".join(f"recipient {place} ({code})" for place, code in zip(places, codes, strict=True))
        is_final = all(code >= _FINAL for code in codes)
        is_partly_taken = set(recipients) != set(self._recipients)
        return NotDelivered(f"{told}: correct or remove {named}.", is_final=is_final, is_doubtful=is_partly_taken)

    @contextmanager
    def _connected(self, watch: Watch) -> Iterator[smtplib.SMTP]:
        """Yield a connection that is encrypted and logged in as configured, before anything of a mail is sent."""
        connection = self._connection(watch)
        try:
            if self._security == "starttls":
                connection.starttls(context=self._trusted)
            if self._login is not None:
                connection.login(*self._login)
            yield connection
        finally:
            connection.close()  # a mail that was taken is not lost by a server that does not say goodbye

    def _connection(self, watch: Watch) -> smtplib.SMTP:
        at = self._host, self._port
        if self._security == "tls":
            return _WatchedTls(*at, watch=watch, timeout=self._timeout_seconds, context=self._trusted)
        return _Watched(*at, watch=watch, timeout=self._timeout_seconds)


def _address(what: str, address: str) -> str:
    """Return a bare address of plain letters. Raises `ConfigurationError`."""
    is_plain = address.isascii() and address.isprintable() and parseaddr(address) == ("", address)
    if not is_plain or address.count("@") != 1 or set(address) & set(' ,;<>()"') or not all(address.split("@")):
        raise ConfigurationError(f"The {what} {one_line(address, 100)} of the mail sink is no address: correct it.")
    return address


def _answered(server: str, code: int) -> NotDelivered:
    if code >= _FINAL:
        return NotDelivered(f"{server} refused the mail ({code}): correct its sender and settings.", is_final=True)
    return NotDelivered(f"{server} did not take the mail ({code}): try again later.")
