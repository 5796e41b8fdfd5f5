"""Bad days by chance: sinks that fail, doubt and recover, consumers that die, routes files that turn backups round.

Whatever happened, once all sinks are well every incident stands open at a sink that has its page, or is resolved.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Final

from fakeredis import FakeRedis
from redis import Redis

from tests.escalation.builders import NOW, result
from tests.escalation.desks import Desk, Failing, FakeSink, Killed, nothing
from tests.escalation.unguarded import Unguarded
from tests.redis_servers import let_time_pass
from worker.contract import TriageResult
from worker.contract.handling import Action, Handled, HandlingState
from worker.contract.result import Refusal
from worker.errors import NotDelivered
from worker.escalation.deliveries import Deliveries
from worker.escalation.routes import Routes
from worker.registry.handling import Handlings

NAMES: Final = ("pager", "chat", "mail")
INCIDENTS: Final = 3
STEPS: Final = 50
DAYS: Final = range(10)

Mood = Callable[[TriageResult], None]

MOODS: Final[list[tuple[Mood, Mood]]] = [
    (nothing, nothing),
    (Failing(NotDelivered("Away.")), nothing),
    (Failing(NotDelivered("No.", is_final=True)), nothing),
    (Failing(NotDelivered("Silent.", is_doubtful=True)), nothing),
    (nothing, Failing(NotDelivered("Silent.", is_doubtful=True))),
    (Failing(Killed()), nothing),
    (nothing, Failing(Killed())),
]
"""What a sink does before it takes a page, and after."""


@dataclass
class Remembering(FakeSink):
    """Keeps what it was told of each incident, in its order."""

    told: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def deliver(self, result: TriageResult) -> None:
        super().deliver(result)
        self.told[result.incident.incident_id].append("page")

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        is_shown = super().follow(result, handled)
        self.told[result.incident.incident_id].append(handled.action)
        return is_shown

    def has_open(self, incident_id: str) -> bool:
        """Say whether the incident stands there, and was not resolved last."""
        return self.told[incident_id][-1:] not in ([], [Action.RESOLVE])


class BadDay:
    """Two consumers, three sinks and some incidents; each step is one that chance draws."""

    def __init__(self, redis: Redis, seed: int) -> None:
        self.redis, self.chance = redis, Random(seed)
        self.sinks = {name: Remembering() for name in NAMES}
        self.triages = dict.fromkeys(range(INCIDENTS), 0)
        self.handlings = Handlings(redis)
        self.noted: set[int] = set()
        self.desk = self.new_desk()

    def new_desk(self) -> Desk:
        """Start with a routes file of its own."""
        first, second, third = self.chance.sample(NAMES, 3)
        backups = self.chance.choice([{}, {first: second}, {first: second, second: third}])
        return Desk(self.redis, dict(self.sinks), backups=backups, routes=Routes(default=(self.chance.choice(NAMES),)))

    def run(self) -> None:
        steps: list[Callable[[], None]] = [
            self.restart, self.note, self.send, self.send, self.send, self.change_mood, self.wait, self.act,
        ]  # fmt: skip
        for _ in range(STEPS):
            self.chance.choice(steps)()

    def restart(self) -> None:
        self.desk = self.new_desk()

    def note(self) -> None:
        """Let a result come, again or for the first time; it is recorded before it is delivered, or after."""
        number = self.chance.randrange(INCIDENTS)
        self.triages[number] += self.chance.choice([0, 0, 1])
        steps: list[Callable[[TriageResult], object]] = [self.desk.deliver, self.handlings.open]
        for step in self.chance.sample(steps, 2):
            step(self.newest_of(number))
        self.noted.add(number)

    def newest_of(self, number: int) -> TriageResult:
        return result(number, finished_at=NOW + timedelta(minutes=self.triages[number]))

    def send(self) -> None:
        self.send_at(self.chance.choice(NAMES))

    def send_at(self, name: str) -> bool:
        """Send one step; whoever dies of it is another consumer, which is not missed."""
        try:
            return self.desk.dispatcher.senders[name].send_next()
        except Killed:
            self.restart()
            return True

    def change_mood(self) -> None:
        sink = self.sinks[self.chance.choice(NAMES)]
        sink.before, sink.after = self.chance.choice(MOODS)

    def wait(self) -> None:
        let_time_pass(self.redis, self.chance.choice([3, 65, 130, 310, 90_000]))

    def act(self) -> None:
        number = self.chance.randrange(INCIDENTS)
        action = self.chance.choice([Action.ACKNOWLEDGE, Action.RESOLVE, Action.REOPEN])
        incident_id = result(number).incident.incident_id
        if number in self.noted and not isinstance(self.handlings.act(incident_id, action, person="ann"), Refusal):
            handling = self.handlings.find(incident_id)
            assert handling is not None
            self.desk.dispatcher.follow(self.newest_of(number), handling.history[-1])

    def recover(self) -> None:
        """Let all sinks be well, and everything that waits or was given up be sent."""
        for sink in self.sinks.values():
            sink.before = sink.after = nothing
        for _ in range(8):
            for name in NAMES:
                Deliveries(self.redis).retry(name)
                while self.send_at(name):
                    pass
            let_time_pass(self.redis, 310)

    def with_nobody(self) -> set[int]:
        """Return the incidents that are not resolved, and stand open at no sink."""
        return {
            number
            for number in self.noted
            if self.state_of(number) is not HandlingState.RESOLVED
            and not any(sink.has_open(result(number).incident.incident_id) for sink in self.sinks.values())
        }

    def state_of(self, number: int) -> HandlingState:
        handling = self.handlings.find(result(number).incident.incident_id)
        assert handling is not None
        return handling.state


def lost_on_bad_days(make: Callable[[], Redis]) -> int:
    lost = 0
    for seed in DAYS:
        day = BadDay(make(), seed)
        day.run()
        day.recover()
        lost += len(day.with_nobody())
    return lost


def test_no_incident_is_with_nobody_after_a_bad_day() -> None:
    assert lost_on_bad_days(lambda: FakeRedis(decode_responses=True)) == 0


def test_control_where_what_was_taken_is_not_due_again_some_are() -> None:
    lease, none = "redis.call('ZADD', due, now + lease, id)", "redis.call('ZREM', due, id)"
    assert lost_on_bad_days(lambda: Unguarded(lease, none)) > 0


def test_control_where_no_sink_hears_what_opens_again_some_are() -> None:
    is_known = "if redis.call('HSETNX', delivery, 'follows:' .. digest, 1) == 0 then"
    assert lost_on_bad_days(lambda: Unguarded(is_known, "if opens == '1' then")) > 0
