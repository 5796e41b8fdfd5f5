"""Offers at each look all that fires, and the end of what has gone; intake knows again what it was told before.

All memory is of this process: the alerts of the last look, and those that nobody has taken in yet. After a restart what
fires is a duplicate; what ended meanwhile was never seen to fire by this process and gets no end, so that its incident
is closed by its triage alone. `firstline poll` calls it, from one thread.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple, Protocol

import structlog

from producers.door import Door
from producers.intake import Answer, Verdict
from worker.contract import Alert, Incident, Resolution

__all__ = ["AlertSource", "Poller", "Seen", "Told", "is_news"]

SETTLING_SECONDS: Final = 180.0
"""Alertmanager forgets its alerts when it restarts, until Prometheus sends them again, within a minute as a rule;
Prometheus restores its own after two evaluations. What is missing until then is not over."""

BATCH_SIZE: Final = 300
"""Alerts offered at once; what was answered before an outage is not offered again after it."""

OWED_LIMIT: Final = 100_000
"""With so many alerts that nobody takes in, nothing further is looked at: what fires stays where it is."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look: what fires, the ids of what is there but silenced or inhibited, and why others were not understood."""

    firing: tuple[Incident, ...]
    withheld: frozenset[str] = frozenset()
    rejected: tuple[str, ...] = ()


class AlertSource(Protocol):
    """A system that lists what fires. Both calls block for seconds at the most, and raise `ApiError`."""

    def look(self, received_at: datetime) -> Seen:
        """Return what fires now."""
        ...

    def began_at(self) -> str | None:
        """Return when the system itself was started, in its own words; None when it does not tell."""
        ...


class Told(NamedTuple):
    """An alert that was offered, and the answer."""

    alert: Alert
    verdict: Verdict


class Poller:
    """Looks at one source and offers what it sees at one door. Not safe from several threads.

    Several pollers of one source agree on every identity, and so do the webhook and a poller of Alertmanager. What
    still fires when intake has forgotten it, a week after its incident was closed, opens another.
    """

    def __init__(
        self, source: AlertSource, door: Door, *, monotonic_seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._door = door
        self._monotonic_seconds = monotonic_seconds
        self._known: dict[str, Incident] = {}
        self._owed: dict[tuple[str, bool], Alert] = {}
        self._rejected: frozenset[str] = frozenset()
        self._starts: set[str | None] = set()
        self._settled_at_seconds = 0.0

    @property
    def owed(self) -> int:
        """How many alerts are kept that nobody has taken in yet."""
        return len(self._owed)

    @property
    def rejections(self) -> int:
        """How many alerts of the last look were not understood."""
        return len(self._rejected)

    def look(self, received_at: datetime) -> None:
        """See what fires and what is over, and owe both to the door. Raises `ApiError`; what is owed stays owed."""
        if self.owed >= OWED_LIMIT:
            log.warning("poll.look_skipped", owed=self.owed, remedy="let alerts be taken in again")
            return
        seen = self._source.look(received_at)
        began_at = self._source.began_at()
        self._notice_restart(began_at)
        for reason in sorted(frozenset(seen.rejected) - self._rejected):
            log.warning("poll.alert_rejected", reason=reason)
        self._rejected = frozenset(seen.rejected)
        firing = {incident.incident_id: incident for incident in seen.firing}
        self._owe_ends(firing.keys() | seen.withheld, received_at)
        for incident_id in firing:
            self._owed.pop((incident_id, False), None)
        self._known |= firing
        self._owed |= {(incident_id, True): incident for incident_id, incident in firing.items()}

    def hand_in(self) -> Iterator[Told]:
        """Offer all that is owed, and yield the answers as they come; what finds no room stays owed.

        Raises `IntakeUnavailable`: what has no answer yet stays owed.
        """
        owed = iter(list(self._owed.items()))
        while batch := list(islice(owed, BATCH_SIZE)):
            verdicts = self._door.take_in([alert for _, alert in batch])
            for (key, alert), verdict in zip(batch, verdicts, strict=True):
                if verdict.answer is not Answer.FULL:
                    del self._owed[key]
                yield Told(alert, verdict)

    def _notice_restart(self, began_at: str | None) -> None:
        # Behind one address there may be several, each with a start of its own: only one never seen is news.
        if self._starts and began_at not in self._starts:
            self._settled_at_seconds = self._monotonic_seconds() + SETTLING_SECONDS
            log.info("poll.source_restarted", settling_seconds=SETTLING_SECONDS)
        self._starts.add(began_at)

    def _owe_ends(self, present: frozenset[str] | set[str], resolved_at: datetime) -> None:
        if self._monotonic_seconds() < self._settled_at_seconds:
            return
        for incident_id in [known for known in self._known if known not in present]:
            self._owed[incident_id, False] = _end_of(self._known.pop(incident_id), resolved_at)


def is_news(told: Told) -> bool:
    """Say whether an answer changed something: what fires is offered at each look, and mostly known."""
    if isinstance(told.alert, Resolution):
        return told.verdict.answer is Answer.RESOLVED
    return told.verdict.answer in {Answer.ACCEPTED, Answer.ATTACHED, Answer.SPOOLED}


def _end_of(incident: Incident, resolved_at: datetime) -> Resolution:
    return Resolution(
        incident_id=incident.incident_id,
        source=incident.source,
        fingerprint=incident.fingerprint,
        server_id=incident.server_id,
        text=incident.text,
        resolved_at=resolved_at,
        received_at=resolved_at,
    )
