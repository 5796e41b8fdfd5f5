"""Rows 4 and 5: a worker sleeps through its lease, right before the leave to restart and right before the restart."""

import time
from signal import SIGCONT, SIGSTOP
from typing import Final

from tests.faults.fenced import BEFORE_COMMAND, TOO_LATE
from tests.faults.rows.interrupted import expect_no_success
from tests.faults.site import Site
from tests.programs import wait_until
from worker.contract.incident import Incident
from worker.contract.result import RestartOutcome

__all__ = [
    "frozen_before_the_command",
    "frozen_between_intent_and_sent",
    "frozen_between_sent_and_effect",
    "frozen_past_the_orders_time",
]

_LONGER_THAN_THE_GUARDS_LEASE_SECONDS: Final = 5.5
_UNTIL_ANOTHER_HAS_TAKEN_OVER_SECONDS: Final = 4.5
_LONGER_THAN_THE_LEAVE_SECONDS: Final = 3.5
_TOO_LATE_IN_A_ROW: Final = 3
_LATE_ACTION_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 10.0
_KINDS: Final = ("stubborn", "cured")
"""A server that a restart cures hides a second one: nobody would ask for it."""

_PLACES: Final = ("before_effect", BEFORE_COMMAND)


def frozen_between_intent_and_sent(site: Site, trials: int) -> None:
    """Row 4: SIGSTOP after the intent, for longer than the restart lock's lease, while others work on the server."""
    for trial in site.trials(trials):
        _freeze(site, "after_intent", _KINDS[trial % len(_KINDS)])


def frozen_between_sent_and_effect(site: Site, trials: int) -> None:
    """Row 5: SIGSTOP after the leave to send, before and after the worker's own last look at the clock, by turns.

    The second sort is the host's to refuse. Beside it an order in time goes through the same fence.
    """
    for trial in site.trials(trials):
        place = _PLACES[trial % len(_PLACES)]
        beside = site.incident(site.next_server("fenced"))
        server, frozen_id = _freeze(site, place, "fenced", beside=beside)
        if place == BEFORE_COMMAND:
            _expect_refusal(site, server, frozen_id)
        if site.restarts_of(beside.incident_id) != 1:
            site.complain("an order in time was not carried out, so nothing was tried")


def frozen_past_the_orders_time(site: Site, trials: int) -> None:
    """Row 5, with the kill switch alive: the claim outlives the leave; an order that is refused counts for nothing."""
    for _ in site.trials(trials):
        for _ in range(_TOO_LATE_IN_A_ROW):
            site.traps.disarm_all()
            site.traps.arm("after_sent", SIGSTOP)
            site.submit("brief")
            wait_until(lambda: bool(site.traps.sprung()), seconds=20)
            (frozen,) = site.traps.sprung()
            site.fault()
            time.sleep(_LONGER_THAN_THE_LEAVE_SECONDS)
            site.fleet.send_to_pid(frozen.pid, SIGCONT)
            site.settle()
            result = site.results().get(frozen.incident_id)
            if result and (result.restart is None or result.restart.outcome is not RestartOutcome.NOT_DONE):
                site.complain(f"{frozen.incident_id}, whose order came too late, is told as {result.restart}")
    site.expect_not_halted()


def frozen_before_the_command(site: Site, trials: int) -> None:
    """Row 5's second sort alone, for the control without a fence."""
    for _ in site.trials(trials):
        _freeze(site, BEFORE_COMMAND, "fenced")


def _freeze(site: Site, place: str, kind: str, *, beside: Incident | None = None) -> tuple[str, str]:
    """Freeze a worker at a place until its leave has lapsed; return its server and its incident's id."""
    site.traps.disarm_all()
    site.traps.arm(place, SIGSTOP)
    server = site.next_server(kind)
    (first,) = site.send([site.incident(server)])
    wait_until(lambda: bool(site.traps.sprung()), seconds=20)
    (frozen,) = site.traps.sprung()
    site.fault()
    if beside is not None:
        site.send([beside])
    time.sleep(_UNTIL_ANOTHER_HAS_TAKEN_OVER_SECONDS)
    site.send([site.incident(server)])
    time.sleep(_LONGER_THAN_THE_GUARDS_LEASE_SECONDS - _UNTIL_ANOTHER_HAS_TAKEN_OVER_SECONDS)
    if site.restarts_of(first):
        site.complain(f"{first} was restarted by another worker while its own was frozen")
    site.ledger.not_after[first] = time.time()
    site.fleet.send_to_pid(frozen.pid, SIGCONT)
    site.settle()
    time.sleep(_LATE_ACTION_SECONDS)
    expect_no_success(site, [frozen])
    site.resolve_all()
    return server, first


def _expect_refusal(site: Site, server: str, incident_id: str) -> None:
    give_up = time.monotonic() + _ANSWER_SECONDS
    while not (answers := site.host_answers(server, incident_id)) and time.monotonic() < give_up:
        time.sleep(0.05)
    site.note("late orders refused by the host", answers == [TOO_LATE])
    if answers != [TOO_LATE]:
        site.complain(f"{server} answered a late order with {answers}, not with {TOO_LATE}")
