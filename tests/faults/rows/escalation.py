"""Row 28: the escalation consumer dies on either side of the delivery, and downstream refuses."""

import sys
import time
from contextlib import suppress
from signal import SIGKILL
from typing import Final

from redis.exceptions import ResponseError

from tests.faults.desk import POINTS, pages_in
from tests.faults.fleet import Fleet
from tests.faults.site import Site
from tests.programs import environment_of, wait_until
from worker.contract.queue import ESCALATION_GROUP, RESULTS_STREAM

__all__ = ["consumer_killed"]

_CONSUMERS: Final = 2
_PAGED_WITHIN_SECONDS: Final = 60


def consumer_killed(site: Site, trials: int) -> None:
    """Row 28: SIGKILL before and after the page is sent, then a 503; every incident is paged, once after dedup."""
    pages = site.folder / "pages"
    environment = environment_of({}) | {
        "DESK_REDIS_URL": site.valkey.url,
        "DESK_TRAPS_FOLDER": str(site.folder / "traps"),
        "DESK_PAGES_FILE": str(pages),
    }
    with suppress(ResponseError):  # the group is there: this row was made before
        site.redis.xgroup_create(RESULTS_STREAM, ESCALATION_GROUP, id="$", mkstream=True)  # not what other rows left
    command = (sys.executable, "-m", "tests.faults.desk")
    with Fleet(command, [environment] * _CONSUMERS, logs=site.folder / "logs" / "desk") as desk:
        for _ in site.trials(trials):
            site.traps.disarm_all()
            for point in POINTS:
                site.traps.arm(point, SIGKILL)
                site.submit("cured", 3)
                wait_until(lambda: len(site.traps.sprung()) >= 1, seconds=30)
                site.fault()
                site.note("consumers killed", len(site.traps.sprung()))
                site.traps.disarm_all()
            (site.folder / "traps" / "downstream_fails").touch()
            site.submit("cured", 3)
            time.sleep(0.5)
        site.settle()
        wait_until(lambda: site.ledger.accepted.keys() <= set(pages_in(pages)), seconds=_PAGED_WITHIN_SECONDS)
        paged = [incident_id for incident_id in pages_in(pages) if incident_id in site.ledger.accepted]
        site.note("pages to be told apart by incident", len(paged) - len(site.ledger.accepted))
        site.note("consumer exits", desk.exits)
