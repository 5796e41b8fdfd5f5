"""Everything else, by Apprise: one of its addresses, which is the secret, and the card as plain text.

Apprise says yes or no, and no reasons; its own command tells some. It knows no key of a message: the same result again
is a second message. An address that names several receivers is one for Apprise: where one of them fails, those that
were reached get the message again. Apprise reads an answer to its end, if it has one, so each message is sent by a
process of its own (`apprise_child`), whose time and memory are bounded.
Source: https://github.com/caronc/apprise
"""

import subprocess
import sys
from typing import Final

from worker.contract import Disposition, Severity, TriageResult
from worker.contract.handling import Handled
from worker.contract.quoting import one_line
from worker.errors import NotDelivered
from worker.escalation.card import card_of
from worker.escalation.card_text import as_text
from worker.escalation.sinks import apprise_child
from worker.escalation.sinks.apprise_address import apprise_at
from worker.escalation.sinks.apprise_child import Message
from worker.escalation.sinks.saying import follow_up, inert, shortened, title_of

__all__ = ["AppriseSink"]

CARD_WIDTH: Final = 88
TITLE_LIMIT: Final = 200
TEXT_LIMIT: Final = 16_000
TIMEOUT_SECONDS: Final = 10.0
START_SECONDS: Final = 20.0
"""What a process may take, on a busy machine, to begin and to end."""

_KINDS: Final = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}


class AppriseSink:
    """One address of Apprise's. Raises `ConfigurationError` where it is none, or where the extra is missing."""

    def __init__(self, *, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._name = f"Apprise ({one_line(str(apprise_at(url)[0].service_name), 60)})"
        self._url = url
        self._timeout_seconds = timeout_seconds

    def deliver(self, result: TriageResult) -> None:
        """Send the card. Raises `NotDelivered`."""
        self._send(result, as_text(card_of(result), CARD_WIDTH))

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Send one line on an action. Raises `NotDelivered`."""
        line = follow_up(result, handled)
        if line is not None:
            self._send(result, line)
        return line is not None

    def _send(self, result: TriageResult, text: str) -> None:
        message = Message(
            url=self._url,
            title=shortened(inert(title_of(result)), TITLE_LIMIT),
            body=shortened(inert(text), TEXT_LIMIT),
            kind=_kind(result),
            timeout_seconds=self._timeout_seconds,
        )
        status = _status_of(message)
        if status != 0:
            raise NotDelivered(
                f"{self._name} did not take the message in {self._timeout_seconds:g} s, or not for all, and gives no "
                f"reason: check its address, best with the command `apprise -v`.",
                is_doubtful=status is None,
            )


def _status_of(message: Message) -> int | None:
    """Return how the process ended that was given the message; None where it had to be killed."""
    try:
        ended = subprocess.run(  # noqa: S603 - a vector of our own, no shell
            [sys.executable, "-P", "-m", apprise_child.__name__],
            input=message.model_dump_json().encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for the desk, which finishes what it began
            timeout=message.timeout_seconds + START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return ended.returncode


def _kind(result: TriageResult) -> str:
    if result.disposition is Disposition.RECOVERED:
        return "success"
    return _KINDS[result.occurrences.severity or result.incident.severity]
