"""One sink's sender: takes what is due at it, one after the other, sends it, and notes what came of that.

Each sink has a sender and a thread of its own, so that one that hangs delays nobody else's pages. What fails comes
again after a growing pause, and goes to the backup sink when the tries are over; of a sink that is down every page goes
there at once. Nothing is sent that was not taken under a lease, and no page that nobody needs.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError

from worker.contract import Severity, TriageResult
from worker.contract.handling import Handled
from worker.errors import ContractError, NotDelivered
from worker.escalation.deliveries import HEAD_START_SECONDS, PAUSE_WAITED_OUT_SECONDS, Deliveries
from worker.escalation.delivery import Delivery
from worker.escalation.routes import Routes, severity_of
from worker.escalation.standing import Standings
from worker.escalation.telling import Outcome, Teller, Told, noted, shown
from worker.ports import Clock, Follower, Notifier

__all__ = ["Sender", "SinkInUse", "head_start_seconds", "keep_sending", "pause_seconds"]

FIRST_PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE_SECONDS: Final = 300.0
"""Whatever a sink asks for: its word must not close it to every page for a day."""
TRIES_LIMIT: Final = 6
"""Then the backup sink gets the page: after about a minute of pauses."""

TRIED_FOR_SECONDS: Final = 86_400.0
"""How long it is tried at least where there is no backup sink, and as often as with one."""

POLL_SECONDS: Final = 0.5
REDIS_PAUSE_SECONDS: Final = 5.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkInUse:
    """A sink as the routes file names it, behind its gates; `follower` is None where it shows no actions."""

    name: str
    notifier: Notifier
    follower: Follower | None = None
    backup: str | None = None


class Sender:
    """Sends for one sink; of several consumers each has one, and they share the work. For one thread."""

    def __init__(
        self,
        sink: SinkInUse,
        *,
        deliveries: Deliveries,
        standings: Standings,
        routes: Routes,
        chains: str,
        clock: Clock,
        tell: Callable[[Told], None],
    ) -> None:
        """`chains` tells this routes file's backups from another's."""
        self._sink = sink
        self._deliveries = deliveries
        self._standings = standings
        self._routes = routes
        self._chains = chains
        self._clock = clock
        self._teller = Teller(clock, tell)
        self._said_yes: list[tuple[Delivery, bool]] = []
        self._is_awake = False

    def run(self, stop: threading.Event) -> None:
        """Send until told to stop; what is being sent is finished first."""
        keep_sending(self.send_next, stop, name=self._sink.name)

    def send_next(self) -> bool:
        """Send what is due first, or put it where it belongs; False when nothing is due. Raises `RedisError`."""
        if not self._is_awake:
            self._deliveries.wake(self._sink.name)
            self._is_awake = True
        self._record_yes()
        taken = self._deliveries.take(self._sink.name)
        if taken is None:
            return False
        try:
            result = TriageResult.model_validate_json(taken.result)
        except ValidationError:
            self._end(taken, None, "What was kept for it can't be read.")
            return True
        if not (taken.is_page and self._is_kept_back(taken, result)):
            self._spare_or_try(taken, result)
        return True

    def _is_kept_back(self, taken: Delivery, result: TriageResult) -> bool:
        """Look at what engineers did and at the hours: both may be others than when the page was noted."""
        standing = self._standings.of(result)
        if standing.done is not None:
            self._deliveries.follow(result, standing.done)
        if standing.settled is not None:
            if self._deliveries.settle(taken):
                self._teller.say(taken, Outcome.SETTLED, standing.settled)
            return True
        until = self._routes.held_until(self._sink.name, result, self._clock.now())
        if until is not None:
            self._deliveries.hold(taken, delay_seconds=self._seconds_to(until))
        return until is not None

    def _spare_or_try(self, taken: Delivery, result: TriageResult) -> None:
        if taken.sink_is_down_for_seconds > 0:
            self._spare(taken, result)
        else:
            self._try(taken, result)

    def _try(self, taken: Delivery, result: TriageResult) -> None:
        if taken.tries > 1:
            log.info("delivery.repeated", sink=taken.sink, incident_id=taken.incident_id, tries=taken.tries)
        try:
            is_sent = self._send(taken, result)
        except ContractError as error:
            self._end(taken, result, f"It can't be shown there: {error}.")
        except NotDelivered as error:
            self._failed(taken, result, error)
        except Exception as error:  # noqa: BLE001 - a mistake of the sink's code is its failure, and stops no other page
            self._failed(taken, result, NotDelivered(f"The sink itself broke ({type(error).__name__})."))
        else:
            self._said_yes.append((taken, is_sent))
            self._record_yes()
            if is_sent:
                self._teller.say(taken, Outcome.DELIVERED)

    def _record_yes(self) -> None:
        """Record each yes; what Redis was away for is recorded before anything else is sent. Raises `RedisError`."""
        while self._said_yes:
            taken, is_sent = self._said_yes[0]
            self._deliveries.record(taken, is_sent=is_sent)
            del self._said_yes[0]

    def _send(self, taken: Delivery, result: TriageResult) -> bool:
        """Return whether there was anything to send."""
        if taken.is_page:
            self._sink.notifier.deliver(noted(result, taken, at=self._clock.now()))
            return True
        if self._sink.follower is None:
            return False
        return self._sink.follower.follow(result, Handled.model_validate_json(taken.step))

    def _spare(self, taken: Delivery, result: TriageResult) -> None:
        """Leave a sink alone that is down or wants a long pause, until one page tries it again."""
        if taken.is_page and self._sink.backup is not None:
            self._hand_over(taken, result, self._sink.backup, "It is down or pauses, and was not tried.")
        else:
            delay = min(taken.sink_is_down_for_seconds, LONGEST_PAUSE_SECONDS)
            self._deliveries.spare(taken, delay_seconds=delay, is_urgent=_is_urgent(result))

    def _failed(self, taken: Delivery, result: TriageResult, error: NotDelivered) -> None:
        failure = shown(error)
        if self._are_tries_over(taken, error):
            self._end(taken, result, failure, error)
            return
        asked_for = _pause_of(error)
        delay = max(pause_seconds(taken.tries), asked_for)
        self._deliveries.postpone(
            taken,
            delay_seconds=delay,
            failure=failure,
            sink_pause_seconds=asked_for,
            is_doubtful=error.is_doubtful,
            is_urgent=_is_urgent(result),
        )
        self._teller.say(taken, Outcome.POSTPONED, f"{failure} Again in {delay:.0f} s.")

    def _are_tries_over(self, taken: Delivery, error: NotDelivered) -> bool:
        if error.is_final or (error.final_at_try is not None and taken.tries >= error.final_at_try):
            return True
        if taken.is_page and self._sink.backup is not None:
            return taken.tries >= TRIES_LIMIT or _pause_of(error) > PAUSE_WAITED_OUT_SECONDS
        return taken.tries >= TRIES_LIMIT and taken.tried_for_seconds >= TRIED_FOR_SECONDS

    def _end(self, taken: Delivery, result: TriageResult | None, why: str, error: NotDelivered | None = None) -> None:
        if taken.is_page and result is not None and self._sink.backup is not None:
            self._hand_over(taken, result, self._sink.backup, why, error)
            return
        failure, is_doubtful = (shown(error), error.is_doubtful) if error is not None else ("", False)
        ended = self._deliveries.give_up(taken, failure=failure, routes=self._chains, is_doubtful=is_doubtful)
        self._teller.say_ended(taken, ended, why)

    def _hand_over(
        self, taken: Delivery, result: TriageResult, backup: str, why: str, error: NotDelivered | None = None
    ) -> None:
        failed = f"{taken.sink} failed (tries: {taken.tries})" if error is not None else f"{taken.sink} failed"
        until = self._routes.held_until(backup, result, self._clock.now())
        ended = self._deliveries.hand_over(
            taken,
            backup,
            routes=self._chains,
            delay_seconds=self._seconds_to(until) if until is not None else -head_start_seconds(result),
            note=f"{taken.note}, {failed}" if taken.note else failed,
            failure=shown(error) if error is not None else "",
            sink_pause_seconds=_pause_of(error) if error is not None else 0.0,
            is_doubtful=error is not None and error.is_doubtful,
        )
        self._teller.say_ended(taken, ended, why, backup)

    def _seconds_to(self, moment: datetime) -> float:
        return (moment - self._clock.now()).total_seconds()


def keep_sending(send_next: Callable[[], bool], stop: threading.Event, *, name: str) -> None:
    """Call a sink's `send_next` until told to stop, with a pause where nothing is due or Redis is away."""
    while not stop.is_set():
        try:
            is_busy = send_next()
        except RedisError as error:
            log.warning("redis.lost", sink=name, error=type(error).__name__)
            stop.wait(REDIS_PAUSE_SECONDS)
            continue
        except Exception:  # the thread's boundary: without it the sink's pages would stop
            log.exception("sink.not_served", sink=name)
            is_busy = False
        if not is_busy:
            stop.wait(POLL_SECONDS)


def head_start_seconds(result: TriageResult) -> float:
    """Return how long before its time a page is due: what is critical passes the rest."""
    return HEAD_START_SECONDS if _is_urgent(result) else 0.0


def pause_seconds(tries: int) -> float:
    """Return how long to wait after so many tries: twice as long each time, up to five minutes."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(tries - 1, 16), LONGEST_PAUSE_SECONDS))


def _pause_of(error: NotDelivered) -> float:
    return min(error.retry_after_seconds or 0.0, LONGEST_PAUSE_SECONDS)


def _is_urgent(result: TriageResult) -> bool:
    return severity_of(result) is Severity.CRITICAL
