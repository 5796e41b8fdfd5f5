"""From a result to its sinks: notes durably what goes where, and runs the senders that bring it there.

`deliver` returns when every sink of the result's routes has it noted in Redis; then the stream's entry may be
acknowledged, whatever becomes of this process. What was noted is sent once, however often the result comes again.
A newer result that opens its incident again is shown where the page is, or pages where nobody was paged, or where the
routes lead now if the page is with no present sink. How an approved restart ended is shown where the page of its
proposal is, too. Made by `firstline escalations`; `follow` is for whoever records what engineers do, in any process.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256

import structlog

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.escalation.deliveries import Deliveries
from worker.escalation.left_sinks import LeftSinks
from worker.escalation.routes import Routes
from worker.escalation.sending import Sender, SinkInUse, head_start_seconds
from worker.escalation.standing import Standings
from worker.escalation.telling import Told
from worker.ports import Clock
from worker.registry.follow_ups import original_of

__all__ = ["Dispatcher"]

log = structlog.get_logger()


class Dispatcher:
    """A notifier for the consumer, and a follower: both only note, and are safe from many threads.

    Either `start` or `drain` sends; each sink must be served by one of them only.
    """

    def __init__(
        self,
        sinks: Sequence[SinkInUse],
        *,
        routes: Routes,
        deliveries: Deliveries,
        standings: Standings,
        clock: Clock,
        tell: Callable[[Told], None] = lambda _: None,
    ) -> None:
        self._routes = routes
        self._deliveries = deliveries
        self._standings = standings
        self._clock = clock
        chains = _told_apart(sinks)
        self.senders: Mapping[str, Sender] = {
            sink.name: Sender(
                sink, deliveries=deliveries, standings=standings, routes=routes, chains=chains, clock=clock, tell=tell
            )
            for sink in sinks
        }
        self._left = LeftSinks(
            self.senders, deliveries=deliveries, routes=routes, chains=chains, clock=clock, tell=tell
        )

    def deliver(self, result: TriageResult) -> None:
        """Note for each sink of its routes that it is to have the result. Raises `RedisError`.

        Sinks that know its incident hear that the result opened it again, once; what was settled unsent is a page then.
        The end of an approved restart is noted where its proposal's page is as well: a thread with a question in it
        gets its answer, whoever else is paged.
        """
        now, incident_id = self._clock.now(), result.incident.incident_id
        self._schedule(result, self._sinks_for(result, now), now)
        reopened = self._standings.opened_again(result)
        if reopened is not None:
            if self._deliveries.is_left_behind(result, self.senders):
                self._schedule(result, self._routes.sinks_for(result, now), now, is_anew=True)
            sinks = self._deliveries.follow(result, reopened, is_newer=True)
            log.info("opening_again.noted", incident_id=incident_id, sinks=sinks)
        self._tell_original(result)

    def _schedule(
        self, result: TriageResult, sinks: Mapping[str, datetime | None], now: datetime, *, is_anew: bool = False
    ) -> None:
        incident_id = result.incident.incident_id
        for sink, until in sinks.items():
            delay = (until - now).total_seconds() if until is not None else -head_start_seconds(result)
            is_new = self._deliveries.schedule(sink, result, delay_seconds=delay, is_anew=is_anew)
            log.info("delivery.noted", sink=sink, incident_id=incident_id, is_new=is_new, until=until)

    def _tell_original(self, result: TriageResult) -> None:
        """Let the same result always be the same actions: what comes often is shown once."""
        original_id = original_of(result)
        original = self._standings.result_of(original_id) if original_id is not None else None
        if original is None:
            return
        for end in self._standings.tell_end(result):
            sinks = self._deliveries.follow(original, end)
            log.info("follow_up.told", incident_id=original_id, action=end.action, sinks=sinks)

    def _sinks_for(self, result: TriageResult, now: datetime) -> Mapping[str, datetime | None]:
        """Return the sinks that the incident was routed to first: a result that comes again pages nobody else.

        Only where one of them left the file before it had the page noted, the present routes count, too.
        """
        routed = self._routes.sinks_for(result, now)
        first = self._deliveries.routed(result, list(routed))
        kept = {sink: self._routes.held_until(sink, result, now) for sink in first if sink in self.senders}
        incident_id = result.incident.incident_id
        if all(sink in kept or self._deliveries.is_noted(sink, incident_id) for sink in first):
            return {sink: routed.get(sink, until) for sink, until in kept.items()}
        return {**kept, **routed}

    def follow(self, result: TriageResult, handled: Handled) -> None:
        """Note for each sink that has the page, or will, that it is to show this action. Raises `RedisError`."""
        self._deliveries.follow(result, handled)

    def start(self, stop: threading.Event) -> list[threading.Thread]:
        """Start a thread for each sink, and one for those that left the routes file, and return them.

        After `stop` each finishes what it is sending, and ends.
        """
        runs = {**{f"sink-{name}": sender.run for name, sender in self.senders.items()}, "left-sinks": self._left.run}
        threads = [threading.Thread(target=run, args=(stop,), name=name, daemon=True) for name, run in runs.items()]
        for thread in threads:
            thread.start()
        return threads

    def drain(self) -> None:
        """Send what is due now, to all sinks at once, until nothing is. Raises `RedisError`."""
        senders: list[Sender | LeftSinks] = [*self.senders.values(), self._left]
        with ThreadPoolExecutor(max_workers=len(senders), thread_name_prefix="sink") as threads:
            while any(list(threads.map(_drained, senders))):
                pass


def _drained(sender: Sender | LeftSinks) -> bool:
    """Send until nothing is due, and say whether anything was."""
    is_any = False
    while sender.send_next():
        is_any = True
    return is_any


def _told_apart(sinks: Sequence[SinkInUse]) -> str:
    """Return a short text that tells these sinks' chains of backups from others."""
    chains = sorted(f"{sink.name} {sink.backup or ''}" for sink in sinks)
    return sha256("\n".join(chains).encode()).hexdigest()[:16]
