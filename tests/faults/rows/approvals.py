"""Row 34: restarts that engineers approve, while the workers that carry them out are killed."""

import time
from concurrent.futures import ThreadPoolExecutor
from signal import SIGKILL
from typing import Final

from tests.faults.rows.interrupted import expect_no_success
from tests.faults.site import Site
from tests.faults.traps import POINTS
from worker.contract.proposal import follow_up_id
from worker.contract.result import Disposition
from worker.escalation.approving import Approving, Said

__all__ = ["approved_and_killed_at_each_point"]

_PROPOSED: Final = 30
_AT_ONCE: Final = 2


def approved_and_killed_at_each_point(site: Site, trials: int) -> None:
    """Row 34: two people approve each proposal at once; SIGKILL at each point of what follows."""
    approving = site.approving()
    for _ in site.trials(trials):
        proposed = site.submit("approved", _PROPOSED)
        site.settle()
        _expect_proposals(site, proposed)
        site.traps.disarm_all()
        for point in POINTS:
            site.traps.arm(point, SIGKILL)
        for incident_id in proposed:
            _approve(site, approving, incident_id)
            site.fault()
            time.sleep(0.5)
            if len(site.traps.sprung()) == len(POINTS):
                break
        site.settle()
        sprung = site.traps.sprung()
        site.note("points", len(sprung))
        expect_no_success(site, sprung)
        if not site.restarts_of(*map(follow_up_id, proposed)):
            site.complain("nothing was restarted at all, so nothing was tried")


def _expect_proposals(site: Site, incident_ids: list[str]) -> None:
    results = site.results()
    for incident_id in incident_ids:
        result = results.get(incident_id)
        if result and result.disposition is not Disposition.AWAITING_APPROVAL:
            site.complain(f"{incident_id} ended as {result.disposition}, and not as a proposal")
    if site.restarts_of(*incident_ids):
        site.complain("a server was restarted without an engineer's word")


def _approve(site: Site, approving: Approving, incident_id: str) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as people:
        answers = list(people.map(lambda why: approving.approve(incident_id, person="ada", why=why), ("one", "two")))
    said = [answer for answer in answers if isinstance(answer, Said)]
    if [answer.is_news for answer in said].count(True) != 1:
        site.complain(f"of two approvals of {incident_id} not one alone was the news")
    if said:
        site.ledger.accepted[follow_up_id(incident_id)] = time.time()
