"""Leases on incidents, and the one thread that renews all of a worker's. Called by the registry only.

A lease must never be thought alive when it is not: it counts as lost once its time is over since the last renewal that
Redis confirmed, by this machine's monotonic clock, measured from before the question was sent. What is lost stays lost.
"""

from collections.abc import Callable
from threading import Condition, Thread
from typing import Final

import structlog
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from worker.contract.queue import incident_key
from worker.registry.script import load_script

__all__ = ["Lease", "LeaseKeeper"]

_RENEWALS_A_LEASE: Final = 3
"""Two renewals may fail before a lease is lost."""

_log = structlog.get_logger(__name__)


class Lease:
    """One claim's lease as this worker knows it; Redis' epoch has the last word in every write."""

    def __init__(self, incident_id: str, *, epoch: int, claim: str, seconds: float, taken_at: float) -> None:
        self.incident_id: Final = incident_id
        self.epoch: Final = epoch
        self.claim: Final = claim
        """What every script compares: the epoch, and the time of intake of the entry that it is an epoch of."""
        self._seconds = seconds
        self._confirmed_at = taken_at
        self._is_lost = False
        self.needs_release = True
        """False once the incident is closed: Redis has ended the lease with it."""

    def is_lost(self, *, now: float) -> bool:
        """Say whether this worker must stop, at `now` of the monotonic clock in seconds."""
        if now >= self._confirmed_at + self._seconds:
            self._is_lost = True
        return self._is_lost

    def confirm(self, *, asked_at: float) -> None:
        """Count the lease from `asked_at`, when Redis was asked to renew it and did."""
        self._confirmed_at = asked_at

    def lose(self) -> None:
        """Mark the lease as lost, for ever."""
        self._is_lost = True


class LeaseKeeper:
    """Renews every held lease, every third of its time, in one round trip.

    The thread starts with the first lease and ends with the last, or on `close`. While Redis does not answer, nothing
    is renewed and the leases run out.
    """

    def __init__(self, redis: Redis, *, lease_seconds: float, monotonic: Callable[[], float]) -> None:
        self._redis = redis
        self._renew = load_script(redis, "renew.lua")
        self._lease_seconds = lease_seconds
        self._monotonic = monotonic
        self._changed = Condition()
        self._held: set[Lease] = set()
        self._thread: Thread | None = None

    def hold(self, lease: Lease) -> None:
        """Renew this lease from now on."""
        with self._changed:
            self._held.add(lease)
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._keep_renewing, name="lease-keeper", daemon=True)
                self._thread.start()

    def let_go(self, lease: Lease) -> None:
        """Stop renewing this lease; one that isn't held is no mistake."""
        with self._changed:
            self._held.discard(lease)
            if not self._held:
                self._changed.notify_all()

    def close(self) -> None:
        """Let go of everything and end the thread, waiting a lease for it at most; what was held runs out by itself."""
        with self._changed:
            self._held.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(self._lease_seconds)

    def renew_all(self) -> None:
        """Ask Redis once for every lease that is not lost."""
        asked_at = self._monotonic()
        with self._changed:
            leases = [lease for lease in self._held if not lease.is_lost(now=asked_at)]
        try:
            replies = self._ask(leases)
        except RedisError as error:
            _log.warning("registry.leases_not_renewed", leases=len(leases), error=str(error))
            return
        for lease, reply in zip(leases, replies, strict=True):
            if reply == 1:
                lease.confirm(asked_at=asked_at)
            else:
                lease.lose()
                _log.warning("registry.lease_lost", incident_id=lease.incident_id, epoch=lease.epoch)

    def _ask(self, leases: list[Lease]) -> list[int | ResponseError]:
        """Return Redis' answer for each lease; what it refuses for one entry says nothing of the others."""
        lease_milliseconds = round(self._lease_seconds * 1000)
        with self._redis.pipeline(transaction=False) as pipeline:
            for lease in leases:
                self._renew(
                    keys=[incident_key(lease.incident_id)], args=[lease.claim, lease_milliseconds], client=pipeline
                )
            return pipeline.execute(raise_on_error=False)

    def _keep_renewing(self) -> None:
        while self._is_time_to_renew():
            self.renew_all()

    def _is_time_to_renew(self) -> bool:
        """Wait a third of a lease. False, and the thread is given up, as soon as nothing is held."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held, timeout=self._lease_seconds / _RENEWALS_A_LEASE)
            if self._held:
                return True
            self._thread = None
            return False
