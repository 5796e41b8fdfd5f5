"""From the results stream to engineers: its own process, which notifies, acknowledges and sets poison aside.

`consumer` reads the stream, `card` and `advice` say what an engineer needs at 3 a.m., `notifiers` are the ways there.
With a routes file `dispatcher` notes what goes to which of the `sinks` (`deliveries`), and `sending` brings it there.
"""

from worker.escalation.card import brief, card_of
from worker.escalation.card_html import as_html
from worker.escalation.card_json import as_json
from worker.escalation.card_markdown import as_markdown
from worker.escalation.card_parts import Card
from worker.escalation.card_slack import as_slack_blocks
from worker.escalation.card_text import as_text
from worker.escalation.consumer import EscalationConsumer
from worker.escalation.notifiers import ConsoleNotifier, JsonNotifier

__all__ = [
    "Card",
    "ConsoleNotifier",
    "EscalationConsumer",
    "JsonNotifier",
    "as_html",
    "as_json",
    "as_markdown",
    "as_slack_blocks",
    "as_text",
    "brief",
    "card_of",
]
