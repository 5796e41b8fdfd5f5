"""The consumer: every result arrives at least once, whoever dies, and nothing unreadable stops the others."""

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterable

import fakeredis
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from tests.escalation.builders import result
from worker.contract import TriageResult
from worker.contract.queue import DEAD_LETTERS, ESCALATION_FAILURES, ESCALATION_GROUP, RESULTS_STREAM
from worker.errors import ContractError
from worker.escalation import EscalationConsumer
from worker.escalation.consumer import BATCH, CLAIM_INTERVAL_SECONDS, FAILURES_LIMIT, Entry, _Round


class Inbox:
    """A notifier that keeps what arrived; `before` may raise, or look around."""

    def __init__(self, before: Callable[[TriageResult], None] = lambda _: None) -> None:
        self.arrived: list[str] = []
        self.before = before

    def deliver(self, result: TriageResult) -> None:
        self.before(result)
        self.arrived.append(result.incident.incident_id)


class Ticking:
    """A monotonic clock that only a test moves."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def ids(*numbers: int) -> list[str]:
    return [result(number).incident.incident_id for number in numbers]


def publish(redis: Redis, *numbers: int) -> None:
    for number in numbers:
        redis.xadd(RESULTS_STREAM, {"incident_id": ids(number)[0], "result": result(number).model_dump_json()})


def pending(redis: Redis) -> int:
    return int(redis.xpending(RESULTS_STREAM, ESCALATION_GROUP)["pending"])


def letters(redis: Redis) -> list[dict[str, str]]:
    """Return the dead letters as text, whether the client decodes or not."""
    entries = [fields or {} for _, fields in redis.xrange(DEAD_LETTERS) or []]
    return [{text(name): text(value) for name, value in fields.items()} for fields in entries]


def text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


@pytest.fixture(params=[True, False], ids=["decoding", "raw"])
def redis(request: pytest.FixtureRequest) -> Redis:
    return fakeredis.FakeRedis(decode_responses=request.param)


def consumer(redis: Redis, inbox: Inbox, name: str = "one", **settings: float) -> EscalationConsumer:
    return EscalationConsumer(redis, inbox, name=name, monotonic_seconds=Ticking(), **settings)


def test_results_from_before_the_first_consumer_arrive_in_order_and_are_acknowledged(redis: Redis) -> None:
    publish(redis, *range(20))
    inbox = Inbox()
    reader = consumer(redis, inbox)
    assert [reader.deliver_pending(0) for _ in range(3)] == [16, 4, 0]
    assert inbox.arrived == ids(*range(20))
    assert pending(redis) == 0
    assert redis.xlen(RESULTS_STREAM) == 20, "the stream is never trimmed here"


def test_a_result_is_acknowledged_after_its_delivery_and_not_before(redis: Redis) -> None:
    seen: list[int] = []
    inbox = Inbox(before=lambda _: seen.append(pending(redis)))
    publish(redis, 1, 2, 3)
    consumer(redis, inbox).deliver_pending(0)
    assert seen == [3, 2, 1]
    assert pending(redis) == 0


class HastyConsumer(EscalationConsumer):
    """What the real one must not be: it acknowledges first."""

    def _deliver_all(self, entries: Iterable[Entry], current: _Round) -> None:
        for entry in entries:
            self._redis.xack(RESULTS_STREAM, ESCALATION_GROUP, entry[0])
            super()._deliver_all([entry], current)


def broken(_: TriageResult) -> None:
    raise BrokenPipeError


def dies(_: TriageResult) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("kind", "is_lost"), [(EscalationConsumer, False), (HastyConsumer, True)])
def test_a_result_whose_delivery_failed_comes_again_unless_it_was_acknowledged_first(
    redis: Redis, kind: type[EscalationConsumer], *, is_lost: bool
) -> None:
    publish(redis, 1)
    inbox = Inbox(before=broken)
    reader = kind(redis, inbox, name="one", monotonic_seconds=Ticking())
    with pytest.raises(BrokenPipeError):
        reader.deliver_pending(0)

    inbox.before = lambda _: None
    restarted = consumer(redis, inbox)
    assert restarted.deliver_pending(0) == (0 if is_lost else 1)
    assert inbox.arrived == ([] if is_lost else ids(1))


def test_left_overs_come_before_new_results(redis: Redis) -> None:
    publish(redis, 1, 2)
    inbox = Inbox(before=broken)
    reader = consumer(redis, inbox)
    with pytest.raises(BrokenPipeError):
        reader.deliver_pending(0)
    publish(redis, 3)
    inbox.before = lambda _: None
    assert reader.deliver_pending(0) == 3
    assert inbox.arrived == ids(1, 2, 3)


def test_what_a_dead_consumer_left_behind_is_claimed_by_another(redis: Redis) -> None:
    publish(redis, 1, 2)
    with pytest.raises(BrokenPipeError):
        consumer(redis, Inbox(before=broken), "dead").deliver_pending(0)
    inbox = Inbox()
    assert consumer(redis, inbox, "patient", claim_after_seconds=60).deliver_pending(0) == 0
    assert consumer(redis, inbox, "heir", claim_after_seconds=0).deliver_pending(0) == 2
    assert inbox.arrived == ids(1, 2)
    assert pending(redis) == 0


def test_the_dead_are_looked_for_at_intervals_only(redis: Redis) -> None:
    clock, inbox = Ticking(), Inbox()
    heir = EscalationConsumer(redis, inbox, name="heir", claim_after_seconds=0, monotonic_seconds=clock)
    heir.deliver_pending(0)
    publish(redis, 1)
    with pytest.raises(BrokenPipeError):
        consumer(redis, Inbox(before=broken), "dead").deliver_pending(0)

    clock.seconds = CLAIM_INTERVAL_SECONDS - 1
    assert heir.deliver_pending(0) == 0
    clock.seconds = CLAIM_INTERVAL_SECONDS
    assert heir.deliver_pending(0) == 1


def test_two_consumers_share_the_results(redis: Redis) -> None:
    publish(redis, *range(20))
    one, two = Inbox(), Inbox()
    assert consumer(redis, one, "one").deliver_pending(0) == 16
    assert consumer(redis, two, "two").deliver_pending(0) == 4
    assert one.arrived + two.arrived == ids(*range(20))


def test_a_group_that_exists_already_is_joined(redis: Redis) -> None:
    redis.xgroup_create(RESULTS_STREAM, ESCALATION_GROUP, id="0", mkstream=True)
    publish(redis, 1)
    assert consumer(redis, Inbox()).deliver_pending(0) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"result": "no json"}, "1 flaws"),
        ({"result": "{}"}, "flaws: incident"),
        ({"result": '{"disposition": "exploded"}'}, "flaws"),
        ({"something": "else"}, "no field `result`"),
    ],
)
def test_an_unreadable_entry_is_set_aside_and_stops_nobody(redis: Redis, fields: dict[str, str], reason: str) -> None:
    publish(redis, 1)
    redis.xadd(RESULTS_STREAM, {name: value for name, value in fields.items()})  # noqa: C416 - the client's dict is invariant
    publish(redis, 2)
    inbox = Inbox()
    with capture_logs() as logs:
        reader = consumer(redis, inbox)
        assert reader.deliver_pending(0) == 3
        assert reader.deliver_pending(0) == 1, "the letter is escalated as a result of its own"

    assert inbox.arrived[:2] == ids(1, 2)
    assert pending(redis) == 0
    (letter,) = letters(redis)
    assert letter["reason"] == "unreadable_result"
    assert reason in letter["detail"]
    assert json.loads(b64decode(letter["content"])) == fields
    assert letter["found_in"] == RESULTS_STREAM
    assert letter["incident_id"] == inbox.arrived[2]
    assert "result.dead_lettered" in [line["event"] for line in logs]


def test_bytes_that_are_no_text_are_survived_by_a_client_that_does_not_decode() -> None:
    redis = fakeredis.FakeRedis()
    redis.xadd(RESULTS_STREAM, {"result": b"\xff\xfe"})
    publish(redis, 1)
    inbox = Inbox()
    assert consumer(redis, inbox).deliver_pending(0) == 2
    assert inbox.arrived == ids(1)
    assert redis.xlen(DEAD_LETTERS) == 1


def test_many_unreadable_entries_are_not_taken_for_the_end(redis: Redis) -> None:
    """Who delivers until nothing is left must come to the good one behind them."""
    for _ in range(BATCH + 1):
        redis.xadd(RESULTS_STREAM, {"result": "no json"})
    publish(redis, 1)
    inbox = Inbox()
    reader = consumer(redis, inbox)
    while reader.deliver_pending(0):
        pass
    assert ids(1)[0] in inbox.arrived


def cannot_be_shown(number: int) -> Callable[[TriageResult], None]:
    def raise_for_one(arriving: TriageResult) -> None:
        if arriving.incident.incident_id == ids(number)[0]:
            raise ContractError("it can't be shown (OverflowError)")

    return raise_for_one


def test_a_result_that_cannot_be_shown_is_set_aside_at_once_told_and_named(redis: Redis) -> None:
    publish(redis, 1, 2, 3)
    inbox = Inbox(before=cannot_be_shown(1))
    reader = consumer(redis, inbox)
    assert [reader.deliver_pending(0), reader.deliver_pending(0)] == [3, 1]
    (letter,) = letters(redis)
    assert letter["detail"] == f"the result of {ids(1)[0]}: it can't be shown (OverflowError)"
    assert inbox.arrived == [*ids(2, 3), letter["incident_id"]]
    assert pending(redis) == 0


def fails_for(number: int) -> Callable[[TriageResult], None]:
    def raise_for_one(arriving: TriageResult) -> None:
        if arriving.incident.incident_id == ids(number)[0]:
            raise ConnectionError("downstream answered 503")

    return raise_for_one


def rounds(redis: Redis, inbox: Inbox, number: int) -> int:
    """Start a consumer so many times, with a new result each time; return how often it ended with an error."""
    errors = 0
    for start in range(number):
        publish(redis, 100 + start)
        try:
            consumer(redis, inbox).deliver_pending(0)
        except ConnectionError:
            errors += 1
    return errors


def test_a_result_that_fails_again_and_again_keeps_no_other_back_and_is_set_aside_at_last(redis: Redis) -> None:
    publish(redis, 1, 2)
    inbox = Inbox(before=fails_for(1))
    assert rounds(redis, inbox, 8) == FAILURES_LIMIT
    assert inbox.arrived[:2] == ids(2, 100)
    assert set(ids(*range(100, 108))) <= set(inbox.arrived)
    (letter,) = letters(redis)
    assert letter["detail"] == f"the result of {ids(1)[0]}: it could not be delivered 6 times, while others could"


def test_consumers_that_die_again_and_again_are_no_failures_of_a_result(redis: Redis) -> None:
    publish(redis, 1)
    for _ in range(3 * FAILURES_LIMIT):
        with pytest.raises(KeyboardInterrupt):
            consumer(redis, Inbox(before=dies)).deliver_pending(0)
    publish(redis, 2)
    inbox = Inbox(before=fails_for(1))
    with pytest.raises(ConnectionError):
        consumer(redis, inbox).deliver_pending(0)
    assert letters(redis) == []
    inbox.before = lambda _: None
    consumer(redis, inbox).deliver_pending(0)
    assert inbox.arrived == ids(2, 1)
    assert not redis.exists(ESCALATION_FAILURES)


def test_while_the_way_is_closed_to_all_nothing_is_set_aside(redis: Redis) -> None:
    publish(redis, 1, 2)
    inbox = Inbox(before=broken)
    for _ in range(3 * FAILURES_LIMIT):
        with pytest.raises(BrokenPipeError):
            consumer(redis, inbox).deliver_pending(0)
    assert letters(redis) == []
    inbox.before = lambda _: None
    assert consumer(redis, inbox).deliver_pending(0) == 2


def test_a_letter_that_cannot_be_shown_does_not_lead_to_another(redis: Redis) -> None:
    def nothing_can_be_shown(_: TriageResult) -> None:
        raise ContractError("it can't be shown (NameError)")

    publish(redis, 1)
    reader = consumer(redis, Inbox(before=nothing_can_be_shown))
    assert reader.deliver_pending(0) == 1
    for _ in range(2 * FAILURES_LIMIT):
        with pytest.raises(ContractError):
            reader.deliver_pending(0)
    assert len(letters(redis)) == 1


def test_a_result_that_somebody_trimmed_while_it_was_pending_is_set_aside(redis: Redis) -> None:
    publish(redis, 1)
    inbox = Inbox(before=broken)
    reader = consumer(redis, inbox)
    with pytest.raises(BrokenPipeError):
        reader.deliver_pending(0)
    redis.xtrim(RESULTS_STREAM, maxlen=0, approximate=False)
    inbox.before = lambda _: None
    assert reader.deliver_pending(0) == 2, "the letter is escalated as a result of its own"
    assert pending(redis) == 0
    assert [letter["detail"] for letter in letters(redis)] == ["a result: the entry was trimmed unread"]


class ImpatientEvent(threading.Event):
    """A stop signal that never waits: it notes the pauses, and is set after so many of them."""

    def __init__(self, pauses: int, then: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.waited_seconds: list[float | None] = []
        self._pauses = pauses
        self._then = then

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_seconds.append(timeout)
        if len(self.waited_seconds) == self._pauses:
            self._then()
        return self.is_set()


def test_an_outage_of_redis_is_waited_out_with_growing_pauses() -> None:
    server = fakeredis.FakeServer()
    redis = fakeredis.FakeRedis(server=server)
    publish(redis, 1)
    server.connected = False
    stop = ImpatientEvent(7, then=lambda: setattr(server, "connected", True))
    inbox = Inbox(before=lambda _: stop.set())
    with capture_logs() as logs:
        consumer(redis, inbox).run(stop)

    assert inbox.arrived == ids(1)
    assert stop.waited_seconds == [0.5, 1, 2, 4, 8, 15, 15]
    assert [line["event"] for line in logs].count("redis.lost") == 7


def test_a_server_that_came_back_without_its_data_gets_the_group_again(redis: Redis) -> None:
    inbox = Inbox()
    reader = consumer(redis, inbox)
    reader.deliver_pending(0)
    redis.flushall()
    stop = ImpatientEvent(1, then=lambda: publish(redis, 1))
    inbox.before = lambda _: stop.set()
    reader.run(stop)
    assert inbox.arrived == ids(1)


def test_when_redis_is_unavailable_a_single_round_says_so() -> None:
    server = fakeredis.FakeServer()
    server.connected = False
    with pytest.raises(RedisConnectionError):
        consumer(fakeredis.FakeRedis(server=server), Inbox()).deliver_pending(0)


def test_a_consumer_that_was_told_to_stop_reads_nothing(redis: Redis) -> None:
    publish(redis, 1)
    stop = threading.Event()
    stop.set()
    inbox = Inbox()
    consumer(redis, inbox).run(stop)
    assert inbox.arrived == []
