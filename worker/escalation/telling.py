"""What a sender says: of a page that befell something, on its card; of every delivery, to the log and to a person.

It sends nothing and changes nothing. What a sink's failure says is masked and bounded here, before anybody sees it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import structlog

from worker.contract import Evidence, TriageResult
from worker.contract.handling import Handled
from worker.contract.quoting import one_line
from worker.errors import NotDelivered
from worker.escalation.delivery import Delivery, Ended
from worker.ports import Clock
from worker.redaction import STATELESS_MASKER

__all__ = ["Outcome", "Teller", "Told", "noted", "shown"]

ERROR_LIMIT_BYTES: Final = 500
SECOND_COPY: Final = "perhaps a second copy"
"""Nobody knows whether an earlier try arrived. In few words: a hand-over stands behind it, and a card is short."""

log = structlog.get_logger()


class Outcome(StrEnum):
    """What came of one step at one sink."""

    DELIVERED = "delivered"
    POSTPONED = "postponed"
    HANDED_OVER = "handed_over"
    GIVEN_UP = "given_up"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One delivery, for a person: what came of it, on which try, and why; `detail` is masked."""

    at: datetime
    sink: str
    incident_id: str
    action: str
    outcome: Outcome
    tries: int
    detail: str = ""


class Teller:
    """Says what came of one sink's deliveries."""

    def __init__(self, clock: Clock, tell: Callable[[Told], None]) -> None:
        self._clock = clock
        self._tell = tell

    def say(self, taken: Delivery, outcome: Outcome, detail: str = "") -> None:
        """Say what came of one delivery."""
        action = "page" if taken.is_page else Handled.model_validate_json(taken.step).action
        told = Told(
            at=self._clock.now(),
            sink=taken.sink,
            incident_id=taken.incident_id,
            action=action,
            outcome=outcome,
            tries=taken.tries,
            detail=detail,
        )
        write = log.info if outcome is Outcome.DELIVERED else log.warning
        write(
            f"delivery.{outcome}", sink=told.sink, incident_id=told.incident_id, action=action, tries=told.tries,
            detail=detail,
        )  # fmt: skip
        self._tell(told)

    def say_ended(self, taken: Delivery, ended: Ended, why: str, backup: str | None = None) -> None:
        """Say where a step went whose tries ended, and why; nothing where another has it."""
        if ended is Ended.HANDED_OVER:
            self.say(taken, Outcome.HANDED_OVER, f"{why} {backup} gets it.")
        elif ended is Ended.GIVEN_UP:
            self.say(taken, Outcome.GIVEN_UP, why if backup is None else f"{why} {backup} let it go, too.")


def noted(result: TriageResult, taken: Delivery, *, at: datetime) -> TriageResult:
    """Return the result with what befell its page as the last thing that was seen: the card keeps that longest."""
    befell = [SECOND_COPY] if taken.is_doubtful else []
    if taken.note:
        befell.append(f"{taken.note}, so {taken.sink} has this page")
    if not befell:
        return result
    seen = Evidence(evidence_id="D1", tool="delivery", statement="; ".join(befell), observed_at=at)
    return result.model_copy(update={"evidence": (*result.evidence, seen)})


def shown(error: NotDelivered) -> str:
    """Return what a failure says, masked and in one line."""
    return one_line(STATELESS_MASKER.checked(str(error)), ERROR_LIMIT_BYTES)
