"""Rows 20 to 23: wrong clocks, storms of alerts, and restarts that go wrong themselves."""

import time
from typing import Final

from tests.faults.site import Site
from worker.contract.result import Disposition

__all__ = ["fifty_for_one_server", "restarts_that_go_wrong", "storm", "wrong_clocks"]

_STORM_SIZE: Final = 250
_FOR_ONE_SERVER: Final = 50


def wrong_clocks(site: Site, trials: int) -> None:
    """Row 20: the workers' wall clocks are an hour fast, an hour slow, or jump; only Redis' clock counts."""
    for _ in site.trials(trials):
        site.submit("cured", 2)
        site.submit("stubborn", 6)
        site.fault()
        time.sleep(site.random.uniform(0.2, 1.0))
    site.settle()
    _expect_restarts(site)


def storm(site: Site, trials: int) -> None:
    """Row 21: alerts for every server at once; the fleet's budget and its limit of restarts at once hold."""
    for _ in site.trials(trials):
        site.fault()
        site.submit("stubborn", _STORM_SIZE)
        site.settle()
    _expect_restarts(site)


def fifty_for_one_server(site: Site, trials: int) -> None:
    """Row 22: fifty incidents of one server; one restart."""
    for _ in site.trials(trials):
        server = site.next_server("single")
        site.fault()
        incident_ids = site.send([site.incident(server) for _ in range(_FOR_ONE_SERVER)])
        site.settle()
        restarts = site.restarts_of(*incident_ids)
        if restarts != 1:
            site.complain(f"{server} was restarted {restarts} times")


def restarts_that_go_wrong(site: Site, trials: int) -> None:
    """Row 23: a restart happens and is called a failure, or hangs and does not happen; it is never tried again."""
    for _ in site.trials(trials):
        (late, refused) = (*site.submit("late"), *site.submit("refusing"))
        site.fault()
        site.settle()
        if site.restarts_of(late) != 1 or site.restarts_of(refused) != 0:
            site.complain("a failed restart was tried again")
        result = site.results().get(refused)
        if result is not None and result.disposition is not Disposition.ESCALATED:
            site.complain(f"a restart that did not happen ended as {result.disposition}")
        site.resolve_all()


def _expect_restarts(site: Site) -> None:
    restarts = site.restarts_of(*site.ledger.accepted)
    if not restarts:
        site.complain("nothing was restarted at all, so nothing was tried")
