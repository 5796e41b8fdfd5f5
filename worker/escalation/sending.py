"""One sink's sender: takes what is due at it, one after the other, sends it, and notes what came of that.

Each sink has a sender and a thread of its own, so that one that hangs delays nobody else's pages. What fails comes
again after a growing pause, and goes to the backup sink when the tries are over; of a sink that is down every page goes
there at once. Nothing is sent that was not taken under a lease first. Started by the dispatcher.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from worker.contract import Evidence, TriageResult
from worker.contract.handling import Handled
from worker.contract.quoting import one_line
from worker.errors import ContractError, NotDelivered
from worker.escalation.deliveries import Deliveries, Delivery
from worker.escalation.routes import Routes
from worker.ports import Clock, Follower, Notifier
from worker.redaction import STATELESS_MASKER

__all__ = ["Outcome", "Sender", "SinkInUse", "Told", "pause_seconds"]

FIRST_PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 300.0
TRIES_LIMIT: Final = 6
"""Then the backup sink gets the page: after about a minute of pauses."""

TRIED_FOR_SECONDS: Final = 86_400.0
"""How long it is tried where there is no backup sink."""

POLL_SECONDS: Final = 0.5
REDIS_PAUSE_SECONDS: Final = 5.0
ERROR_LIMIT_BYTES: Final = 500

log = structlog.get_logger()


class Outcome(StrEnum):
    """What came of one step at one sink."""

    DELIVERED = "delivered"
    POSTPONED = "postponed"
    HANDED_OVER = "handed_over"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkInUse:
    """A sink as the routes file names it, behind its gates; `follower` is None where it shows no actions."""

    name: str
    notifier: Notifier
    follower: Follower | None = None
    backup: str | None = None


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


class Sender:
    """Sends for one sink; of several consumers each has one, and they share the work. For one thread."""

    def __init__(
        self,
        sink: SinkInUse,
        *,
        deliveries: Deliveries,
        routes: Routes,
        clock: Clock,
        tell: Callable[[Told], None],
    ) -> None:
        self._sink = sink
        self._deliveries = deliveries
        self._routes = routes
        self._clock = clock
        self._tell = tell
        self._said_yes: list[Delivery] = []

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop; what is being sent is finished first."""
        while not stop.is_set():
            try:
                is_busy = self.send_next()
            except RedisError as error:
                log.warning("redis.lost", sink=self._sink.name, error=type(error).__name__)
                stop.wait(REDIS_PAUSE_SECONDS)
                continue
            except Exception:  # the thread's boundary: without it the sink's pages would stop
                log.exception("sink.not_served", sink=self._sink.name)
                is_busy = False
            if not is_busy:
                stop.wait(POLL_SECONDS)

    def send_next(self) -> bool:
        """Send what is due first, or put it where it belongs; False when nothing is due. Raises `RedisError`."""
        self._record_yes()
        taken = self._deliveries.take(self._sink.name)
        if taken is None:
            return False
        try:
            result = TriageResult.model_validate_json(taken.result)
        except ValidationError:
            self._end(taken, None, "What was kept for it can't be read.", failure="")
            return True
        until = self._routes.quiet_until(self._sink.name, result, self._clock.now()) if taken.is_page else None
        if until is not None:
            self._deliveries.postpone(taken, delay_seconds=self._seconds_to(until))
        elif taken.sink_is_down_for_seconds > 0:
            self._spare(taken, result)
        else:
            self._try(taken, result)
        return True

    def _try(self, taken: Delivery, result: TriageResult) -> None:
        if taken.tries > 1:
            log.info("delivery.repeated", sink=taken.sink, incident_id=taken.incident_id, tries=taken.tries)
        try:
            self._send(taken, result)
        except ContractError as error:
            self._end(taken, result, f"It can't be shown there: {error}.", failure="")
        except NotDelivered as error:
            self._failed(taken, result, error)
        except Exception as error:  # noqa: BLE001 - a mistake of the sink's code is its failure, and stops no other page
            self._failed(taken, result, NotDelivered(f"The sink itself broke ({type(error).__name__})."))
        else:
            self._said_yes.append(taken)
            self._record_yes()
            if taken.is_page or self._sink.follower is not None:
                self._say(taken, Outcome.DELIVERED)

    def _record_yes(self) -> None:
        """Record each yes; what Redis was away for is recorded before anything else is sent. Raises `RedisError`."""
        while self._said_yes:
            self._deliveries.record(self._said_yes[0])
            del self._said_yes[0]

    def _send(self, taken: Delivery, result: TriageResult) -> None:
        if taken.is_page:
            self._sink.notifier.deliver(_noted(result, taken, at=self._clock.now()))
        elif self._sink.follower is not None:
            self._sink.follower.follow(result, Handled.model_validate_json(taken.step))

    def _spare(self, taken: Delivery, result: TriageResult) -> None:
        """Leave a sink alone that is down, until one page tries it again."""
        if taken.is_page and self._sink.backup is not None:
            self._hand_over(taken, result, self._sink.backup, "It is down, and was not tried.", failure="")
        else:
            self._deliveries.postpone(taken, delay_seconds=taken.sink_is_down_for_seconds)

    def _failed(self, taken: Delivery, result: TriageResult, error: NotDelivered) -> None:
        asked_for, failure = error.retry_after_seconds or 0.0, _shown(error)
        if error.is_final or self._are_tries_over(taken, asked_for):
            self._end(taken, result, failure, failure=failure)
            return
        delay = max(pause_seconds(taken.tries), asked_for)
        self._deliveries.postpone(taken, delay_seconds=delay, failure=failure, sink_pause_seconds=asked_for)
        self._say(taken, Outcome.POSTPONED, f"{failure} Again in {delay:.0f} s.")

    def _are_tries_over(self, taken: Delivery, asked_for_seconds: float) -> bool:
        if taken.is_page and self._sink.backup is not None:
            return taken.tries >= TRIES_LIMIT or asked_for_seconds > LONGEST_PAUSE_SECONDS
        return taken.tried_for_seconds >= TRIED_FOR_SECONDS

    def _end(self, taken: Delivery, result: TriageResult | None, why: str, *, failure: str) -> None:
        if taken.is_page and result is not None and self._sink.backup is not None:
            self._hand_over(taken, result, self._sink.backup, why, failure=failure)
        elif self._deliveries.give_up(taken, failure=failure):
            self._say(taken, Outcome.GIVEN_UP, why)

    def _hand_over(self, taken: Delivery, result: TriageResult, backup: str, why: str, *, failure: str) -> None:
        failed = f"{taken.sink} failed (tries: {taken.tries})" if failure else f"{taken.sink} failed"
        note = f"{taken.note}, {failed}" if taken.note else failed
        until = self._routes.quiet_until(backup, result, self._clock.now())
        delay = self._seconds_to(until) if until is not None else 0.0
        if self._deliveries.hand_over(taken, backup, delay_seconds=delay, note=note, failure=failure):
            self._say(taken, Outcome.HANDED_OVER, f"{why} {backup} gets it.")

    def _seconds_to(self, moment: datetime) -> float:
        return (moment - self._clock.now()).total_seconds()

    def _say(self, taken: Delivery, outcome: Outcome, detail: str = "") -> None:
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


def pause_seconds(tries: int) -> float:
    """Return how long to wait after so many tries: twice as long each time, up to five minutes."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(tries - 1, 16), LONGEST_PAUSE_SECONDS))


def _noted(result: TriageResult, taken: Delivery, *, at: datetime) -> TriageResult:
    """Return the result with what befell its page as the last thing that was seen: the card keeps that longest."""
    if not taken.note:
        return result
    statement = f"{taken.note}, so {taken.sink} has this page"
    seen = Evidence(evidence_id="D1", tool="delivery", statement=statement, observed_at=at)
    return result.model_copy(update={"evidence": (*result.evidence, seen)})


def _shown(error: NotDelivered) -> str:
    return one_line(STATELESS_MASKER.checked(str(error)), ERROR_LIMIT_BYTES)
