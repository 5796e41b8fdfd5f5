"""Whatever an alert, a log, a model or a person says: no system is made to call, ping, link or fetch anything."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from tests.escalation.builders import LOGS, incident, result
from tests.escalation.sinks.stand_ins import EVERY, Systems, handled, texts_in
from worker.contract import TriageResult
from worker.contract.handling import Action

HOSTILE = [
    "<!channel> wake up",
    "<!here|all> and <@U012AB3CD>",
    "@channel @all @here @everyone",
    "<https://evil.example/x|your bank>",
    "![logo](https://evil.example/pixel.png)",
    "[click](https://evil.example/login)",
    "[click]: https://evil.example/login",
    "<img src=https://evil.example/x.png><script>alert(1)</script>",
    "``` @channel ``` ![x](http://evil.example)",
    "!https://evil.example/wiki.png! [~admin] {html}<b>x</b>{html}",
    "[code]<img src=x onerror=alert(1)>[/code] [CODE]<a href=//evil.example>x</a>",
    "<at>everyone</at>",
    "www.evil.example",
    "\x1b[31mred\x1b[0m \u202egnp.exe \u200b\x00",
    "# heading\n\n- list\n> quote\n---",
]
"""Mentions, links, images that call home, markup and control characters of all the media."""

MENTION = r"<[!@]|(?<![\w\\])@(?:channel|all|here|everyone)\b"
LINK = r"\w://\w|\bwww\.\w"
MARKDOWN = r"!\[|(?<!\\)\]\(|(?<!\\)\]:|(?m:^```)"

ACTED_ON = {
    "slack_webhook": re.compile(rf"{MENTION}|{LINK}|<"),
    "slack_bot": re.compile(rf"{MENTION}|{LINK}|<"),
    "mattermost": re.compile(rf"{MENTION}|{LINK}|{MARKDOWN}|(?<!\\)<\w"),
    "teams": re.compile(rf"{MENTION}|{LINK}|{MARKDOWN}|<at>"),
    "apprise": re.compile(rf"{MENTION}|{LINK}|{MARKDOWN}"),
    "servicenow": re.compile(r"\[/?code\]", re.IGNORECASE),
}
"""What a system would act on. Those that are missing here act on no text: their schemas leave room for nothing else."""


def saying(text: str) -> TriageResult:
    log_line = LOGS.model_copy(update={"quotations": (text,)})
    return result(incident=incident(text=text), service=text, summary=text, evidence=(log_line,))


def shown(name: str, body: Any) -> Iterator[str]:
    """Yield the texts in which a system looks for something to act on."""
    if name == "teams":
        body = body["attachments"][0]["content"]["body"]
    if name.startswith("slack"):  # a header is plain text by its type, in which Slack looks for nothing
        body = {**body, "blocks": [block for block in body.get("blocks", []) if block["type"] != "header"]}
    yield from texts_in(body)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_that_a_system_acts_on_comes_out(
    name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = EVERY[name](httpserver.url_for("").rstrip("/"), client)
    for text in HOSTILE:
        systems.posted.clear()
        systems.issues.clear()
        systems.records.clear()
        systems.messages.clear()
        sink.deliver(saying(text))
        for action in (Action.NOTE, Action.REOPEN):
            sink.follow(saying(text), handled(action, text, person=text))
        said = [line for _, body in systems.posted for line in shown(name, body)]
        assert said
        if pattern := ACTED_ON.get(name):
            assert [line for line in said if pattern.search(line)] == []
        assert not [line for line in said if "\\u2060" in line]  # what is escaped already is not escaped again


@pytest.mark.parametrize("name", [name for name in EVERY if name != "webhook"])
def test_no_control_character_comes_out(
    name: str, httpserver: HTTPServer, systems: Systems, client: httpx2.Client
) -> None:
    sink = EVERY[name](httpserver.url_for("").rstrip("/"), client)
    for text in HOSTILE:
        sink.deliver(saying(text))
    said = "".join(line for _, body in systems.posted for line in texts_in(body))
    allowed = {"\n", "\N{WORD JOINER}"}
    assert {letter for letter in said if unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp"}} <= allowed


@pytest.mark.parametrize("name", ACTED_ON)
def test_control_the_same_texts_as_they_are_would_be_acted_on(name: str) -> None:
    assert any(ACTED_ON[name].search(text) for text in HOSTILE)
