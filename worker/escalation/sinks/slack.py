"""Slack, by an incoming webhook or by a bot: the card as blocks, and what engineers do below it.

A webhook knows no key of a message: the same result again is a second message, and an action is a message of its own.
A bot finds its message again by the metadata on it, among the newest of the channel: the same result again is then no
second message, and actions go into the thread. Where it may not read the channel, or not so often, it behaves like
a webhook.
Sources: https://docs.slack.dev/reference/methods/chat.postMessage,
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://docs.slack.dev/reference/methods/conversations.history (scope `channels:history` or `groups:history`).
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import httpx2
import structlog

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.card import card_of
from worker.escalation.card_slack import as_slack_blocks
from worker.escalation.escaping import for_slack
from worker.escalation.sinks.clients import checked_secret
from worker.escalation.sinks.posting import Answer, Poster
from worker.escalation.sinks.saying import follow_up, shortened, title_of

__all__ = ["SlackBotSink", "SlackWebhookSink"]

TEXT_LIMIT: Final = 3_000
"""Slack cuts at 40,000 characters; a notification shows a line."""

BLOCKS_LIMIT: Final = 12_000
"""All blocks of a message together: past some 13,000 characters Slack says `msg_blocks_too_long`, undocumented."""

PAGE_MESSAGES: Final = 8
PAGES_LIMIT: Final = 3
"""So far a bot looks for its message. Each page is a request, and cards are long."""

CLOCKS_APART_SECONDS: Final = 300.0
EVENT_TYPE: Final = "firstline_result"

_CHANNEL: Final = re.compile(r"[CDG][A-Z0-9]{1,30}", re.ASCII)
"""A name would do to post, but not to look back."""

_WORD: Final = re.compile(r"[a-z_]{1,60}", re.ASCII)
_LATER: Final = frozenset({"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"})
"""Slack's errors that pass by themselves."""

log = structlog.get_logger()


class SlackWebhookSink:
    """One channel, by its webhook's address, which is the secret."""

    def __init__(self, *, webhook_url: str, client: httpx2.Client) -> None:
        self._poster = Poster("Slack", webhook_url, client=client, credentials="webhook's address")

    def deliver(self, result: TriageResult) -> None:
        """Post the card. Raises `NotDelivered`."""
        self._poster.send(_message(result), accepted={HTTPStatus.OK})

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Post one line on an action. Raises `NotDelivered`."""
        line = follow_up(result, handled)
        if line is not None:
            self._poster.send(_plain(line), accepted={HTTPStatus.OK})
        return line is not None


class SlackBotSink:
    """One channel, by its id, of which the bot is a member."""

    def __init__(
        self, *, bot_token: str, channel: str, client: httpx2.Client, url: str = "https://slack.com/api"
    ) -> None:
        if not _CHANNEL.fullmatch(channel):
            raise ConfigurationError("The channel of the Slack bot is no channel's id (such as C024BE91L): correct it.")
        headers = {"Authorization": f"Bearer {checked_secret('The token of the Slack bot', bot_token)}"}
        self._poster = Poster("Slack", url, client=client, credentials="bot token", headers=headers)
        self._channel = channel

    def deliver(self, result: TriageResult) -> None:
        """Post the card, unless the channel shows it already. Raises `NotDelivered`."""
        if self._posted_at(result) is None:
            payload = {"incident_id": result.incident.incident_id}
            self._post({**_message(result), "metadata": {"event_type": EVENT_TYPE, "event_payload": payload}})

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Post one line on an action into the card's thread. Raises `NotDelivered`."""
        line = follow_up(result, handled)
        if line is not None:
            posted_at = self._posted_at(result)
            self._post({**_plain(line), **({"thread_ts": posted_at} if posted_at else {})})
        return line is not None

    def _post(self, message: Mapping[str, object]) -> None:
        body = {"channel": self._channel, **message}
        self._said_yes(self._poster.send(body, path="/chat.postMessage", accepted={HTTPStatus.OK}))

    def _posted_at(self, result: TriageResult) -> str | None:
        """Return the time by which Slack knows the incident's message; None where it is not seen, for any reason."""
        since = result.finished_at.timestamp() - CLOCKS_APART_SECONDS
        parameters = {
            "channel": self._channel,
            "oldest": f"{since:.6f}",
            "limit": str(PAGE_MESSAGES),
            "include_all_metadata": "true",
        }
        try:
            for _ in range(PAGES_LIMIT):
                page = self._said_yes(
                    self._poster.send(method="GET", path="/conversations.history", parameters=parameters)
                )
                if posted_at := _time_in(page, result.incident.incident_id):
                    return posted_at
                cursor = _mapping(page.get("response_metadata")).get("next_cursor")
                if not isinstance(cursor, str) or not cursor:
                    return None
                parameters["cursor"] = cursor
        except NotDelivered as error:  # a page too many is better than none
            log.warning("slack.history_not_read", error=str(error))
        return None

    def _said_yes(self, answer: Answer) -> Mapping[str, object]:
        content = answer.as_mapping()
        if content.get("ok") is True:
            return content
        word = content.get("error")
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise NotDelivered("Slack answered with something that is no answer of its API: check its address.")
        if word in _LATER:
            raise NotDelivered(f"Slack did not take the message ({word}): try again later.")
        raise self._poster.refusal(word)


def _message(result: TriageResult) -> dict[str, object]:
    return {**_plain(title_of(result)), "blocks": _fitting(as_slack_blocks(card_of(result)))}


def _fitting(blocks: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return as many of the first blocks as Slack takes: most of a card is better than a refused one."""
    while len(json.dumps(blocks, ensure_ascii=False)) > BLOCKS_LIMIT:
        blocks = blocks[:-1]
    return blocks


def _plain(text: str) -> dict[str, object]:
    """Return a message in which Slack looks for nothing to link, to unfold or to format."""
    shown = shortened(for_slack(text), TEXT_LIMIT)
    return {"text": shown, "mrkdwn": False, "parse": "none", "unfurl_links": False, "unfurl_media": False}


def _time_in(page: Mapping[str, object], incident_id: str) -> str | None:
    messages = page.get("messages")
    for message in messages if isinstance(messages, list) else []:
        metadata = _mapping(_mapping(message).get("metadata"))
        told = _mapping(metadata.get("event_payload")).get("incident_id")
        posted_at = _mapping(message).get("ts")
        if metadata.get("event_type") == EVENT_TYPE and told == incident_id and isinstance(posted_at, str):
            return posted_at
    return None


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
