"""Mail at a real SMTP server: encrypted, complete, one thread an incident, and every refusal in words."""

import re
import smtplib
import socket
import ssl
import threading
import traceback
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.escalation.builders import incident, result
from tests.escalation.sinks.certificates import own_certificate
from tests.escalation.sinks.mail_server import Post, server, server_that_says
from tests.escalation.sinks.stand_ins import SECRET, handled
from worker.contract.handling import Action
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.sinks.mail import MailSink

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

ANN, BOB = "ann@example.com", "bob@example.com"
INCIDENT_ID = result().incident.incident_id


def sink(port: int, **changes: Any) -> MailSink:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "sender": "desk@example.com",
        "recipients": [ANN, BOB],
        "security": "none",
        "timeout_seconds": 5.0,
    }
    return MailSink(**(fields | changes))


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "certificate.pem"))


def plain_text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_a_mail_has_the_card_as_text_and_as_html_and_reaches_everybody() -> None:
    post = Post()
    with server(post) as port:
        sink(port).deliver(result())
    [(message, recipients, _)] = post.mails
    html = message.get_body(("html",))
    assert recipients == [ANN, BOB]
    assert "payment-server-01" in message["Subject"]
    assert INCIDENT_ID in plain_text(message)
    assert html is not None
    assert INCIDENT_ID in html.get_content()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"] == "Firstline <desk@example.com>"


def test_the_same_result_again_is_the_same_mail_to_whoever_knows_of_duplicates() -> None:
    post = Post()
    with server(post) as port:
        sink(port).deliver(result(1))
        sink(port).deliver(result(1))
        sink(port).deliver(result(2))
    first, again, other = (message for message, _, _ in post.mails)
    assert first["Message-ID"] == again["Message-ID"] == f"<{INCIDENT_ID}@example.com>"
    assert first["Date"] == again["Date"]
    assert other["Message-ID"] != first["Message-ID"]


def test_an_action_is_an_answer_in_the_same_thread_with_an_id_of_its_own() -> None:
    post = Post()
    with server(post) as port:
        sink(port).deliver(result())
        sink(port).follow(result(), handled(Action.ACKNOWLEDGE))
        sink(port).follow(result(), handled(Action.ACKNOWLEDGE))
        sink(port).follow(result(), handled(Action.RESOLVE, "the pool was full"))
        sink(port).follow(result(), handled(Action.RIGHT))
    card, taken, again, done = (message for message, _, _ in post.mails)
    assert taken["In-Reply-To"] == taken["References"] == done["References"] == card["Message-ID"]
    assert taken["Message-ID"] == again["Message-ID"] != done["Message-ID"]
    assert taken["Subject"] == f"Re: {card['Subject']}"
    assert "Resolved by ann at 2026-11-22 03:05 UTC: “the pool was full”" in plain_text(done)


def test_starttls_is_the_default_and_the_certificate_is_verified(tmp_path: Path) -> None:
    post = Post()
    with server(post, tls_context=own_certificate(tmp_path), require_starttls=True) as port:
        sink(port, security="starttls", trusted=trusting(tmp_path)).deliver(result())
        with pytest.raises(NotDelivered, match=r"127\.0\.0\.1 can't be trusted \(CERTIFICATE_VERIFY_FAILED\)"):
            sink(port, security="starttls").deliver(result())
    assert [is_encrypted for _, _, is_encrypted in post.mails] == [True]


def test_a_server_without_starttls_is_told_nothing() -> None:
    post = Post()
    with server(post) as port, pytest.raises(NotDelivered, match=r"offers no starttls or no login.*security\.$") as no:
        sink(port, security="starttls").deliver(result())
    assert no.value.is_final
    assert not post.mails


def test_control_without_encryption_the_same_server_takes_the_mail() -> None:
    post = Post()
    with server(post) as port:
        sink(port, security="none").deliver(result())
    assert post.mails


def test_a_server_that_is_encrypted_from_its_first_byte_takes_the_mail(tmp_path: Path) -> None:
    post, certificate = Post(), own_certificate(tmp_path)
    with server(post, ssl_context=certificate) as port:
        sink(port, security="tls", trusted=trusting(tmp_path)).deliver(result())
        with pytest.raises(NotDelivered, match="can't be trusted"):
            sink(port, security="tls").deliver(result())
    assert len(post.mails) == 1


def test_a_login_is_used_and_a_refused_one_is_named_without_its_password(tmp_path: Path) -> None:
    def knows(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=login.password == SECRET.encode(), handled=False)

    post = Post()
    secure = {"tls_context": own_certificate(tmp_path), "authenticator": knows, "auth_required": True}
    with server(post, **secure) as port:
        trusted = trusting(tmp_path)
        sink(port, security="starttls", trusted=trusted, login=("desk", SECRET)).deliver(result())
        wrong = sink(port, security="starttls", trusted=trusted, login=("desk", f"{SECRET}!"))
        with pytest.raises(NotDelivered, match=r"refused the login \(535\): correct its user and password") as no:
            wrong.deliver(result())
    assert no.value.is_final
    assert SECRET not in "".join(traceback.format_exception(no.value)) + repr(no.value) + repr(wrong)
    assert len(post.mails) == 1


def test_of_several_recipients_those_that_were_refused_are_named_and_the_others_have_it() -> None:
    post = Post(refuses=BOB)
    with (
        server(post) as port,
        pytest.raises(NotDelivered, match=r"not for all: correct or remove recipient 2 \(550\)") as no,
    ):
        sink(port).deliver(result())
    assert no.value.is_final
    assert post.mails[0][1] == [ANN]


def test_a_repeat_reaches_only_those_who_were_refused() -> None:
    post = Post(refuses=BOB)
    with server(post) as port:
        mail = sink(port)
        for _ in range(2):
            with pytest.raises(NotDelivered):
                mail.deliver(result())
    assert [recipients for _, recipients, _ in post.mails] == [[ANN]]


@pytest.mark.parametrize("is_same", [False, True], ids=["after a restart", "the control"])
def test_a_repeat_by_another_process_reaches_all_and_is_the_same_mail(*, is_same: bool) -> None:
    post = Post(refuses=BOB)
    with server(post) as port:
        first = sink(port)
        with pytest.raises(NotDelivered):
            first.deliver(result())
        post.refuses = ""
        (first if is_same else sink(port)).deliver(result())
    assert [recipients for _, recipients, _ in post.mails] == [[ANN], [BOB] if is_same else [ANN, BOB]]
    assert len({mail["Message-ID"] for mail, _, _ in post.mails}) == 1


def test_that_every_recipient_was_refused_is_told() -> None:
    post = Post(refuses=f"{ANN} {BOB}")
    with (
        server(post) as port,
        pytest.raises(NotDelivered, match=r"refused every recipient: .*recipient 1 .*recipient 2"),
    ):
        sink(port).deliver(result())
    assert not post.mails


@pytest.mark.parametrize(
    ("refusal", "is_final"), [("451 greylisted, come back", False), ("550 not you", True), ("554 spam", True)]
)
@pytest.mark.parametrize("when", ["refuses_mail", "refuses_data"])
def test_a_refusal_for_now_is_not_one_for_good(when: str, refusal: str, is_final: bool) -> None:
    with server(Post(**{when: refusal})) as port, pytest.raises(NotDelivered, match=rf"\({refusal[:3]}\).*\.$") as no:
        sink(port).deliver(result())
    assert no.value.is_final == is_final
    assert "spam" not in str(no.value)


@pytest.mark.parametrize("lines", [(), (b"220 hello\r\n",), (b"220 hello\r\n", b"250 hi\r\n"), (b"HTTP/1.1 400 \r\n",)])
def test_a_server_that_hangs_up_leaves_it_open_whether_the_mail_was_taken(lines: tuple[bytes, ...]) -> None:
    with server_that_says(*lines) as port, pytest.raises(NotDelivered, match=r"127\.0\.0\.1 .*\.$") as no:
        sink(port).deliver(result())
    assert not no.value.is_final


def test_a_server_that_is_not_there_is_named_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        NotDelivered, match=r"The mail server 127\.0\.0\.1 can't be reached.*check its host and port\.$"
    ):
        sink(port).deliver(result())


def test_a_host_that_is_no_name_is_one_that_can_not_be_reached() -> None:
    with pytest.raises(NotDelivered, match="can't be reached"):
        sink(25, host="a..b").deliver(result())


def test_a_server_that_talks_for_ever_is_cut() -> None:
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def chatter() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    while not enough.wait(0.02):
                        connection.sendall(b"220-and another thing\r\n")
                except OSError:
                    return

        thread = threading.Thread(target=chatter)
        thread.start()
        with pytest.raises(NotDelivered, match="nobody knows"):
            sink(listener.getsockname()[1], timeout_seconds=0.1).deliver(result())
        enough.set()
        thread.join(timeout=5)


@pytest.mark.parametrize(
    "text",
    [
        "x\r\nBcc: thief@example.com",
        "x\nSubject: all is well",
        "x\r\n\r\nthe body",
        "x\0y",
        "\N{GRINNING FACE}\x85Bcc: a@b",
    ],
)
def test_no_text_from_outside_becomes_a_header(text: str) -> None:
    post = Post()
    with server(post) as port:
        sink(port).deliver(result(incident=incident(text=text), service=text, summary=text))
        sink(port).follow(result(service=text), handled(Action.NOTE, text, person=text))
    for message, recipients, _ in post.mails:
        assert recipients == [ANN, BOB]
        assert message["Bcc"] is None
        assert len(message.get_all("Subject", [])) == 1
        assert "\n" not in message["Subject"]


def test_html_shows_text_and_fetches_nothing() -> None:
    hostile = '<img src="https://evil.example/x.png"><script>alert(1)</script><a href="javascript:1">x</a>'
    post = Post()
    with server(post) as port:
        sink(port).deliver(result(incident=incident(text=hostile), summary=hostile))
        sink(port).follow(result(), handled(Action.NOTE, hostile, person=hostile[:128]))
    for message, _, _ in post.mails:
        html = message.get_body(("html",))
        assert html is not None
        assert "&lt;img" in html.get_content()
        assert not re.search(r"<(img|script|a|link|iframe)\b|url\(", html.get_content())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recipients": []}, "has no recipients"),
        ({"recipients": ["ann"]}, "The recipient ann of the mail sink is no address"),
        ({"recipients": ["a@b\r\nBcc: c@d"]}, "is no address"),
        ({"sender": "Desk <desk@example.com>"}, "The sender .* is no address"),
        ({"login": ("desk", SECRET)}, "would send its password unencrypted: choose starttls or tls"),
    ],
)
def test_a_sink_that_can_not_work_is_not_made(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as raised:
        sink(25, **changes)
    assert SECRET not in str(raised.value)


def test_a_huge_result_is_one_mail_of_bounded_size() -> None:
    post = Post()
    with server(post) as port:
        sink(port).deliver(result(summary="<&" * 50_000, service="s" * 5_000))
    assert len(post.mails[0][0].as_bytes()) < 60_000
    assert len(post.mails[0][0]["Subject"]) <= 200


def test_control_the_library_alone_waits_for_a_server_that_talks_on() -> None:
    with server_that_says(b"220-one\r\n220-two\r\n") as port, pytest.raises((smtplib.SMTPException, TimeoutError)):
        smtplib.SMTP("127.0.0.1", port, timeout=0.2)
