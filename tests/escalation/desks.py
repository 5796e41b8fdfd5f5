"""A desk for tests: sinks that do what they are told, dispatchers that share one Redis, and death at a chosen point."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from tests.fakes import FakeClock
from worker.contract import TriageResult
from worker.contract.handling import Action, Handled
from worker.escalation.deliveries import Deliveries
from worker.escalation.dispatcher import Dispatcher
from worker.escalation.routes import Routes
from worker.escalation.sending import SinkInUse
from worker.escalation.standing import Standings
from worker.escalation.telling import Told


class Killed(BaseException):
    """The process dies here: nothing may catch it."""


def nothing(_: TriageResult) -> None:
    """Let it pass."""


@dataclass
class FakeSink:
    """Keeps what it took. `before` and `after` may raise, or look around."""

    before: Callable[[TriageResult], None] = nothing
    after: Callable[[TriageResult], None] = nothing
    took: list[TriageResult] = field(default_factory=list)
    showed: list[str] = field(default_factory=list)
    ignored: frozenset[Action] = frozenset()

    def deliver(self, result: TriageResult) -> None:
        self.before(result)
        self.took.append(result)
        self.after(result)

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        if handled.action in self.ignored:
            return False
        self.before(result)
        self.showed.append(handled.action)
        return True

    @property
    def sends(self) -> Counter[str]:
        """How often each incident was sent."""
        return Counter(result.incident.incident_id for result in self.took)

    @property
    def pages(self) -> set[str]:
        """What a system with an idempotency key shows: each incident once."""
        return set(self.sends)


@dataclass
class Failing:
    """Raises the same error the first `times` times, or always."""

    error: BaseException
    times: int | None = None
    raised: int = 0

    def __call__(self, _: TriageResult) -> None:
        if self.times is None or self.raised < self.times:
            self.raised += 1
            raise self.error


@dataclass
class Desk:
    """One consumer's dispatcher, with its sinks by name and what it told."""

    redis: Redis
    sinks: dict[str, FakeSink]
    backups: dict[str, str] = field(default_factory=dict)
    routes: Routes | None = None
    clock: FakeClock = field(default_factory=FakeClock)
    member: str | None = None
    told: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        in_use = [
            SinkInUse(name=name, notifier=sink, follower=sink, backup=self.backups.get(name))
            for name, sink in self.sinks.items()
        ]
        self.dispatcher = Dispatcher(
            in_use,
            routes=self.routes
            or Routes(default=tuple(name for name in self.sinks if name not in self.backups.values())),
            deliveries=Deliveries(self.redis, member=self.member),
            standings=Standings(self.redis),
            clock=self.clock,
            tell=self.told.append,
        )

    def deliver(self, *results: TriageResult) -> None:
        for each in results:
            self.dispatcher.deliver(each)

    def send(self, sink: str) -> int:
        """Send all that is due at one sink, and return how many steps that were."""
        steps = 0
        while self.dispatcher.senders[sink].send_next():
            steps += 1
        return steps

    def outcomes(self) -> list[Any]:
        return [(told.sink, told.outcome) for told in self.told]
