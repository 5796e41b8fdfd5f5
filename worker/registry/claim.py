"""A claim: one worker's hold on one incident, under an epoch. The only way to write to an incident after intake.

Made by `Registry.claim`; the triage writes its steps through it (`worker.ports.Journal`), the task its result.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Self

from redis import Redis
from redis.commands.core import Script

from worker.contract.incident import Incident
from worker.contract.queue import (
    DEAD_LETTERS,
    OPEN_INCIDENTS,
    RESULTS_STREAM,
    WATCHED_INCIDENTS,
    incident_key,
    journal_key,
)
from worker.contract.result import Disposition, TriageResult
from worker.contract.transcript import Step
from worker.errors import StaleClaim
from worker.registry.lease import Lease
from worker.registry.letter import letter_fields_of_incident
from worker.registry.script import load_script

__all__ = ["Claim", "ClaimScripts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimScripts:
    """What a claim writes with."""

    append: Script
    finish: Script

    @classmethod
    def load(cls, redis: Redis) -> Self:
        """Bind the scripts to one Redis."""
        return cls(append=load_script(redis, "append.lua"), finish=load_script(redis, "finish.lua"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Claim:
    """An incident that is this worker's, until the context that gave it is left.

    `epoch` counts the claims of this incident, `deliveries` its messages. `is_the_last`: so many claims have come to
    no result that nobody should try again; close it. `steps` are what earlier claims had recorded,
    oldest first: number new steps on from the last. `accepted_at` is the time of intake by Redis' clock.

    Redis errors (`redis.exceptions.RedisError`) pass through `record` and `finish`; whether the write arrived is then
    not known, and the same call may be made again while the lease lives.
    """

    incident: Incident
    epoch: int
    deliveries: int
    is_the_last: bool
    steps: tuple[Step, ...]
    accepted_at: datetime
    lease: Lease = field(repr=False)
    scripts: ClaimScripts = field(repr=False)
    retention_seconds: float = field(repr=False)
    monotonic: Callable[[], float] = field(repr=False)

    def record(self, step: Step) -> None:
        """Write one step to the journal. A step whose number stands there already is not written again.

        Raises `StaleClaim`, having written nothing, when the lease is lost or another claim came after this one.
        """
        self._check_lease()
        reply = self.scripts.append(keys=self._keys(), args=[self.lease.claim, step.number, step.model_dump_json()])
        self._check_reply(reply)

    def finish(self, result: TriageResult) -> bool:
        """Close the incident and publish its result, in one script, and let both expire after the retention.

        A result that says `dead_lettered` leaves the incident's dead letter in the same script.
        True when this call published; False, with nothing written, when this claim had done so already. Raises
        `StaleClaim`, having written nothing, when the lease is lost or another claim came after this one.
        """
        self._check_lease()
        letter = {}
        if result.disposition is Disposition.DEAD_LETTERED:
            letter = letter_fields_of_incident(result.ending, self.incident, detail=result.summary)
        reply = self.scripts.finish(
            keys=[*self._keys(), OPEN_INCIDENTS, RESULTS_STREAM, WATCHED_INCIDENTS, DEAD_LETTERS],
            args=[
                self.incident.incident_id,
                self.lease.claim,
                result.model_dump_json(),
                round(self.retention_seconds * 1000),
                *chain.from_iterable(letter.items()),
            ],
        )
        self._check_reply(reply)
        self.lease.needs_release = False
        return bool(reply == "published")

    def _keys(self) -> list[str]:
        return [incident_key(self.incident.incident_id), journal_key(self.incident.incident_id)]

    def _check_lease(self) -> None:
        if self.lease.is_lost(now=self.monotonic()):
            raise self._stale()

    def _check_reply(self, reply: str) -> None:
        if reply == "stale":
            self.lease.lose()
            raise self._stale()

    def _stale(self) -> StaleClaim:
        return StaleClaim(
            f"Epoch {self.epoch} of {self.incident.incident_id} is over: its lease was lost or given back."
        )
