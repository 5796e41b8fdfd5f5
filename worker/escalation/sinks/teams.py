"""Microsoft Teams by a workflow's webhook: an Adaptive Card of plain text runs, in which no Markdown has an effect.

The address is the secret. A workflow knows no key of a message: the same result again is a second card, and an action
is a card of its own, with the incident's id. Its 202 means that the workflow was started, not that it posted: one whose
owner has left fails later, and only Power Automate's run history says so.
Sources: https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using,
https://adaptivecards.io/explorer/TextRun.html (a run takes no Markdown)
"""

import json
from typing import Final

import httpx2

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.escalation.card import card_of
from worker.escalation.card_parts import Card, sections_of
from worker.escalation.sinks.posting import Poster
from worker.escalation.sinks.saying import follow_up, inert, shortened, title_of

__all__ = ["TeamsSink"]

CARD_LIMIT_BYTES: Final = 24_000
"""Teams takes 28 KB in one message; what stands around a card needs some of it."""

TEXT_LIMIT: Final = 2_000


class TeamsSink:
    """One channel or chat, by its workflow's address."""

    def __init__(self, *, webhook_url: str, client: httpx2.Client) -> None:
        self._poster = Poster("Microsoft Teams", webhook_url, client=client, credentials="workflow's address")

    def deliver(self, result: TriageResult) -> None:
        """Post the card. Raises `NotDelivered`."""
        self._post(_blocks(card_of(result)))

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Post one line on an action. Raises `NotDelivered`."""
        line = follow_up(result, handled)
        if line is not None:
            self._post([_block(title_of(result), weight="Bolder"), _block(line)])
        return line is not None

    def _post(self, blocks: list[dict[str, object]]) -> None:
        while len(json.dumps(blocks)) > CARD_LIMIT_BYTES:
            blocks = blocks[:-1]
        card = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": blocks,
            "msteams": {"width": "Full"},
        }
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        self._poster.send({"type": "message", "attachments": [attachment]})


def _blocks(card: Card) -> list[dict[str, object]]:
    blocks = [_block(card.headline, weight="Bolder"), _block(card.subline)]
    for section in sections_of(card):
        blocks.append(_block(section.heading, weight="Bolder", spacing="Medium"))
        blocks += [_block(f"{mark}{entry}") for mark, entry in section.marked_entries]
    return blocks


def _block(text: str, *, weight: str = "Default", spacing: str = "Small") -> dict[str, object]:
    run = {"type": "TextRun", "text": shortened(inert(text), TEXT_LIMIT), "weight": weight}
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": [run]}
