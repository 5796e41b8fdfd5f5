"""The setups that rows of the matrix share: opening one takes seconds."""

from dataclasses import replace
from typing import Final

from tests.faults.ledger import Limits
from tests.faults.rows import models
from tests.faults.setup import Servers, Setup
from tests.house import WELL

__all__ = [
    "APPROVED",
    "APPROVED_NO_GUARD",
    "FAST_AND_SLOW",
    "JUMPING",
    "LIVING_SWITCH",
    "MODELS",
    "NO_FENCE",
    "NO_GUARD",
    "NO_GUARD_NO_SWEEPER",
    "ONE_SERVER",
    "SHORT_VISIBILITY",
    "STANDARD",
    "STORM",
]

_LIMITS_OF_A_STORM: Final = Limits(
    cooldown_seconds=15,
    server_restarts=2,
    server_window_seconds=60,
    fleet_restarts=12,
    fleet_window_seconds=10,
    fleet_concurrency=3,
)
_FENCED: Final = Servers(number=60, is_cured=False, is_fenced=True)
_FLEET: Final = {
    "cured": Servers(number=800),
    "stubborn": Servers(number=60, is_cured=False),
    "slow": Servers(number=60, restart_seconds=3),
    "late": Servers(number=60, restart_seconds=1, fails="after", is_cured=False),
    "refusing": Servers(number=60, restart_seconds=1, fails="before"),
    "fenced": _FENCED,
}
STANDARD: Final = Setup(servers=_FLEET)
_APPROVED: Final = {"approved": Servers(number=300, approver="ada")}
APPROVED: Final = Setup(servers=_APPROVED)
APPROVED_NO_GUARD: Final = Setup(servers=_APPROVED, faults={"has_guard": False}, settle_seconds=20)
LIVING_SWITCH: Final = Setup(
    servers={"brief": Servers(number=60, restart_seconds=1)}, faults={"lease_seconds": 10}, trip_after=3
)
SHORT_VISIBILITY: Final = Setup(
    servers={"slow": Servers(number=60, restart_seconds=9)}, faults={"visibility_timeout_seconds": 2}
)
STORM: Final = Setup(servers={"stubborn": Servers(number=100, is_cured=False)}, limits=_LIMITS_OF_A_STORM)
ONE_SERVER: Final = Setup(
    servers={"single": Servers(number=50)}, limits=replace(_LIMITS_OF_A_STORM, fleet_restarts=1_000)
)
FAST_AND_SLOW: Final = Setup(servers=_FLEET, worker_clocks=("fast", "slow"))
JUMPING: Final = Setup(servers=_FLEET, worker_clocks=("jumps", "right"))
MODELS: Final = Setup(
    servers={
        manner: Servers(number=60) for manner in ("sane", *models.BROKEN, *models.NONSENSICAL, *models.HALLUCINATING)
    }
    | {"well": Servers(number=1, health=WELL)},
    manner=models.by_server,
    settings={"max_seconds": 20, "model_timeout_seconds": 2, "model_retries": 1},
)
NO_GUARD: Final = Setup(servers=_FLEET, faults={"has_guard": False}, settle_seconds=20)
NO_GUARD_NO_SWEEPER: Final = Setup(servers=_FLEET, faults={"has_guard": False, "has_sweeper": False}, settle_seconds=10)
NO_FENCE: Final = Setup(servers={"fenced": _FENCED}, faults={"has_fence": False}, settle_seconds=20)
