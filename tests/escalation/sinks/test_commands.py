"""The desk's own commands can be copied from every card, whatever system shows it."""

import html
import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.escalation.kinds import kinds
from tests.escalation.sinks.mail_server import Post, server
from tests.escalation.sinks.stand_ins import EVERY, Systems, texts_in
from worker.escalation import as_html, as_json, as_markdown, as_slack_blocks, as_text, card_of
from worker.escalation.card_parts import Card
from worker.escalation.escaping import for_markdown
from worker.escalation.sinks.mail import MailSink
from worker.escalation.sinks.saying import inert

PROPOSAL: Final = dict(kinds())["a proposal"]
COMMANDS: Final = card_of(PROPOSAL).commands
RENDERINGS: Final[dict[str, Callable[[Card], str]]] = {
    "text": lambda card: as_text(card, 88),
    "Markdown": as_markdown,
    "HTML": lambda card: html.unescape(as_html(card)),
    "Slack blocks": lambda card: "\n".join(texts_in(as_slack_blocks(card))),
    "JSON": lambda card: "\n".join(texts_in(as_json(card))),
}


def lines_in(shown: str) -> set[str]:
    """Return what a person can take out of a card: its lines, without a list's margin and a code's marks."""
    return {line.strip(" `") for line in re.sub(r"</?(?:p|code)>", "", shown).splitlines()}


def test_a_proposal_has_commands_that_a_shell_takes_as_they_are() -> None:
    verbs = [command.split()[:2] for command in COMMANDS]
    assert verbs == [["firstline", "approve"], ["firstline", "reject"]]
    assert all(command.replace("…", "").isascii() for command in COMMANDS)  # what a person writes over


@pytest.mark.parametrize("form", RENDERINGS)
def test_every_form_of_a_card_has_the_commands_as_they_are(form: str) -> None:
    shown = RENDERINGS[form](card_of(PROPOSAL))
    assert set(COMMANDS) <= lines_in(shown)


@pytest.mark.parametrize("name", EVERY)
def test_every_system_is_given_the_commands_as_they_are(
    name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    EVERY[name](httpserver.url_for("").rstrip("/"), client).deliver(PROPOSAL)
    said = "\n".join(line for _, body in systems.posted for line in texts_in(body))
    assert set(COMMANDS) <= lines_in(said)


def test_a_mail_has_the_commands_as_they_are_in_both_its_parts() -> None:
    post = Post()
    with server(post) as port:
        sink = MailSink(
            host="127.0.0.1", port=port, sender="a@example.com", recipients=["b@example.com"], security="none"
        )
        sink.deliver(PROPOSAL)
    [(message, _, _)] = post.mails
    for kind in ("plain", "html"):
        assert set(COMMANDS) <= lines_in(html.unescape(body_of(message, kind)))


def body_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("escape", [inert, for_markdown])
def test_control_a_finished_card_made_inert_has_other_commands(escape: Callable[[str], str]) -> None:
    assert not set(COMMANDS) & lines_in(escape(as_markdown(card_of(PROPOSAL))))
