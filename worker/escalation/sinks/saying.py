"""What the sinks say alike: a title, an engineer's action in one line, and text that a chat client acts on nowhere.

Pure. Everything that comes from outside is folded and bounded here or in the card.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from typing import Final

from worker.contract import TriageResult
from worker.contract.handling import Action, Handled
from worker.contract.quoting import one_line, quoted
from worker.escalation.card import card_of

__all__ = ["follow_up", "inert", "moment_of", "shortened", "title_of"]

WORDS_LIMIT_BYTES: Final = 2_000

_VERBS: Final[Mapping[Action, str]] = {
    Action.CLAIM: "Claimed",
    Action.RELEASE: "Released",
    Action.ACKNOWLEDGE: "Acknowledged",
    Action.RESOLVE: "Resolved",
    Action.REOPEN: "Reopened",
    Action.NOTE: "Note",
}
"""What is said of the incident. Whether the desk was right concerns the desk, and is said to nobody else."""

_ACTED_ON: Final = re.compile(r"[@<`]|!(?=\[)|\](?=[(\[:])|(?<=\w)(?=://)|\bwww(?=\.)", re.IGNORECASE)
_NEVER_JOINED: Final = "\N{WORD JOINER}"


def title_of(result: TriageResult) -> str:
    """Return one line that names the incident's state, server, urgency and time."""
    return card_of(result).headline


def follow_up(result: TriageResult, handled: Handled) -> str | None:
    """Return one line on an action, or None for one that concerns the desk alone."""
    verb = _VERBS.get(handled.action)
    if verb is None:
        return None
    said = f": {quoted(handled.words, WORDS_LIMIT_BYTES)}" if handled.words.strip() else ""
    by = one_line(handled.person, 128)
    at = f"{handled.at.astimezone(UTC):%F %H:%M} UTC"
    return f"{result.incident.incident_id} · {verb} by {by} at {at}{said}"


def moment_of(handled: Handled) -> str:
    """Return an action's name and time in letters that every header and key takes; the same action gives the same."""
    return f"{handled.action}-{handled.at.astimezone(UTC):%Y%m%dT%H%M%S.%f}"


def inert(text: str) -> str:
    """Return text that is visible already such that no chat client finds a mention, a link, an image or code in it."""
    return _ACTED_ON.sub(rf"\g<0>{_NEVER_JOINED}", text)


def shortened(text: str, limit: int) -> str:
    """Return text of at most `limit` characters, as systems that count in UTF-16 do; the end shows that it was cut."""
    if len(text.encode("utf-16-le", "surrogatepass")) <= 2 * limit:
        return text
    return text.encode("utf-16-le", "surrogatepass")[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…"
