"""The card as blocks of Slack's Block Kit, within its documented limits.

Pure. Called by the sink that posts to Slack.
Source: https://docs.slack.dev/reference/block-kit/blocks (50 blocks a message, 150 characters a header's text, 3000 a
section's or a context element's).
"""

import html
from collections.abc import Callable
from typing import Final

from worker.contract.text import visible
from worker.escalation.card_parts import Card, Section, sections_of
from worker.escalation.escaping import code, for_slack

__all__ = ["as_slack_blocks"]

HEADER_LIMIT: Final = 150
TEXT_LIMIT: Final = 3_000


def as_slack_blocks(card: Card) -> list[dict[str, object]]:
    """Return the card's blocks: a header, the alert, and one section a heading."""
    header = {"type": "plain_text", "text": _fitting(card.headline, HEADER_LIMIT, visible), "emoji": False}
    alert = {"type": "mrkdwn", "text": _fitting(card.subline, TEXT_LIMIT, for_slack), "verbatim": True}
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": header},
        {"type": "context", "elements": [alert]},
    ]
    blocks += [{"type": "section", "text": _mrkdwn(section)} for section in sections_of(card)]
    return blocks


def _mrkdwn(section: Section) -> dict[str, object]:
    """Return one section's text object; its entries share what the heading leaves of the limit."""
    heading = f"*{_fitting(section.heading, HEADER_LIMIT, for_slack)}*"
    share = (TEXT_LIMIT - len(heading)) // max(1, len(section.entries)) - len("\n00. ")
    escape = _as_code if section.form == "code" else for_slack
    lines = [f"{mark}{_fitting(entry, share, escape)}" for mark, entry in section.marked_entries]
    return {"type": "mrkdwn", "text": "\n".join([heading, *lines]), "verbatim": True}


def _as_code(text: str) -> str:
    return html.escape(code(text), quote=False)


def _fitting(text: str, limit: int, escape: Callable[[str], str]) -> str:
    """Return the escaped text; where that is too long, of as much of its head as fits, so no escape is cut in two."""
    escaped, kept = escape(text), len(text)
    while len(escaped) > limit:
        kept = min(kept - 1, kept * limit // len(escaped))
        escaped = escape(f"{text[:kept].rstrip()}…")
    return escaped
