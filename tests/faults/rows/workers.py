"""Rows 1, 2, 6 and 7: a worker is killed or stopped, at random and at each point of its work."""

import time
from signal import SIGKILL, SIGTERM
from typing import Final

from tests.faults.rows.interrupted import expect_no_success
from tests.faults.setup import WORKERS
from tests.faults.site import Site
from tests.faults.traps import POINTS
from tests.programs import wait_until
from worker.contract.result import RestartOutcome

__all__ = [
    "killed_at_each_point",
    "killed_at_random",
    "killed_behind_the_outcome",
    "stopped",
    "stopped_with_too_short_a_grace",
]

_ALL_SPRUNG_SECONDS: Final = 60
_WORK_SECONDS: Final = 0.6
"""Later than this after their intake eight incidents are done with, and a kill meets none of them."""


def killed_at_random(site: Site, trials: int) -> None:
    """Row 1: SIGKILL at any moment, while eight triages run."""
    for trial in site.trials(trials):
        time.sleep(site.random.uniform(1.0, 4.0))  # a worker takes two seconds to start
        site.submit("cured", 5)
        site.submit("stubborn", 3)
        time.sleep(site.random.uniform(0.0, _WORK_SECONDS))
        site.fault()
        site.fleet.send(trial % WORKERS, SIGKILL)


def killed_at_each_point(site: Site, trials: int) -> None:
    """Row 2: SIGKILL before and after claim, intent, leave to send, restart, outcome and closing."""
    for _ in site.trials(trials):
        site.traps.disarm_all()
        for point in POINTS:
            site.traps.arm(point, SIGKILL)
        give_up = time.monotonic() + _ALL_SPRUNG_SECONDS
        while len(site.traps.sprung()) < len(POINTS) and time.monotonic() < give_up:
            site.submit("cured")
            site.submit("stubborn")
            site.fault()
            time.sleep(0.5)
        site.settle()
        sprung = site.traps.sprung()
        site.note("points", len(sprung))
        if len(sprung) < len(POINTS):
            site.complain(f"only {len(sprung)} of {len(POINTS)} points were reached")
        expect_no_success(site, sprung)


def killed_behind_the_outcome(site: Site, trials: int) -> None:
    """Row 2, for the one point where the guard knows more than the result can prove: a recovery is recorded there."""
    for _ in site.trials(trials):
        site.traps.disarm_all()
        site.traps.arm("after_record", SIGKILL)
        (incident_id,) = site.submit("cured")
        wait_until(lambda: bool(site.traps.sprung()), seconds=30)
        site.fault()
        site.settle()
        result = site.results().get(incident_id)
        if result and (result.restart is None or result.restart.outcome is not RestartOutcome.PROOF_LOST):
            site.complain(f"{incident_id}, recorded as restored, is told as {result.restart}")
        expect_no_success(site, site.traps.sprung())


def stopped(site: Site, trials: int) -> None:
    """Row 6: SIGTERM; what runs is finished, nothing runs twice."""
    for trial in site.trials(trials):
        site.submit("slow", 3)
        site.submit("cured", 3)
        time.sleep(site.random.uniform(0.2, 1.0))
        site.fault()
        site.fleet.send(trial % WORKERS, SIGTERM)
        site.settle()
    again = [result for result in site.results().values() if result.epoch > 1]
    if again:
        site.complain(f"{len(again)} incidents were claimed again after a warm stop")


def stopped_with_too_short_a_grace(site: Site, trials: int) -> None:
    """Row 7: SIGTERM, and SIGKILL before the running triages can end, as `docker stop` does."""
    for trial in site.trials(trials):
        site.submit("slow", 3)
        site.submit("cured", 3)
        time.sleep(site.random.uniform(0.2, 1.0))
        site.fault()
        pid = site.fleet.send(trial % WORKERS, SIGTERM)
        time.sleep(1)
        site.fleet.send_to_pid(pid, SIGKILL)
        site.settle()
