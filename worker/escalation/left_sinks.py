"""Sinks that have left the routes file: what waits for them is handed to the sinks that the present routes name.

A sink without a table has no sender, and nobody would get its pages. Of what engineers did since a page, nothing is
handed on: it waits, and is shown where the page is, if the table comes back before its record ends. Nothing is sent
from here. Made by the dispatcher, for a thread of its own.
"""

import threading
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from worker.contract import TriageResult
from worker.escalation.deliveries import Deliveries
from worker.escalation.delivery import Delivery
from worker.escalation.routes import Routes
from worker.escalation.sending import head_start_seconds, keep_sending
from worker.escalation.telling import Teller, Told
from worker.ports import Clock

__all__ = ["LeftSinks"]

STEP_PAUSE_SECONDS: Final = 300.0
"""How soon what waits is sent, at the latest, after its sink's table came back."""


class LeftSinks:
    """Hands on what is due at every sink that was ever noted something and that no consumer serves.

    A consumer with another routes file may run as well while the file is changed: nobody takes its pages from it.
    """

    def __init__(
        self,
        present: Collection[str],
        *,
        deliveries: Deliveries,
        routes: Routes,
        chains: str,
        clock: Clock,
        tell: Callable[[Told], None],
    ) -> None:
        """`chains` tells this routes file's backups from another's."""
        self._present = frozenset(present)
        self._deliveries = deliveries
        self._routes = routes
        self._chains = chains
        self._clock = clock
        self._teller = Teller(clock, tell)
        self._awake: set[str] = set()

    def run(self, stop: threading.Event) -> None:
        """Hand on until told to stop."""
        keep_sending(self.send_next, stop, name="not in the routes file")

    def send_next(self) -> bool:
        """Hand on what is due first at one of them; False when nothing is due at any. Raises `RedisError`."""
        self._deliveries.serve(self._present)
        # Its own are never among them, however long this process stood still after it had said so.
        left = [sink for sink in self._deliveries.unserved() if sink not in self._present]
        return any(self._hand_on(sink) for sink in left)

    def _hand_on(self, sink: str) -> bool:
        if sink not in self._awake:
            self._deliveries.wake(sink)
            self._awake.add(sink)
        taken = self._deliveries.take(sink)
        if taken is None:
            return False
        if taken.is_page:
            self._hand_on_page(taken)
        else:
            self._deliveries.spare(taken, delay_seconds=STEP_PAUSE_SECONDS, is_urgent=False)
        return True

    def _hand_on_page(self, taken: Delivery) -> None:
        try:
            result = TriageResult.model_validate_json(taken.result)
        except ValidationError:
            self._give_up(taken, "What was kept for it can't be read.")
            return
        now = self._clock.now()
        delays = {
            sink: _delay_seconds(result, until, now) for sink, until in self._routes.sinks_for(result, now).items()
        }
        if not delays:
            self._give_up(taken, "It has left the routes file, and no route takes this result.")
            return
        first, *others = delays
        for sink in others:
            self._deliveries.schedule(sink, result, delay_seconds=delays[sink])
        why = f"{taken.sink} has left the routes file"
        ended = self._deliveries.hand_over(
            taken,
            first,
            routes=self._chains,
            delay_seconds=delays[first],
            note=f"{taken.note}, {why}" if taken.note else why,
        )
        self._teller.say_ended(taken, ended, "It has left the routes file.", first)

    def _give_up(self, taken: Delivery, why: str) -> None:
        self._teller.say_ended(taken, self._deliveries.give_up(taken, failure="", routes=self._chains), why)


def _delay_seconds(result: TriageResult, until: datetime | None, now: datetime) -> float:
    return (until - now).total_seconds() if until is not None else -head_start_seconds(result)
