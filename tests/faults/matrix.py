"""The fault matrix: which rows there are, what each needs, and how often it is tried."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from tests.faults.ledger import Limits
from tests.faults.rows import broker, escalation, models, restarts, workers
from tests.faults.site import Servers, Setup, Site
from tests.house import WELL

__all__ = ["NOT_COVERED", "ROWS", "Row", "grouped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault: how it is made, on which site, and its trials in a short and in a long run.

    `weight` is its share of the time that is left, against the other rows' weights.

    A control has its protection taken away, and must show what `must_show` names (`lost`, `doubles` or `overlaps`).
    """

    number: str
    fault: str
    setup: Setup
    make: Callable[[Site, int], None]
    short: int
    long: int
    weight: int = 1
    must_show: str | None = None


_LIMITS_OF_A_STORM: Final = Limits(
    cooldown_seconds=15,
    server_restarts=2,
    server_window_seconds=60,
    fleet_restarts=12,
    fleet_window_seconds=10,
    fleet_concurrency=3,
)
_FLEET: Final = {
    "cured": Servers(number=800),
    "stubborn": Servers(number=60, is_cured=False),
    "slow": Servers(number=60, restart_seconds=3),
    "late": Servers(number=60, restart_seconds=1, fails="after", is_cured=False),
    "refusing": Servers(number=60, restart_seconds=1, fails="before"),
}
_STANDARD: Final = Setup(servers=_FLEET)
_SHORT_VISIBILITY: Final = Setup(
    servers={"slow": Servers(number=60, restart_seconds=9)}, faults={"visibility_timeout_seconds": 2}
)
_STORM: Final = Setup(servers={"stubborn": Servers(number=100, is_cured=False)}, limits=_LIMITS_OF_A_STORM)
_ONE_SERVER: Final = Setup(
    servers={"single": Servers(number=50)}, limits=replace(_LIMITS_OF_A_STORM, fleet_restarts=1_000)
)
_FAST_AND_SLOW: Final = Setup(servers=_FLEET, worker_clocks=("fast", "slow"))
_JUMPING: Final = Setup(servers=_FLEET, worker_clocks=("jumps", "right"))
_MODELS: Final = Setup(
    servers={
        manner: Servers(number=60) for manner in ("sane", *models.BROKEN, *models.NONSENSICAL, *models.HALLUCINATING)
    }
    | {"well": Servers(number=1, health=WELL)},
    manner=models.by_server,
    settings={"max_seconds": 20, "model_timeout_seconds": 2, "model_retries": 1},
)
_NO_GUARD: Final = Setup(servers=_FLEET, faults={"has_guard": False}, settle_seconds=20)
_NO_GUARD_NO_SWEEPER: Final = Setup(
    servers=_FLEET, faults={"has_guard": False, "has_sweeper": False}, settle_seconds=10
)

ROWS: Final = (
    Row(
        number="1",
        fault="worker killed at random",
        setup=_STANDARD,
        make=workers.killed_at_random,
        short=5,
        long=40,
        weight=4,
    ),
    Row(
        number="2",
        fault="killed at 12 points",
        setup=_STANDARD,
        make=workers.killed_at_each_point,
        short=1,
        long=5,
        weight=4,
    ),
    Row(number="3", fault="Redis clients killed", setup=_STANDARD, make=broker.clients_killed, short=10, long=60),
    Row(
        number="4",
        fault="frozen between intent and SENT",
        setup=_STANDARD,
        make=workers.frozen_between_intent_and_sent,
        short=2,
        long=6,
        weight=2,
    ),
    Row(
        number="5",
        fault="frozen between SENT and restart",
        setup=_STANDARD,
        make=workers.frozen_between_sent_and_effect,
        short=2,
        long=6,
        weight=2,
    ),
    Row(number="6", fault="SIGTERM, long grace", setup=_STANDARD, make=workers.stopped, short=2, long=8),
    Row(
        number="7",
        fault="SIGTERM, SIGKILL after 1 s",
        setup=_STANDARD,
        make=workers.stopped_with_too_short_a_grace,
        short=2,
        long=8,
    ),
    Row(
        number="8",
        fault="broker killed, back in 3 s",
        setup=_STANDARD,
        make=broker.broker_killed,
        short=2,
        long=8,
        weight=2,
    ),
    Row(number="9", fault="broker down 15 s", setup=_STANDARD, make=broker.broker_down_for_long, short=1, long=2),
    Row(number="10", fault="broker frozen 10 s", setup=_STANDARD, make=broker.broker_frozen, short=1, long=3),
    Row(number="11", fault="connections reset", setup=_STANDARD, make=broker.connections_cut, short=8, long=40),
    Row(number="12", fault="network swallows 6 s", setup=_STANDARD, make=broker.network_swallows, short=1, long=4),
    Row(number="13", fault="replies lost", setup=_STANDARD, make=broker.replies_lost, short=1, long=4),
    Row(number="14", fault="delivered six times", setup=_STANDARD, make=broker.delivered_six_times, short=5, long=30),
    Row(
        number="15",
        fault="longer than the visibility timeout",
        setup=_SHORT_VISIBILITY,
        make=broker.longer_than_the_visibility_timeout,
        short=1,
        long=3,
    ),
    Row(number="16", fault="ten poisons", setup=_STANDARD, make=broker.poisoned, short=1, long=5),
    Row(
        number="20a",
        fault="clocks 1 h fast and slow",
        setup=_FAST_AND_SLOW,
        make=restarts.wrong_clocks,
        short=3,
        long=12,
    ),
    Row(number="20b", fault="a clock that jumps by 2 h", setup=_JUMPING, make=restarts.wrong_clocks, short=3, long=12),
    Row(number="21", fault="storm: 250 alerts, 100 servers", setup=_STORM, make=restarts.storm, short=1, long=3),
    Row(number="22", fault="50 for one server", setup=_ONE_SERVER, make=restarts.fifty_for_one_server, short=2, long=8),
    Row(
        number="23",
        fault="restarts that go wrong",
        setup=_STANDARD,
        make=restarts.restarts_that_go_wrong,
        short=2,
        long=8,
    ),
    Row(number="24", fault="model limited, broken, slow", setup=_MODELS, make=models.model_breaks, short=1, long=4),
    Row(number="25", fault="model rambles", setup=_MODELS, make=models.model_rambles, short=1, long=4),
    Row(number="26", fault="model hallucinates", setup=_MODELS, make=models.model_hallucinates, short=1, long=8),
    Row(
        number="28",
        fault="escalation consumer killed",
        setup=_STANDARD,
        make=escalation.consumer_killed,
        short=1,
        long=6,
    ),
    Row(
        number="32a",
        fault="CONTROL: row 2, naive guard",
        setup=_NO_GUARD,
        make=workers.killed_at_each_point,
        short=1,
        long=2,
        must_show="doubles",
    ),
    Row(
        number="32b",
        fault="CONTROL: row 4, naive guard",
        setup=_NO_GUARD,
        make=workers.frozen_between_intent_and_sent,
        short=2,
        long=4,
        must_show="overlaps",
    ),
    Row(
        number="32c",
        fault="CONTROL: row 1, no guard, no sweeper",
        setup=_NO_GUARD_NO_SWEEPER,
        make=workers.killed_at_random,
        short=4,
        long=8,
        must_show="lost",
    ),
)

NOT_COVERED: Final = {
    "5": "the order is refused by the recorded server; the host's own fence is tested where it lives (tests/target)",
    "9": "15 s for 10 minutes; no spool yet, so no direct escalation while the broker is away",
    "10": "DEBUG SLEEP was not tried",
    "12": "6 s; 120 s was not tried",
    "17, 18, 19": "full memory, full disk, a torn append-only file, the spool: a later issue",
    "27, 29, 30, 31, 33": "hostile logs, a lost Redis, upgrades, memory, the soak: not part of this suite",
}


def grouped(rows: Iterable[Row]) -> list[Row]:
    """Return the rows so that those with one setup follow each other, and can share a site."""
    rows = list(rows)
    setups = list(dict.fromkeys(row.setup for row in rows))
    return sorted(rows, key=lambda row: setups.index(row.setup))
