"""From the results stream to engineers: its own process, which notifies, acknowledges and sets poison aside.

`consumer` reads the stream, `card` and `advice` say what an engineer needs at 3 a.m., `notifiers` are the ways there.
"""

from worker.escalation.card import Card, as_text, brief, card_of
from worker.escalation.consumer import EscalationConsumer
from worker.escalation.notifiers import ConsoleNotifier, JsonNotifier

__all__ = [
    "Card",
    "ConsoleNotifier",
    "EscalationConsumer",
    "JsonNotifier",
    "as_text",
    "brief",
    "card_of",
]
