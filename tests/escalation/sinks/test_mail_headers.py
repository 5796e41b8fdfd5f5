"""The bytes of a mail at a real SMTP server: whatever a server is named, no field but the desk's own, and a page."""

from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from tests.escalation.builders import incident, result
from tests.escalation.sinks.mail_server import Post, server
from tests.escalation.sinks.stand_ins import handled
from worker.contract import TriageResult
from worker.contract.handling import Action
from worker.errors import NotDelivered
from worker.escalation.escaping import for_mail_header
from worker.escalation.sinks import mail_writing
from worker.escalation.sinks.mail import MailSink
from worker.escalation.sinks.saying import title_of

ANN, BOB = "ann@example.com", "bob@example.com"
FIELDS = ["From", "To", "Auto-Submitted", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
ENCODED = [
    "=?utf-8?b?DQpCY2M6IHFAeC55DQoNCmhp?=",
    "=?utf-8?q?=0d=0aBcc=3a_q@x.y?=",
    "=?utf-8?q?=ff=fe?=",
    "=?us-ascii?q?=0a=0a?=",
    "=?utf-7?q?+AAo-x?=",
]
"""Line feeds with a field behind them, letters that are none, and a charset with its own way to write a line feed."""

INJECTED, UNWRITABLE = f"{ENCODED[0]}{'s' * 22}", f"{'s' * 25}{ENCODED[2]}"


def named(name: str) -> TriageResult:
    return result(incident=incident(server_id=name), server_id=None, service=None)


def header_of(content: bytes) -> list[str]:
    """Return the lines of a mail's header, by nobody's parser."""
    return content.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")


def fields_in(content: bytes) -> list[str]:
    return [line.partition(":")[0] for line in header_of(content) if not line.startswith(" ")]


def subject_in(content: bytes) -> str:
    lines = "\n".join(header_of(content)).replace("\n ", " ").split("\n")
    [subject] = [line.partition(": ")[2] for line in lines if line.startswith("Subject: ")]
    return str(make_header(decode_header(subject)))


def with_subject(subject: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = subject
    return mail.as_bytes()


@pytest.fixture
def without_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_writing, "for_mail_header", str)


@pytest.mark.parametrize("encoded", ENCODED)
def test_an_encoded_word_in_a_servers_name_adds_no_field_and_stays_readable(encoded: str) -> None:
    post = Post()
    with server(post) as port:
        sink = MailSink(host="127.0.0.1", port=port, sender="desk@example.com", recipients=[ANN, BOB], security="none")
        for padding in range(0, 81, 20):
            sink.deliver(named(f"{'s' * padding}{encoded}"))
            sink.deliver(named(f"{encoded}{'s' * padding}"))
        sink.follow(named(encoded), handled(Action.NOTE, encoded, person=encoded))
    *cards, answer = post.contents
    assert {tuple(fields_in(content)) for content in cards} == {tuple(FIELDS)}
    assert fields_in(answer) == [*FIELDS[:6], "In-Reply-To", "References", *FIELDS[6:]]
    assert all(line.isprintable() for content in post.contents for line in header_of(content))
    assert all(encoded in subject_in(content).replace("\N{WORD JOINER}", "") for content in post.contents)
    assert all(recipients == [ANN, BOB] for _, recipients, _ in post.mails)


@pytest.mark.parametrize("encoded", ENCODED)
def test_no_padding_makes_an_encoded_word_a_field(encoded: str) -> None:
    for padding in range(81):
        for name in (f"{'s' * padding}{encoded}", f"{encoded}{'s' * padding}"):
            content = with_subject(for_mail_header(f"CRITICAL · Escalated · {name} · 03:00 UTC"))
            assert fields_in(content) == ["Subject"]
            assert all(line.isprintable() for line in header_of(content))


@pytest.mark.usefixtures("without_the_guard")
@pytest.mark.parametrize(("name", "kind"), [(INJECTED, "ValueError"), (UNWRITABLE, "UnicodeEncodeError")])
def test_a_mail_that_can_not_be_made_is_not_told_as_a_server_that_can_not_be_reached(name: str, kind: str) -> None:
    post = Post()
    with server(post) as port:
        sink = MailSink(host="127.0.0.1", port=port, sender="desk@example.com", recipients=[ANN], security="none")
        with pytest.raises(
            NotDelivered, match=rf"^No mail can be made of inc-\w+ \({kind}\): read it with .*\.$"
        ) as no:
            sink.deliver(named(name))
    assert no.value.is_final
    assert not no.value.is_doubtful
    assert not post.contents


def test_control_the_library_alone_writes_the_fields_of_an_encoded_word() -> None:
    assert b"\r\nBcc: q@x.y\r\n\r\nhi" in with_subject(title_of(named(INJECTED)))


def test_control_the_library_alone_can_not_write_letters_that_are_none() -> None:
    with pytest.raises(UnicodeEncodeError):
        with_subject(title_of(named(UNWRITABLE)))


def test_a_link_of_an_alert_is_none_in_a_mail() -> None:
    post, link = Post(), "reset it at https://evil.example/login or www.evil.example"
    with server(post) as port:
        sink = MailSink(host="127.0.0.1", port=port, sender="desk@example.com", recipients=[ANN], security="none")
        sink.deliver(result(incident=incident(text=link), summary=link))
        sink.follow(result(), handled(Action.NOTE, link))
    for message, _, _ in post.mails:
        for kind in ("plain", "html"):
            part = message.get_body((kind,))
            assert part is not None
            assert "evil.example" in part.get_content()
            assert "://evil" not in part.get_content().replace("https\N{WORD JOINER}://", "")
            assert "www.evil" not in part.get_content()
