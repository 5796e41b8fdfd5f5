"""What rows with interrupted restarts look for."""

from collections.abc import Iterable
from typing import Final

from tests.faults.fenced import BEFORE_COMMAND
from tests.faults.site import Site
from tests.faults.traps import POINTS, Sprung
from worker.contract.result import Disposition

__all__ = ["expect_no_success"]

_ENGINEERS_LOOK: Final = (Disposition.ESCALATED, Disposition.DEAD_LETTERED)
_OUTCOME_UNKNOWN: Final = (*POINTS[POINTS.index("after_intent") : POINTS.index("before_finish")], BEFORE_COMMAND)


def expect_no_success(site: Site, sprung: Iterable[Sprung]) -> None:
    """Whoever dies between intent and outcome leaves a restart of which nobody may say that it helped."""
    results = site.results()
    for trap in sprung:
        result = results.get(trap.incident_id)
        if trap.point in _OUTCOME_UNKNOWN and result and result.disposition not in _ENGINEERS_LOOK:
            site.complain(f"{trap.incident_id}, interrupted {trap.point}, ended as {result.disposition}")
