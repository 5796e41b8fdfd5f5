"""The registry: the record of every incident and its state. It is the truth; a broker message is only a hint.

    NEW ── claim ──► CLAIMED (epoch, lease) ── finish ──► CLOSED (result published, expires after the retention)
     ▲                  │
     └──── release ─────┘            a lease that runs out lets the next claim in, under the next epoch

Every move is one Lua script on Redis' own clock, and compares the epoch: what an earlier claim still wants to write is
refused. Intake makes the entry, the triage task claims it. Nothing here decides what becomes of an incident.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

import structlog
from redis import Redis
from redis.exceptions import RedisError

from worker.contract.incident import Incident
from worker.contract.queue import incident_key, journal_key, worker_key
from worker.contract.transcript import Step
from worker.errors import ContractError
from worker.redaction import Detector, PatternDetector, RedactionRules
from worker.registry.claim import Claim, ClaimScripts
from worker.registry.claim_redaction import ClaimRedaction
from worker.registry.lease import Lease, LeaseKeeper
from worker.registry.occurrences import occurrences_of
from worker.registry.placeholder_store import PlaceholderStore, most_kept
from worker.registry.script import load_script
from worker.registry.view import RegistryView, time_of, unreadable

__all__ = ["BEAT_INTERVAL_SECONDS", "CLAIMS_LIMIT", "LEASE_SECONDS", "RETENTION_SECONDS", "Registry"]

LEASE_SECONDS: Final = 30.0
"""How long a dead worker keeps an incident from the others; its claims are renewed every third of it."""

CLAIMS_LIMIT: Final = 5
"""An incident on which so many claims came to no result kills workers, or something else is badly wrong."""

CLAIMS_TOO_MANY: Final = 2 * CLAIMS_LIMIT
"""Claims after the limit should end the incident; when those come to no end either, it is buried unread."""

RETENTION_SECONDS: Final = 7 * 24 * 3600.0
"""How long a closed incident can still be looked up."""

BEAT_INTERVAL_SECONDS: Final = 5.0
_BEAT_SECONDS: Final = 15
"""A worker that has not beaten for so long is not listed any more."""

_log = structlog.get_logger(__name__)


class Registry(RegistryView):
    """The registry for one worker: all of the view, and claims. Safe to use from many threads.

    Redis errors (`redis.exceptions.RedisError`) pass through every method.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        worker: str,
        detector: Detector | None = None,
        placeholder_store: PlaceholderStore | None = None,
        lease_seconds: float = LEASE_SECONDS,
        retention_seconds: float = RETENTION_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Mask with `detector`, by default under the default rules; without a store no placeholder can be revealed."""
        super().__init__(redis)
        self._worker = worker
        self._detector = detector or PatternDetector(RedactionRules())
        self._placeholder_store = placeholder_store
        self._lease_seconds = lease_seconds
        self._retention_seconds = retention_seconds
        self._monotonic = monotonic
        self._pause = pause
        self._claim = load_script(redis, "claim.lua")
        self._release = load_script(redis, "release.lua")
        self._claim_scripts = ClaimScripts.load(redis)
        self._keeper = LeaseKeeper(redis, lease_seconds=lease_seconds, monotonic=monotonic)

    def mask_with(self, detector: Detector) -> None:
        """Mask the claims that come from now on with another detector."""
        self._detector = detector

    @contextmanager
    def claim(self, incident_id: str) -> Iterator[Claim | None]:
        """Hold an incident for the length of the context, or give None: unknown, closed, or another worker's.

        Every call counts as a delivery. Of two that claim at once one gets None. The lease is renewed until the context
        is left; an incident that was not finished by then can be claimed again at once. Raises `ContractError` when
        what is stored can't be read; nobody holds the incident then.
        """
        taken_at = self._monotonic()
        reply = self._claim(
            keys=[incident_key(incident_id), journal_key(incident_id)],
            args=[self._worker, uuid4().hex, round(self._lease_seconds * 1000), CLAIMS_TOO_MANY],
        )
        if reply[0] == "unreadable":
            raise ContractError(f"The registry's entry of {incident_id} is none: {reply[1]}")
        if reply[0] != "claimed":
            # A message for an incident that nobody knows was written by a stranger, or its entry is gone.
            tell = _log.warning if reply[0] == "unknown" else _log.info
            tell("registry.claim_refused", incident_id=incident_id, reason=reply[0])
            yield None
            return
        lease = Lease(
            incident_id,
            epoch=int(reply[1]),
            claim=f"{reply[1]}@{reply[4]}",
            seconds=self._lease_seconds,
            taken_at=taken_at,
        )
        self._keeper.hold(lease)
        try:
            yield self._claim_of(reply, lease)
        finally:
            self._give_back(lease)

    def beat(self, fields: Mapping[str, str | float]) -> None:
        """Say that this worker lives, and how it does (one field at least); the word holds for 15 s."""
        key = worker_key(self._worker)
        with self._redis.pipeline() as pipeline:
            pipeline.hset(key, mapping={name: str(value) for name, value in fields.items()})
            pipeline.expire(key, _BEAT_SECONDS)
            pipeline.execute()

    def close(self) -> None:
        """Stop renewing; whatever is still claimed runs out within its lease."""
        self._keeper.close()

    def _claim_of(self, reply: list[Any], lease: Lease) -> Claim:
        _, _, deliveries, stored, accepted_ms, steps, *alerts = reply
        try:
            incident = Incident.model_validate_json(stored)
            if incident.incident_id != lease.incident_id:
                raise ContractError(f"The registry's entry of {lease.incident_id} holds another incident.")
            accepted_at = time_of(int(accepted_ms))
            return Claim(
                incident=incident,
                epoch=lease.epoch,
                deliveries=int(deliveries),
                is_the_last=lease.epoch > CLAIMS_LIMIT,
                steps=tuple(Step.model_validate_json(step) for step in steps),
                accepted_at=accepted_at,
                occurrences=occurrences_of(alerts, first_seen_at=accepted_at),
                redis=self._redis,
                lease=lease,
                redaction=ClaimRedaction.of(
                    lease.incident_id,
                    detector=self._detector,
                    store=self._placeholder_store,
                    told=steps,
                    most_kept=lambda: most_kept(self._redis, lease.incident_id),
                ),
                scripts=self._claim_scripts,
                retention_seconds=self._retention_seconds,
                monotonic=self._monotonic,
                pause=self._pause,
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise unreadable(lease.incident_id, error) from None

    def _give_back(self, lease: Lease) -> None:
        self._keeper.let_go(lease)
        if not lease.needs_release:
            return
        try:
            self._release(keys=[incident_key(lease.incident_id)], args=[lease.claim])
        except RedisError as error:
            # The lease runs out by itself; an error here would hide the one that ended the triage.
            _log.warning("registry.claim_not_released", incident_id=lease.incident_id, error=str(error))
