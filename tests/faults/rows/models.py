"""Rows 24 to 26: the model's endpoint is limited, broken, slow or talks nonsense, and asks for what nobody may have."""

import json
from collections.abc import Mapping
from typing import Final

from tests.endpoint import MANNERS, Answer, Delivery, Manner, Request, answer
from tests.faults.site import Site
from worker.contract.result import Disposition, Ending

__all__ = ["BROKEN", "HALLUCINATING", "NONSENSICAL", "by_server", "model_breaks", "model_hallucinates", "model_rambles"]

_MEGABYTE: Final = 1_000_000
_TOO_LATE_SECONDS: Final = 5

_OWN_MANNERS: Final[Mapping[str, Manner]] = {
    "answers_too_late": lambda _: answer("All is well.", delay_seconds=_TOO_LATE_SECONDS),
    "drips": lambda _: answer("All is well.", delivery=Delivery.DRIP),
    "resets": lambda _: Answer(delivery=Delivery.NONE),
    "says_nothing": lambda _: answer(""),
    "says_too_much": lambda _: answer("x" * _MEGABYTE),
    "asks_a_hundred_times": lambda request: answer(
        None, *[("get_server_health", {"server_id": request.server_id})] * 100
    ),
}
_MANNERS: Final[Mapping[str, Manner]] = {**MANNERS, **_OWN_MANNERS}

BROKEN: Final = ("limits_the_rate", "fails", "answers_too_late", "drips", "resets")
NONSENSICAL: Final = ("sends_half_bodies", "says_nothing", "says_too_much", "never_ends", "asks_a_hundred_times")
HALLUCINATING: Final = ("names_other_servers", "breaks_arguments", "claims_a_restart")


def by_server(request: Request) -> Answer:
    """Answer in the manner that the incident's server is named after."""
    return _MANNERS[request.server_id.rpartition("-")[0]](request)


def model_breaks(site: Site, trials: int) -> None:
    """Row 24: rate limit, error, silence, a slow drip, a reset: the rules finish, and an engineer is told."""
    _one_of_each(site, BROKEN, trials)
    _expect_one_request_per_limit(site)


def model_rambles(site: Site, trials: int) -> None:
    """Row 25: half an answer, none, a megabyte, endless calls: the budget ends it, and an engineer is told."""
    _one_of_each(site, NONSENSICAL, trials)


def model_hallucinates(site: Site, trials: int) -> None:
    """Row 26: other servers, tools that don't exist, restarts that never were: nothing of it is carried out."""
    _one_of_each(site, HALLUCINATING, trials)


def _one_of_each(site: Site, manners: tuple[str, ...], trials: int) -> None:
    for _ in site.trials(trials):
        incident_ids = [incident_id for manner in manners for incident_id in site.submit(manner)]
        well = site.submit("sane")
        site.fault()
        site.settle()
        restarts = site.restarts_of(*incident_ids)
        if restarts:
            site.complain(f"{restarts} restarts on the word of a model that can't be trusted")
        if not site.restarts_of(*well):
            site.complain("the sane model beside them restarted nothing, so nothing was tried")
    for incident_id, result in site.results().items():
        is_sane = result.server_id is not None and result.server_id.startswith("sane")
        if result.ending is Ending.INTERNAL_ERROR:
            site.complain(f"{incident_id}: {result.summary}")
        elif not is_sane and result.disposition is not Disposition.ESCALATED:
            site.complain(f"{result.server_id} ended as {result.disposition}")


def _expect_one_request_per_limit(site: Site) -> None:
    """A 429 says when to come back: later than these triages live."""
    assert site.endpoint is not None
    limited = [request for request in site.endpoint.requests if request.server_id.startswith("limits_the_rate")]
    incidents = {json.dumps(request.body["messages"][:2]) for request in limited}
    again = len(limited) - len(incidents)
    if again:
        site.complain(f"a limited endpoint was asked {again} times before it said")
