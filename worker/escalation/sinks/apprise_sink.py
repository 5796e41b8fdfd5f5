"""Everything else, by Apprise: one of its addresses, which is the secret, and the card as plain text.

Apprise says yes or no, and no reasons; its log has some. It knows no key of a message: the same result again is a
second message. An address that names several receivers is one for Apprise: where one of them fails, those that were
reached get the message again. The only module that imports Apprise (the `notify` extra), when a sink is made.
Source: https://github.com/caronc/apprise
"""

import logging
from typing import TYPE_CHECKING, Final

from worker.contract import Disposition, Severity, TriageResult
from worker.contract.handling import Handled
from worker.contract.quoting import one_line
from worker.errors import ConfigurationError, NotDelivered
from worker.escalation.card import card_of
from worker.escalation.card_text import as_text
from worker.escalation.sinks.saying import follow_up, inert, shortened, title_of

if TYPE_CHECKING:
    from apprise import Apprise

__all__ = ["AppriseSink"]

CARD_WIDTH: Final = 88
TITLE_LIMIT: Final = 200
TEXT_LIMIT: Final = 16_000
TIMEOUT_SECONDS: Final = 10.0

_KINDS: Final = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}
_TALKATIVE: Final = ("apprise", "urllib3")
"""What writes addresses into its log, below a warning."""


class AppriseSink:
    """One address of Apprise's. Raises `ConfigurationError` where it is none, or where the extra is missing."""

    def __init__(self, *, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._apprise = _apprise_at(url)
        self._name = f"Apprise ({one_line(str(self._apprise[0].service_name), 60)})"
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
        is_taken = self._apprise.notify(
            title=shortened(inert(title_of(result)), TITLE_LIMIT),
            body=shortened(inert(text), TEXT_LIMIT),
            notify_type=_kind(result),
            body_format="text",
            timeout=self._timeout_seconds,
        )
        if not is_taken:
            raise NotDelivered(
                f"{self._name} did not take the message in {self._timeout_seconds:g} s, or not for all, and gives no "
                f"reason: check its address and Apprise's log."
            )


def _kind(result: TriageResult) -> str:
    if result.disposition is Disposition.RECOVERED:
        return "success"
    return _KINDS[result.occurrences.severity or result.incident.severity]


def _apprise_at(url: str) -> "Apprise":
    try:
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - the extra is for those who use it
    except ImportError as error:
        raise ConfigurationError(
            "A sink of Apprise needs the package apprise: install it with `pip install 'firstline[notify]'`."
        ) from error
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    apprise = Apprise(asset=AppriseAsset(app_id="Firstline", app_desc="Firstline", http_redirects=False))
    if not apprise.add(url):
        raise ConfigurationError("The address of an Apprise sink is none that Apprise knows: correct it.")
    return apprise
