"""What most people would write: a lock with an expiry, and a done-flag after the restart. For the control only.

It is in the guard's place when the suite has to show that it can see a double restart. It forgets what it was about to
do when its worker dies.
"""

from typing import Final

from redis import Redis

from worker.clock import SystemClock
from worker.contract.result import Refusal, RestartOutcome
from worker.guardrails.restart_attempt import Grant, RestartAttempt, RestartLimits, RestartPlan

__all__ = ["NaiveGuard"]

_PREFIX: Final = "naive:"
_LOCK_MILLISECONDS: Final = 2_000
"""Longer than any restart here takes, which is how such a figure is usually chosen."""


class NaiveGuard:
    """Made with the same arguments as the restart guard, and asked the same questions."""

    def __init__(self, redis: Redis, limits: RestartLimits, *, worker: str) -> None:
        self._redis = redis
        self._lease_seconds = limits.lease_seconds
        self._worker = worker

    def request(
        self, incident_id: str, server_id: str, *, claim: str, evidence: str, plan: RestartPlan
    ) -> Grant | Refusal:
        if self._redis.exists(f"{_PREFIX}done:{incident_id}"):
            return Refusal(reason="already_attempted", detail=f"{incident_id} has had its restart.")
        lock = f"{_PREFIX}lock:{server_id}"
        if not self._redis.set(lock, self._worker, nx=True, px=_LOCK_MILLISECONDS):
            return Refusal(reason="server_locked", detail=f"{server_id} is locked.")
        return Grant(
            incident_id=incident_id,
            server_id=server_id,
            fence=0,
            not_after=SystemClock().now(),
            lease_seconds=self._lease_seconds,
        )

    def mark_sent(self, grant: Grant) -> Refusal | None:
        return None

    def record(self, attempt: Grant | RestartAttempt, outcome: RestartOutcome, detail: str) -> Refusal | None:
        self._redis.set(f"{_PREFIX}done:{attempt.incident_id}", "yes")
        self._redis.delete(f"{_PREFIX}lock:{attempt.server_id}")
        return None

    def withdraw(self, attempt: Grant | RestartAttempt, why: str) -> Refusal | None:
        self._redis.delete(f"{_PREFIX}lock:{attempt.server_id}")
        return None

    def attempt_of(self, incident_id: str) -> RestartAttempt | None:
        return None
