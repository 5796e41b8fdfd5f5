"""Everything else, by Apprise: one of its addresses, which is the secret, and the card as plain text.

Apprise says yes or no, and no reasons; its own command tells some. It knows no key of a message: the same result again
is a second message. An address that names several receivers is one for Apprise: where one of them fails, those that
were reached get the message again. Apprise reads an answer to its end, if it has one, so each message is sent by a
process of its own (`apprise_child`), whose time and memory are bounded.
Source: https://github.com/caronc/apprise
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from worker.contract import Disposition, Severity, TriageResult
from worker.contract.handling import Handled
from worker.contract.quoting import one_line
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.card import card_of
from worker.escalation.card_text import as_text
from worker.escalation.sinks import apprise_child
from worker.escalation.sinks.apprise_child import Message, apprise_at
from worker.escalation.sinks.saying import follow_up, inert, shortened, title_of

__all__ = ["AppriseSink", "taken_from_a_process"]

CARD_WIDTH: Final = 88
TITLE_LIMIT: Final = 200
TEXT_LIMIT: Final = 16_000
TIMEOUT_SECONDS: Final = 10.0
START_SECONDS: Final = 20.0
"""What a process may take, on a busy machine, to begin and to end."""

_KINDS: Final = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}


def taken_from_a_process(message: Message) -> bool | None:
    """Send the message in a process of its own, and return whether it was taken; None where that had to be killed."""
    try:
        ended = subprocess.run(  # noqa: S603 - a vector of our own, no shell
            [sys.executable, "-P", apprise_child.__file__],
            input=json.dumps(asdict(message)).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for the desk, which finishes what it began
            timeout=message.timeout_seconds + START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return ended.returncode == 0


class AppriseSink:
    """One address of Apprise's, and the way to send to it.

    Raises `ConfigurationError` where the address is none, or where the extra is missing.
    """

    def __init__(
        self,
        *,
        url: str,
        timeout_seconds: float = TIMEOUT_SECONDS,
        send: Callable[[Message], bool | None] = taken_from_a_process,
    ) -> None:
        self._name = f"Apprise ({one_line(_service_at(url), 60)})"
        self._send_one = send
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
        is_taken = self._send_one(message)
        if not is_taken:
            raise NotDelivered(
                f"{self._name} did not take the message in {self._timeout_seconds:g} s, or not for all, and gives no "
                f"reason: check its address, best with the command `apprise -v`.",
                is_doubtful=is_taken is None,
            )


def _kind(result: TriageResult) -> str:
    if result.disposition is Disposition.RECOVERED:
        return "success"
    return _KINDS[result.occurrences.severity or result.incident.severity]


def _service_at(url: str) -> str:
    """Return the name of the service at an address, which is the secret and is not shown."""
    try:
        apprise = apprise_at(url)
    except ImportError as error:
        raise ConfigurationError(
            "A sink of Apprise needs the package apprise: install it with `pip install 'firstline[notify]'`."
        ) from error
    if apprise is None:
        raise ConfigurationError("The address of an Apprise sink is none that Apprise knows: correct it.")
    return str(apprise[0].service_name)
