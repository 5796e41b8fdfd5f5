"""A result, or an action on it, as the bytes of one mail: its header, the card as text, and the card as HTML.

Pure. Nothing answers a mail by itself (`Auto-Submitted`). Text from outside gets into the subject alone, as one line,
and what Python made of it is read again: a mail with any field or line in its header that is not the desk's own is
refused, never sent. Called by the sink that mails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import Final

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.errors import NotDelivered
from worker.escalation.card import card_of
from worker.escalation.card_html import as_html
from worker.escalation.card_text import as_text
from worker.escalation.escaping import for_html, for_mail, for_mail_header
from worker.escalation.sinks.saying import follow_up, moment_of, shortened, title_of

__all__ = ["Mail", "MailWriter"]

CARD_WIDTH: Final = 88
SUBJECT_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it goes over the wire."""

    message_id: str
    content: bytes


class MailWriter:
    """Writes mails from one sender to its recipients, whose addresses are checked already."""

    def __init__(self, *, sender: str, recipients: Sequence[str]) -> None:
        self._sender = sender
        self._recipients = recipients
        self._domain = sender.rpartition("@")[2]

    def card(self, result: TriageResult) -> Mail:
        """Return the mail of a result. Raises `NotDelivered` where none can be made."""
        card = card_of(result)
        fields = {
            "Subject": _subject(title_of(result)),
            "Date": format_datetime(result.finished_at),
            "Message-ID": self._id_of(result),
        }
        return self._mail(result, fields, as_text(card, CARD_WIDTH), as_html(card))

    def answer(self, result: TriageResult, handled: Handled) -> Mail | None:
        """Return the mail of an action, or None for one that concerns the desk alone. Raises `NotDelivered`."""
        line = follow_up(result, handled)
        if line is None:
            return None
        fields = {
            "Subject": _subject(f"Re: {title_of(result)}"),
            "Date": format_datetime(handled.at),
            "Message-ID": f"<{result.incident.incident_id}.{moment_of(handled)}@{self._domain}>",
            "In-Reply-To": self._id_of(result),
            "References": self._id_of(result),
        }
        return self._mail(result, fields, f"{line}\n", f"<p>{for_html(line)}</p>\n")

    def _id_of(self, result: TriageResult) -> str:
        return f"<{result.incident.incident_id}@{self._domain}>"

    def _mail(self, result: TriageResult, fields: dict[str, str], text: str, html: str) -> Mail:
        mail = EmailMessage(policy=SMTP)
        try:
            mail["From"] = formataddr(("Firstline", self._sender))
            mail["To"] = ", ".join(self._recipients)
            mail["Auto-Submitted"] = "auto-generated"
            for name, value in fields.items():
                mail[name] = value
            mail.set_content(for_mail(text), cte="base64")
            mail.add_alternative(html, subtype="html", cte="base64")
            return Mail(fields["Message-ID"], _checked(mail.as_bytes(), mail.keys()))
        except (MessageError, ValueError) as error:
            raise NotDelivered(
                f"No mail can be made of {result.incident.incident_id} ({type(error).__name__}): read it with "
                f"`firstline show {result.incident.incident_id}`.",
                is_final=True,
            ) from error


def _subject(title: str) -> str:
    return shortened(for_mail_header(title), SUBJECT_LIMIT)


def _checked(content: bytes, names: Sequence[str]) -> bytes:
    """Return a mail whose header has these fields, each on printable lines of ASCII. Raises `ValueError`."""
    lines = content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    found = [line.partition(":")[0] for line in lines if not line.startswith(" ")]
    if found != list(names) or not all(map(str.isprintable, lines)):
        raise ValueError("a header that is not as it was written")
    return content
