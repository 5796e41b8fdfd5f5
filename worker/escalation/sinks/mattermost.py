"""Mattermost by an incoming webhook: the card as Markdown, in which nothing from outside is markup, link or mention.

The address is the secret. Mattermost knows no key of a message: the same result again is a second message, and an
action is a message of its own, with the incident's id. It reads Slack's mentions, too, before it reads Markdown.
Source: https://developers.mattermost.com/integrate/webhooks/incoming/
"""

from http import HTTPStatus
from typing import Final

import httpx2

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.escalation.card import card_of
from worker.escalation.card_markdown import as_markdown
from worker.escalation.escaping import for_markdown
from worker.escalation.sinks.posting import Poster
from worker.escalation.sinks.saying import follow_up, shortened

__all__ = ["MattermostSink"]

TEXT_LIMIT: Final = 16_383
"""What one post may hold, in characters."""


class MattermostSink:
    """One channel, by its webhook's address."""

    def __init__(self, *, webhook_url: str, client: httpx2.Client) -> None:
        self._poster = Poster("Mattermost", webhook_url, client=client, credentials="webhook's address")

    def deliver(self, result: TriageResult) -> None:
        """Post the card. Raises `NotDelivered`."""
        self._post(as_markdown(card_of(result)))

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Post one line on an action. Raises `NotDelivered`."""
        line = follow_up(result, handled)
        if line is not None:
            self._post(for_markdown(line))
        return line is not None

    def _post(self, markdown: str) -> None:
        self._poster.send({"text": shortened(markdown, TEXT_LIMIT)}, accepted={HTTPStatus.OK})
