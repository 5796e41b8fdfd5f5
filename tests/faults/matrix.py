"""The fault matrix: which rows there are, what each needs, and how often it is tried."""

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Final

from tests.faults.rows import approvals, broker, escalation, freezes, models, restarts, workers
from tests.faults.setup import Setup
from tests.faults.shared_setups import (
    APPROVED,
    APPROVED_NO_GUARD,
    FAST_AND_SLOW,
    JUMPING,
    LIVING_SWITCH,
    MODELS,
    NO_FENCE,
    NO_GUARD,
    NO_GUARD_NO_SWEEPER,
    ONE_SERVER,
    SHORT_VISIBILITY,
    STANDARD,
    STORM,
)
from tests.faults.site import Site

__all__ = ["NOT_COVERED", "ROWS", "Row", "grouped"]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault: how it is made, on which site, and its trials in a short and in a long run.

    `weight` is its share of the time that is left, against the other rows' weights: about its seconds in a run of 80
    minutes, and never more than all its trials take.

    A control has its protection taken away, and must show what `must_show` names (a figure of the ledger). It always
    has its short size: with fewer trials it would show nothing, and more are not worth their time.
    """

    number: str
    fault: str
    setup: Setup
    make: Callable[[Site, int], None]
    _: KW_ONLY
    short: int
    long: int = 0
    weight: int = 0
    must_show: str | None = None


ROWS: Final = (
    Row("1", "worker killed at random", STANDARD, workers.killed_at_random, short=4, long=300, weight=550),
    Row("2", "killed at 12 points", STANDARD, workers.killed_at_each_point, short=1, long=50, weight=450),
    Row(
        "2b",
        "killed after the outcome",
        STANDARD,
        workers.killed_behind_the_outcome,
        short=1,
        long=30,
        weight=120,
    ),
    Row("3", "Redis clients killed", STANDARD, broker.clients_killed, short=8, long=1000, weight=150),
    Row(
        "4",
        "frozen between intent and SENT",
        STANDARD,
        freezes.frozen_between_intent_and_sent,
        short=1,
        long=100,
        weight=250,
    ),
    Row(
        "5",
        "frozen between SENT and restart",
        STANDARD,
        freezes.frozen_between_sent_and_effect,
        short=2,
        long=100,
        weight=300,
    ),
    Row(
        "5b",
        "frozen past the order's time",
        LIVING_SWITCH,
        freezes.frozen_past_the_orders_time,
        short=1,
        long=10,
        weight=150,
    ),
    Row("6", "SIGTERM, long grace", STANDARD, workers.stopped, short=1, long=30, weight=100),
    Row(
        "7",
        "SIGTERM, SIGKILL after 1 s",
        STANDARD,
        workers.stopped_with_too_short_a_grace,
        short=1,
        long=50,
        weight=130,
    ),
    Row("8", "broker killed, back in 3 s", STANDARD, broker.broker_killed, short=1, long=100, weight=250),
    Row(
        "8b",
        "broker killed during restarts",
        LIVING_SWITCH,
        broker.broker_killed_during_restarts,
        short=1,
        long=20,
        weight=150,
    ),
    Row("9", "broker down", STANDARD, broker.broker_down_for_long, short=1, long=5, weight=700),
    Row("10", "broker frozen", STANDARD, broker.broker_frozen, short=1, long=50, weight=250),
    Row("11", "connections reset", STANDARD, broker.connections_cut, short=6, long=500, weight=120),
    Row("12", "network swallows", STANDARD, broker.network_swallows, short=1, long=30, weight=240),
    Row("13", "replies lost", STANDARD, broker.replies_lost, short=1, long=100, weight=180),
    Row("14", "delivered six times", STANDARD, broker.delivered_six_times, short=5, long=500, weight=120),
    Row(
        "15",
        "longer than the visibility timeout",
        SHORT_VISIBILITY,
        broker.longer_than_the_visibility_timeout,
        short=1,
        long=50,
        weight=170,
    ),
    Row("16", "ten poisons", STANDARD, broker.poisoned, short=1, long=20, weight=60),
    Row("20a", "clocks 1 h fast and slow", FAST_AND_SLOW, restarts.wrong_clocks, short=3, long=20, weight=30),
    Row("20b", "a clock that jumps by 2 h", JUMPING, restarts.wrong_clocks, short=3, long=20, weight=30),
    Row("21", "storm: 250 alerts, 100 servers", STORM, restarts.storm, short=1, long=10, weight=35),
    Row("22", "50 for one server", ONE_SERVER, restarts.fifty_for_one_server, short=1, long=50, weight=60),
    Row("23", "restarts that go wrong", STANDARD, restarts.restarts_that_go_wrong, short=2, long=50, weight=90),
    Row("24", "model limited, broken, slow", MODELS, models.model_breaks, short=1, long=50, weight=150),
    Row("25", "model rambles", MODELS, models.model_rambles, short=1, long=50, weight=30),
    Row("26", "model hallucinates", MODELS, models.model_hallucinates, short=1, long=100, weight=40),
    Row("28", "escalation consumer killed", STANDARD, escalation.consumer_killed, short=1, long=100, weight=120),
    Row(
        "34",
        "approved by two at once, killed at 12 points",
        APPROVED,
        approvals.approved_and_killed_at_each_point,
        short=1,
        long=20,
        weight=250,
    ),
    Row("32a", "CONTROL: row 2, naive guard", NO_GUARD, workers.killed_at_each_point, short=1, must_show="doubles"),
    Row(
        "32b",
        "CONTROL: row 4, naive guard",
        NO_GUARD,
        freezes.frozen_between_intent_and_sent,
        short=2,
        must_show="overlaps",
    ),
    Row(
        "32c",
        "CONTROL: row 1, no guard, no sweeper",
        NO_GUARD_NO_SWEEPER,
        workers.killed_at_random,
        short=4,
        must_show="lost",
    ),
    Row("32d", "CONTROL: row 5, no fence", NO_FENCE, freezes.frozen_before_the_command, short=1, must_show="late"),
    Row(
        "32e",
        "CONTROL: row 34, naive guard",
        APPROVED_NO_GUARD,
        approvals.approved_and_killed_at_each_point,
        short=1,
        must_show="doubles",
    ),
)

NOT_COVERED: Final = {
    "5": "the host's restart command is run without an sshd; it is tested behind a real one in tests/target",
    "9": "ten minutes in one trial of a long run of 45 minutes and more, else 60 s or 15 s; without a spool, "
    "which has a suite of its own (tests/integration/test_spool_process.py)",
    "12": "120 s in one trial of a long run, else 6 s",
    "17, 18": "full memory in tests/faults/test_broker.py only; a full disk and a torn append-only file not at all",
    "19": "not part of this suite: tests/producers/test_spool.py has the spool on a full disk",
    "27, 29, 30, 31, 33": "hostile logs, a lost Redis, upgrades, memory, the soak: not part of this suite",
}


def grouped(rows: Iterable[Row]) -> list[Row]:
    """Return the rows so that those with one setup follow each other, and can share a site."""
    rows = list(rows)
    setups = list(dict.fromkeys(row.setup for row in rows))
    return sorted(rows, key=lambda row: setups.index(row.setup))
