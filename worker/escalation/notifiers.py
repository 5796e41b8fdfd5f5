"""Ways to engineers that need no network: cards on a terminal, JSON lines for whatever stands behind a pipe.

Both return only after the text was flushed: the consumer acknowledges then. What the stream raises passes through, so
that a broken pipe leaves the result unacknowledged. A result that breaks its own rendering is a `ContractError`. Never
shared between threads.
"""

import json
from collections.abc import Callable
from typing import Final, TextIO

from worker.contract import Disposition, TriageResult
from worker.errors import ContractError
from worker.escalation.card import as_text, brief, card_of
from worker.escalation.escaping import for_terminal

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
        text = _rendered(self._text_of, result)
        self._stream.write(f"{for_terminal(text)}\n")
        self._stream.flush()

    def _text_of(self, result: TriageResult) -> str:
        return as_text(card_of(result), self._width) if result.disposition in _NEEDS_SOMEBODY else brief(result)


class JsonNotifier:
    """Prints each result as one line of JSON in plain ASCII, complete, as the contract has it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def deliver(self, result: TriageResult) -> None:
        """Print and flush one result. Raises `OSError` when the stream does."""
        text = _rendered(lambda whole: json.dumps(whole.model_dump(mode="json")), result)
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _rendered(render: Callable[[TriageResult], str], result: TriageResult) -> str:
    try:
        return render(result)
    except Exception as error:  # whatever it is, it is about this one result, and comes again each time
        raise ContractError(f"it can't be shown ({type(error).__name__})") from error
