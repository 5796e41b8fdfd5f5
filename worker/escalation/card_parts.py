"""What a card is: one value that every rendering shows, and the order in which its sections stand.

Pure. Each text is on one line, visible and bounded; renderings escape it for where it goes. `card_of` makes it, sinks
and renderings read it, and `deploy/card.schema.json` publishes its form.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from pydantic import AwareDatetime

from worker.contract.base import Frozen
from worker.contract.incident import Severity
from worker.contract.result import Disposition
from worker.escalation.card_sentences import Sentence

__all__ = ["HYPOTHESIS", "Card", "Confidence", "Section", "sections_of", "shown"]

HYPOTHESIS: Final = "Hypothesis"


class Confidence(StrEnum):
    """How much of a cause is cited and checked: all of it, at least half and nothing false, or less."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Card(Frozen):
    """One result for an engineer at night. A sentence with a `doubt` is a hypothesis, and is shown as one.

    `headline` and `subline` sum up what follows them. `said_by` tells whose word `cause` is; without a `confidence`
    nobody named a cause, and `cause` says why the incident was handed over. `next_steps` stand in the order of worth;
    `commands` are the desk's own, to be copied as they are.
    """

    schema_version: Literal[1] = 1
    incident_id: str
    disposition: Disposition
    severity: Severity
    is_trend: bool
    server: str
    service: str | None
    since: AwareDatetime
    headline: str
    subline: str
    alert: str
    impact: tuple[Sentence, ...]
    said_by: str
    cause: tuple[Sentence, ...]
    confidence: Confidence | None
    done: tuple[Sentence, ...]
    next_steps: tuple[str, ...]
    commands: tuple[str, ...]
    checked: tuple[Sentence, ...]
    ruled_out: tuple[Sentence, ...]
    stakeholder_note: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its entries: running text, a list, a numbered list, or commands."""

    heading: str
    entries: tuple[str, ...]
    form: Literal["text", "list", "numbered", "code"] = "text"

    @property
    def marked_entries(self) -> Iterator[tuple[str, str]]:
        """Yield each entry behind the mark that stands before it where there is no better markup."""
        for number, entry in enumerate(self.entries, start=1):
            yield {"text": "", "list": "· ", "code": "", "numbered": f"{number}. "}[self.form], entry


def sections_of(card: Card) -> tuple[Section, ...]:
    """Return the card's sections in the order of need; one without entries is left out."""
    sections = (
        Section("Impact", (" ".join(map(shown, card.impact)),)),
        Section(_cause_heading(card), (" ".join(map(shown, card.cause)),)),
        Section("Done, and not done (UTC)", tuple(map(shown, card.done)), "list"),
        Section("Next", card.next_steps, "numbered"),
        Section("Commands", card.commands, "code"),
        Section("Checked (UTC)", tuple(map(shown, card.checked)), "list"),
        Section("Ruled out", (" ".join(map(shown, card.ruled_out)),)),
        Section("For stakeholders (draft)", (card.stakeholder_note,)),
    )
    return tuple(section for section in sections if any(section.entries))


def shown(sentence: Sentence) -> str:
    """Return the sentence as every rendering has it: a hypothesis says that it is one, and why, before its words."""
    return f"{HYPOTHESIS} ({sentence.doubt_in_words}): {sentence.text}" if sentence.doubt else sentence.text


def _cause_heading(card: Card) -> str:
    if card.confidence is None and card.disposition in (Disposition.RECOVERED, Disposition.NO_ACTION):
        return f"How it ended ({card.said_by})"
    if card.confidence is None:
        return f"Why it came to you ({card.said_by})"
    return f"Likely cause (confidence {card.confidence}; {card.said_by})"
