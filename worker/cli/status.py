"""`firstline status`: the desk at a glance, read from Redis; it changes nothing, and needs no file.

Each part is read by itself: one that can't be read is named, and hides none of the others.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError

from worker.bootstrap import connect, make_guard
from worker.cli.approvals import proposal_seconds
from worker.cli.durability import complaints_about
from worker.cli.failures import is_silent, redis_error_of
from worker.cli.restarts import why_halted
from worker.cli.status_page import page_of
from worker.cli.words import one_line
from worker.errors import FirstlineError
from worker.escalation.sink_health import given_up, settled, sinks_in_use
from worker.guardrails.policy import Policy
from worker.redaction import STATELESS_MASKER
from worker.registry.dead_letters import DeadLetters
from worker.registry.view import RegistryView
from worker.registry.waiting_view import incidents_waiting, proposals_waiting
from worker.settings import Settings

__all__ = ["Desk", "read_desk", "show_status"]

_OLDEST: Final = 10
_PROPOSAL_SECONDS: Final = Policy().restart.proposal_seconds
_SAID: Final = ("restarts_halted", "workers", "sinks")


@dataclass(frozen=True, slots=True)
class Desk:
    """What was read, by its name in the JSON; `unreadable` says of the parts that are None why not."""

    found: dict[str, Any] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def read(self, name: str, reading: Callable[[], object]) -> None:
        """Keep one part, or why it can't be read. Raises when Redis is not there at all."""
        try:
            self.found[name] = reading()
        except (RedisError, FirstlineError, ValueError, ArithmeticError) as failure:
            if is_silent(failure):
                raise
            self.found[name] = None
            self.unreadable[name] = one_line(redis_error_of(failure) or failure)


def show_status(settings: Settings, *, as_json: bool) -> None:
    """Print what is queued, open and waits for engineers, locks, the kill switch, workers, sinks, and Redis' faults."""
    desk = read_desk(connect(settings), within_seconds=proposal_seconds(settings))
    if as_json:
        sys.stdout.write(json.dumps({**desk.found, "unreadable": desk.unreadable}, default=str) + "\n")
    else:
        sys.stdout.write(page_of(desk.found, desk.unreadable))


def read_desk(connection: Redis, *, within_seconds: float = _PROPOSAL_SECONDS) -> Desk:
    """Read all parts, masked, one after the other: what changes meanwhile may show in one and not in another.

    A proposal holds for `within_seconds`.
    """
    # The policy's limits play no part in what is only read, and a broken file is a time to look.
    registry, guard = RegistryView(connection), make_guard(connection, Policy(), worker="status")
    desk = Desk()
    desk.read("queues", registry.queue_lengths)
    desk.read("open_incidents", registry.open_count)
    desk.read("oldest_open_seconds", registry.oldest_open_age_seconds)
    desk.read("waiting_incidents", lambda: asdict(incidents_waiting(connection)))
    desk.read("proposals", lambda: asdict(proposals_waiting(connection, within_seconds=within_seconds)))
    desk.read("restarts_halted", lambda: why_halted(guard))
    desk.read("restart_locks", lambda: [asdict(attempt) for attempt in guard.open_attempts()])
    desk.read("unreadable_restarts", guard.unreadable_attempts)
    desk.read("dead_letters", DeadLetters(connection).count)
    desk.read("sinks", lambda: [asdict(health) for health in sinks_in_use(connection)])
    desk.read("given_up", lambda: given_up(connection))
    desk.read("settled", lambda: settled(connection))
    desk.read("workers", lambda: [{**(beat.fields or {}), "name": beat.name} for beat in registry.workers()])
    desk.read("oldest_incidents", lambda: [asdict(incident) for incident in registry.open_incidents(_OLDEST)])
    desk.read("redis", lambda: complaints_about(connection))
    return _masked(desk)


def _masked(desk: Desk) -> Desk:
    """Return the desk with what people and workers said masked; ids of servers stay: `resolve` is told one."""
    said: dict[str, Any] = {
        name: STATELESS_MASKER.checked_value(desk.found[name]) for name in _SAID if name in desk.found
    }
    return Desk({**desk.found, **said}, {name: STATELESS_MASKER.checked(why) for name, why in desk.unreadable.items()})
