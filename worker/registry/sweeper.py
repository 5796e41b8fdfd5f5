"""The sweeper: puts open incidents back into their queues when neither the broker nor a worker has them any more.

The broker loses messages when a worker or a connection dies at the wrong moment, and nothing tells; the registry has
the incident. Runs in every worker process, every few seconds. Two at once do no harm: what one has found, the other
does not see, and a message too many is answered by the claim with "busy" or "closed".
"""

from collections.abc import Callable
from typing import Final

import structlog
from redis import Redis

from worker.contract.queue import (
    BROKER_KEY_PREFIX,
    OPEN_INCIDENTS,
    QUEUES,
    WATCHED_INCIDENTS,
    WATCHED_UP_TO,
    incident_key,
    render_message,
)
from worker.registry.registry import LEASE_SECONDS
from worker.registry.script import load_script

__all__ = ["PATIENCE_SECONDS", "Sweeper"]

PATIENCE_SECONDS: Final = 30.0
"""How long an open incident is left alone, after its intake and after each look."""

_LOOKS: Final = 500
"""How many incidents one sweep looks at; the rest has its turn in the next."""

log = structlog.get_logger()


class Sweeper:
    """Sweeps when told to. Redis errors (`redis.exceptions.RedisError`) pass through; nothing is lost by one."""

    def __init__(
        self,
        redis: Redis,
        *,
        bury: Callable[[str, str], None],
        patience_seconds: float = PATIENCE_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """`bury` sets an incident aside whose entry is gone, or none: its id, and why."""
        self._redis = redis
        self._bury = bury
        self._patience_milliseconds = round(patience_seconds * 1000)
        self._lease_milliseconds = round(lease_seconds * 1000)
        self._sweep = load_script(redis, "sweep.lua")

    def sweep(self) -> int:
        """Look once, and return how many incidents went back to the head of their queues.

        An incident that was accepted and whose entry is gone, or is none, is buried: engineers are told. A crash
        between finding and putting back costs one patience, for the incident is then looked at again.
        """
        queue_keys = [BROKER_KEY_PREFIX + queue for queue in QUEUES]
        found = self._sweep(
            keys=[WATCHED_INCIDENTS, *queue_keys, OPEN_INCIDENTS, WATCHED_UP_TO],
            args=[_LOOKS, self._patience_milliseconds, self._lease_milliseconds, incident_key("")],
        )
        placed = dict(zip(found[::2], found[1::2], strict=True))
        lost = [incident_id for incident_id, queue_key in placed.items() if not queue_key]
        with self._redis.pipeline(transaction=False) as pipeline:
            for incident_id, queue_key in placed.items():
                if not queue_key:
                    continue
                pipeline.rpush(queue_key, render_message(incident_id, queue_key.removeprefix(BROKER_KEY_PREFIX)))
                log.warning("incident.reenqueued", incident_id=incident_id, queue=queue_key)
            pipeline.execute()
        for incident_id in lost:
            self._bury(incident_id, f"the entry of {incident_id} is gone, or none")
        return len(placed) - len(lost)
