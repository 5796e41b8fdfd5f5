"""Ways to engineers that need no network: cards on a terminal, JSON lines for whatever stands behind a pipe.

Both return only after the text was flushed: the consumer acknowledges then. What the stream raises passes through, so
that a broken pipe leaves the result unacknowledged. Never shared between threads.
"""

import json
from typing import Final, TextIO

from worker.contract import Disposition, TriageResult
from worker.escalation.card import as_text, brief, card_of

__all__ = ["ConsoleNotifier", "JsonNotifier"]

DEFAULT_WIDTH: Final = 100

_NEEDS_SOMEBODY: Final = frozenset({Disposition.ESCALATED, Disposition.AWAITING_APPROVAL, Disposition.DEAD_LETTERED})


class ConsoleNotifier:
    """Prints a card for what needs a person, and one line for what does not."""

    def __init__(self, stream: TextIO, width: int = DEFAULT_WIDTH) -> None:
        self._stream = stream
        self._width = width

    def deliver(self, result: TriageResult) -> None:
        """Print and flush one result. Raises `OSError` when the stream does."""
        if result.disposition in _NEEDS_SOMEBODY:
            self._stream.write(as_text(card_of(result), self._width) + "\n")
        else:
            self._stream.write(brief(result) + "\n")
        self._stream.flush()


class JsonNotifier:
    """Prints each result as one line of JSON in plain ASCII, complete, as the contract has it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def deliver(self, result: TriageResult) -> None:
        """Print and flush one result. Raises `OSError` when the stream does."""
        self._stream.write(json.dumps(result.model_dump(mode="json")) + "\n")
        self._stream.flush()
