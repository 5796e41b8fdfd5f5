"""Rows 1, 2, 4 to 7: a worker is killed, frozen or stopped, at random and at each point of its work."""

import time
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from typing import Final

from tests.faults.site import WORKERS, Site
from tests.faults.traps import POINTS, Sprung
from tests.programs import wait_until
from worker.contract.result import Disposition

__all__ = [
    "frozen_between_intent_and_sent",
    "frozen_between_sent_and_effect",
    "killed_at_each_point",
    "killed_at_random",
    "stopped",
    "stopped_with_too_short_a_grace",
]

_LONGER_THAN_THE_GUARDS_LEASE_SECONDS: Final = 5.5
_UNTIL_ANOTHER_HAS_TAKEN_OVER_SECONDS: Final = 4.5
_ALL_SPRUNG_SECONDS: Final = 60
_ENGINEERS_LOOK: Final = (Disposition.ESCALATED, Disposition.DEAD_LETTERED)
_KINDS: Final = ("cured", "stubborn")
"""A server that a restart cures hides a second one: nobody would ask for it."""

_OUTCOME_UNKNOWN: Final = POINTS[POINTS.index("after_intent") : POINTS.index("before_finish")]


def killed_at_random(site: Site, trials: int) -> None:
    """Row 1: SIGKILL at any moment, while eight triages run."""
    for trial in site.trials(trials):
        site.submit("cured", 5)
        site.submit("stubborn", 3)
        time.sleep(site.random.uniform(1.0, 4.0))  # a worker takes two seconds to start
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
        _expect_no_success(site, sprung)


def frozen_between_intent_and_sent(site: Site, trials: int) -> None:
    """Row 4: SIGSTOP after the intent, for longer than the restart lock's lease, while others work on the server."""
    for trial in site.trials(trials):
        _freeze(site, "after_intent", _KINDS[trial % len(_KINDS)])


def frozen_between_sent_and_effect(site: Site, trials: int) -> None:
    """Row 5: SIGSTOP after the leave to send; the recorded server refuses the late order, as a host's fence does."""
    for trial in site.trials(trials):
        _freeze(site, "before_effect", _KINDS[trial % len(_KINDS)])


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


def _freeze(site: Site, point: str, kind: str) -> None:
    site.traps.disarm_all()
    site.traps.arm(point, SIGSTOP)
    first = site.incident(site.next_server(kind))
    site.send([first])
    wait_until(lambda: bool(site.traps.sprung()), seconds=20)
    (frozen,) = site.traps.sprung()
    site.fault()
    time.sleep(_UNTIL_ANOTHER_HAS_TAKEN_OVER_SECONDS)
    site.send([site.incident(first.text.split()[0])])
    time.sleep(_LONGER_THAN_THE_GUARDS_LEASE_SECONDS - _UNTIL_ANOTHER_HAS_TAKEN_OVER_SECONDS)
    site.fleet.send_to_pid(frozen.pid, SIGCONT)
    site.settle()
    time.sleep(0.5)  # what woke up late could act late
    if site.restarts_of(first.incident_id):
        site.complain(f"{first.incident_id} was restarted by a worker that had slept through its lease")
    _expect_no_success(site, [frozen])
    site.resolve_all()


def _expect_no_success(site: Site, sprung: list[Sprung]) -> None:
    """Whoever dies between intent and outcome leaves a restart of which nobody may say that it helped."""
    results = site.results()
    for trap in sprung:
        result = results.get(trap.incident_id)
        if trap.point in _OUTCOME_UNKNOWN and result and result.disposition not in _ENGINEERS_LOOK:
            site.complain(f"{trap.incident_id}, interrupted {trap.point}, ended as {result.disposition}")
