"""A claim: one worker's hold on one incident, under an epoch. The only way to write to an incident after intake.

Made by `Registry.claim`; the triage writes its steps through it (`worker.ports.Journal`), the task its result.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Final, Self, TypeVar, cast

import structlog
from redis import Redis
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError
from redis.exceptions import TimeoutError as RedisTimeoutError

from worker.contract.incident import Alert, Incident
from worker.contract.queue import (
    DEAD_LETTERS,
    OPEN_INCIDENTS,
    PROPOSALS,
    RESULTS_STREAM,
    WATCHED_INCIDENTS,
    alerts_key,
    group_key,
    incident_key,
    journal_key,
    placeholders_key,
)
from worker.contract.result import Disposition, Occurrences, TriageResult
from worker.contract.text import cut_to_bytes
from worker.contract.transcript import Step
from worker.errors import StaleClaim
from worker.registry.claim_redaction import ClaimRedaction
from worker.registry.lease import Lease
from worker.registry.letter import letter_fields_of_incident
from worker.registry.occurrences import alerts_that_came, occurrences_of
from worker.registry.script import load_script
from worker.registry.view import readable_alerts

__all__ = ["Claim", "ClaimScripts", "Finished"]

_PAUSE_SECONDS: Final = 0.5
_ALERTS_TOLD: Final = 5
_TOLD_BYTES: Final = 200
"""How many of the attached alerts a result quotes, and how much of each."""

_Reply = TypeVar("_Reply")
log = structlog.get_logger()


class Finished(StrEnum):
    """What became of a result: it was published, this claim had published before, or a firing has overtaken it.

    OVERTAKEN: nothing was written, and the incident is still this claim's: look again.
    """

    PUBLISHED = "published"
    REPEATED = "repeated"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimScripts:
    """What a claim writes with."""

    append: Script
    finish: Script

    @classmethod
    def load(cls, redis: Redis) -> Self:
        """Bind the scripts to one Redis."""
        return cls(append=load_script(redis, "append.lua"), finish=load_script(redis, "finish.lua"))


@dataclass(slots=True, kw_only=True, eq=False)
class Claim:
    """An incident that is this worker's, until the context that gave it is left. For one thread.

    `epoch` counts the claims of this incident, `deliveries` its messages. `is_the_last`: so many claims have come to
    no result that nobody should try again; close it. `steps` are what was recorded until now, by earlier claims too,
    oldest first: number new steps on from the last. `accepted_at` is the time of intake by Redis' clock. `occurrences`
    counts the alerts that came to the incident, as of the last answer of Redis; `times_overtaken`, how often a result
    was. `incident` is as it came, and must not leave; `masked_incident` may.

    While Redis gives no answer, `record` and `finish` are repeated as long as the lease lives, then they raise
    `StaleClaim`; a refusal of Redis (`redis.exceptions.ResponseError`) passes through.
    """

    incident: Incident
    epoch: int
    deliveries: int
    is_the_last: bool
    steps: tuple[Step, ...]
    accepted_at: datetime
    occurrences: Occurrences
    times_overtaken: int = 0
    redis: Redis = field(repr=False)
    lease: Lease = field(repr=False)
    redaction: ClaimRedaction = field(repr=False)
    scripts: ClaimScripts = field(repr=False)
    retention_seconds: float = field(repr=False)
    monotonic: Callable[[], float] = field(repr=False)
    pause: Callable[[float], None] = field(repr=False)
    _masked_incident: Incident | None = field(default=None, repr=False)

    @property
    def masked_incident(self) -> Incident:
        """The incident under this claim's placeholders; each time the same."""
        if self._masked_incident is None:
            masked = self.redaction.masked_alert(self.incident)
            assert isinstance(masked, Incident)  # noqa: S101 - an incident's mask is one
            self._masked_incident = masked
        return self._masked_incident

    @property
    def alerts_that_came(self) -> int:
        """How many alerts came after the incident's own, further occurrences and ends; as of the last answer."""
        return alerts_that_came(self.occurrences)

    def newest_alerts(self) -> tuple[Alert, ...]:
        """Read the newest of the alerts that came, newest first, masked; one that can't be read is left out."""
        incident_id = self.incident.incident_id
        stored = self._persisted(lambda: self.redis.lrange(alerts_key(incident_id), 0, -1))
        alerts = readable_alerts(incident_id, cast("list[str]", stored))
        return tuple(self.redaction.masked_alert(alert) for alert in alerts)

    def record(self, step: Step) -> None:
        """Write one step to the journal. A step whose number stands there already is not written again.

        Raises `StaleClaim`, having written nothing, when the lease is lost or another claim came after this one.
        """
        self._keep_placeholders()
        arguments: list[str | int] = [self.lease.claim, step.number, step.model_dump_json()]
        self._take_note(self._persisted(lambda: self.scripts.append(keys=self._keys(), args=arguments)))
        if not self.steps or self.steps[-1].number < step.number:
            self.steps = (*self.steps, step)

    def finish(self, result: TriageResult) -> Finished:
        """Close the incident and publish its result, in one script, and let both expire after the retention.

        The result is published with the count of all alerts that came until then; its own says how many it has heard
        of. One that says `dead_lettered` leaves the incident's dead letter in the same script. Raises `StaleClaim`,
        having written nothing, when the lease is lost or another claim came after this one.
        """
        letter: Mapping[str, str] = {}
        result = self.redaction.masked_result(result.model_copy(update={"incident": self.masked_incident}))
        if result.disposition is Disposition.DEAD_LETTERED:
            letter = letter_fields_of_incident(result.ending, self.masked_incident, detail=result.summary)
        while not self._overtakes(result):
            told = result.model_copy(update={"occurrences": self._told()})
            self._keep_placeholders()
            reply = self._publish(told, letter)
            self._take_note(reply)
            if reply[0] != "news":
                self.lease.needs_release = False
                return Finished(reply[0])
        self.times_overtaken += 1
        return Finished.OVERTAKEN

    def _overtakes(self, result: TriageResult) -> bool:
        """Whether an alert fires that a good end has not heard of: nobody would look at it any more."""
        is_good = result.disposition in {Disposition.RECOVERED, Disposition.NO_ACTION}
        return is_good and self.occurrences.count > result.occurrences.count

    def _told(self) -> Occurrences:
        if self.occurrences.count == 1:
            return self.occurrences
        firing = [alert.text for alert in self.newest_alerts() if isinstance(alert, Incident)]
        newest = tuple(cut_to_bytes(text, _TOLD_BYTES) for text in firing[:_ALERTS_TOLD])
        return self.occurrences.model_copy(update={"newest": newest})

    def _keep_placeholders(self) -> None:
        incident_id = self.incident.incident_id
        if not self.redaction.keep(incident_id, claim=self.lease.claim, persisted=self._persisted):
            self.lease.lose()
            raise self._stale()

    def _publish(self, result: TriageResult, letter: Mapping[str, str]) -> list[str]:
        watching = [OPEN_INCIDENTS, RESULTS_STREAM, WATCHED_INCIDENTS, DEAD_LETTERS]
        group = group_key(self.incident.group) if self.incident.group else ""
        incident_id = self.incident.incident_id
        keys = [*self._keys(), *watching, alerts_key(incident_id), group, placeholders_key(incident_id), PROPOSALS]
        arguments: list[str | int] = [
            incident_id,
            self.lease.claim,
            result.model_dump_json(),
            round(self.retention_seconds * 1000),
            result.disposition,
            alerts_that_came(result.occurrences),
            *chain.from_iterable(letter.items()),
        ]
        reply: list[str] = self._persisted(lambda: self.scripts.finish(keys=keys, args=arguments))
        return reply

    def _keys(self) -> list[str]:
        return [incident_key(self.incident.incident_id), journal_key(self.incident.incident_id)]

    def _persisted(self, ask: Callable[[], _Reply]) -> _Reply:
        """Ask Redis until it answers, as long as the lease lives: a short outage must not cost a triage its end."""
        while True:
            if self.lease.is_lost(now=self.monotonic()):
                raise self._stale()
            try:
                return ask()
            except (RedisConnectionError, RedisTimeoutError, OutOfMemoryError) as error:
                log.warning("registry.asked_again", incident_id=self.incident.incident_id, error=type(error).__name__)
                self.pause(_PAUSE_SECONDS)

    def _take_note(self, reply: list[str]) -> None:
        if reply[0] == "stale":
            self.lease.lose()
            raise self._stale()
        if reply[1:]:
            self.occurrences = occurrences_of(reply[1:], first_seen_at=self.accepted_at)

    def _stale(self) -> StaleClaim:
        return StaleClaim(
            f"Epoch {self.epoch} of {self.incident.incident_id} is over: its lease was lost or given back."
        )
