"""What to try next: derived from the typed result, never from a model's words.

Pure and deterministic. It names what was seen and proposes where to look; it never claims a cause, blames anybody or
invents an impact. What a log says is quoted as its word and never becomes the desk's: anybody may have written it.
Called by the card.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from worker.contract import Disposition, Ending, ServiceStatus, TriageResult
from worker.contract.observations import CPU_PRESSURE_PERCENT, MEMORY_PRESSURE_PERCENT
from worker.contract.quoting import quoted
from worker.contract.result import RestartOutcome, Suspicion
from worker.escalation.card_limits import clipped
from worker.escalation.citation_claims import ENDPOINT
from worker.escalation.newest_health import evidence_of_restart, newest_health

__all__ = ["MAY_STAY_CLOSED", "commands_of", "endpoints_in", "name_of", "next_steps"]

STEPS_LIMIT: Final = 3
"""More than this nobody works through at night; the order below is the order of worth."""

MAY_STAY_CLOSED: Final = "may stay closed to restarts: see `firstline status` and `firstline resolve`."
"""How a summary ends where the guard could not be told of a restart's end, whoever concluded."""

LOG_TOOL: Final = "fetch_recent_logs"
ENDPOINTS_LIMIT: Final = 3
QUOTATION_WORDS: Final = 10
PLACES_WORDS: Final = 7
NAME_LIMIT_BYTES: Final = 253
ENDPOINT_LIMIT_BYTES: Final = 100

_NO_HOST: Final = re.compile(
    r"(?:errno|error|err|code|line|status|pid|port|exit|.*\.(?:c|cc|cpp|cs|go|java|js|kt|lua|php|pl|py|rb|rs|ts)):\d+",
    re.IGNORECASE,
)
"""What has the form of host:port in logs and is none: error numbers, and places in source files."""

_AFTER_ENDING: Final[Mapping[Ending, str]] = {
    Ending.UNKNOWN_SERVER: "Add the server to the inventory, or correct its name in the alert, and send it again",
    Ending.RESTART_INTERRUPTED: (
        "Look at {server} yourself; where firstline status shows it locked, open it again with firstline resolve"
    ),
    Ending.CLAIMS_SPENT: "Look at {server}, the workers and Redis: several claims of this incident came to no result",
    Ending.ALERTS_KEPT_COMING: "See which alerts of {server} came last: each look at it was overtaken by another",
    Ending.APPROVAL_REFUSED: "Look at {server} anew before you ask for its restart again: the approved one was refused",
    Ending.UNREADABLE: "See what it was with firstline dead-letters, and mend what wrote it",
    Ending.INTERNAL_ERROR: "Check {server} by hand: the triage itself broke, and the worker's log says how",
    Ending.MODEL_UNAVAILABLE: "Check the model's endpoint: it gave no usable answer, so the rules finished read-only",
    Ending.NO_USABLE_ANSWER: "Trust the checks, not the model: it gave no usable answer, and the rules finished",
    Ending.UNSUPPORTED_CONCLUSION: "Trust the checks, not the model: it concluded what they do not support",
    Ending.STEPS_SPENT: "Take over from the checks: the budget of steps ended the triage before a conclusion",
    Ending.TOKENS_SPENT: "Take over from the checks: the budget of tokens ended the triage before a conclusion",
    Ending.SECONDS_SPENT: "Take over from the checks: the deadline ended the triage before a conclusion",
    Ending.MONEY_SPENT: "Take over from the checks: the budget of money ended the triage before a conclusion",
}

_WITHOUT_A_SERVER: Final = (Ending.UNKNOWN_SERVER, Ending.UNREADABLE)

_AFTER_REFUSAL: Final[Mapping[str, str]] = {
    "halted": "Restarts are halted by the kill switch: if {server} needs one, it is yours to do by hand",
    "never_restarted": "If {server} needs a restart, do it by hand: the inventory does not let Firstline restart it",
    "observed_only": "Restart {server} by hand if you agree: the checks justify it; the inventory says observe only",
    "needs_approval": "Restart {server} by hand if you agree: the checks justify it, and it wants a person's word",
    "in_maintenance": "Ask who works on {server}: it is in its maintenance window",
    "dependency_sick": "Look at what {server} needs first: one of its dependencies is sick, by its own health",
    "dependency_unseen": "Look at what {server} needs first: the health of one of its dependencies can't be read",
    "server_in_hand": "See what comes of the other restart of {server}, which is still in a worker's hands",
    "server_unresolved": "Find out how the last restart of {server} ended: until then it stays closed to others",
    "cooldown": "Look for the cause: {server} was restarted a short while ago, and it did not last",
    "server_budget": "Look for the cause: {server} has used up its restarts, and they did not last",
    "fleet_budget": "Look at the whole fleet: so many restarts in a short time point to something shared",
    "fleet_concurrency": "Look at the whole fleet: so many restarts at once point to something shared",
}

_AFTER_RESTART: Final[Mapping[RestartOutcome, str]] = {
    RestartOutcome.NOT_RESTORED: (
        "Look at what {server} does at startup, in its log since {time}; "
        "don't restart it again until you know why the first did not help"
    ),
    RestartOutcome.NOT_DONE: "If {server} needs a restart, do it by hand: the attempt at {time} restarted nothing",
    RestartOutcome.UNKNOWN: (
        "Find out whether {server} restarted at {time}, by the start time of its service; "
        "it stays closed to further restarts until you tell firstline resolve"
    ),
    RestartOutcome.RESTORED: "Look for what builds up on {server}: the restart at {time} helped, but not for long",
    RestartOutcome.PROOF_LOST: "See that {server} is well: the proof that its restart at {time} helped is lost",
    RestartOutcome.RESOLVED: "See that {server} is well; whoever resolved its restart of {time} knows more",
}


def name_of(result: TriageResult) -> str:
    """Return the server's name as people know it, also when the inventory does not."""
    return result.server_id or result.incident.server_id or "unknown server"


def next_steps(result: TriageResult) -> tuple[str, ...]:
    """Return at most three sentences, the most telling first, each without its full stop; never none."""
    steps = list(dict.fromkeys(_steps(result)))[:STEPS_LIMIT]
    around = _clock(result.incident.started_at)
    return tuple(steps) or (f"Read the log of {_server(result)} around {around}; the checks found no cause",)


def commands_of(result: TriageResult) -> tuple[str, ...]:
    """Return the desk's own commands that decide a proposal; each works as it is, once its reason is filled in."""
    if result.disposition is not Disposition.AWAITING_APPROVAL:
        return ()
    return (f'firstline approve {result.incident.incident_id} --why "…"',)


def endpoints_in(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distinct ``host:port`` that log lines name, the newest line's first, at most three."""
    found = (match for line in reversed(lines) for match in ENDPOINT.findall(line))
    return tuple(dict.fromkeys(endpoint for endpoint in found if not _NO_HOST.fullmatch(endpoint)))[:ENDPOINTS_LIMIT]


def _steps(result: TriageResult) -> Iterator[str]:
    server, is_proposed = _server(result), result.disposition is Disposition.AWAITING_APPROVAL
    if is_proposed:
        yield f"Decide, as an approver of the inventory, on restarting {server}"
    if result.restart is not None:
        ordered_at = _clock(result.restart.ordered_at)
        if (newest := newest_health(result)) and newest.is_probe and newest.reading.status is ServiceStatus.STOPPED:
            cited = _of_restart(result)
            yield f"Start the service on {server}: it was stopped after the restart at {ordered_at}{cited}"
        yield _AFTER_RESTART[result.restart.outcome].format(server=server, time=ordered_at)
    elif not result.is_restart_known:
        yield "Look before you restart anything: whether a restart was done already is not known"
    if MAY_STAY_CLOSED in result.summary:
        yield f"See firstline status and firstline resolve: {server} may stay closed to restarts"
    yield from _after_suspicions(result.suspicions)
    if result.findings is not None and result.findings.dependency_failures:
        yield from _after_dependency_failures(result, server, result.findings.dependency_failures)
    yield from _after_health(result, server)
    for refusal in result.refusals:
        if refusal.reason in _AFTER_REFUSAL and not (refusal.reason == "needs_approval" and is_proposed):
            yield _AFTER_REFUSAL[refusal.reason].format(server=server)
    if result.ending in _AFTER_ENDING:
        yield _AFTER_ENDING[result.ending].format(server=server)
    yield from _after_logs(result, server)


def _after_suspicions(suspicions: tuple[Suspicion, ...]) -> Iterator[str]:
    if suspicions:
        places = clipped(
            ", ".join(dict.fromkeys(clipped(suspicion.where, 3) for suspicion in suspicions)), PLACES_WORDS
        )
        yield f"Find out who wrote the text in {places} that tries to give instructions, and don't follow it yourself"


def _after_dependency_failures(result: TriageResult, server: str, lines: tuple[str, ...]) -> Iterator[str]:
    endpoints = [quoted(endpoint, ENDPOINT_LIMIT_BYTES) for endpoint in endpoints_in(lines)]
    if endpoints:
        cited = _cited(result, LOG_TOOL)
        yield f"Check that {' and '.join(endpoints)} can be reached: the log of {server} says otherwise{cited}"
        yield "Until then, a restart will not help"
    else:
        yield f"Check whether it is so: the log of {server} says {_quotation(lines[-1])}{_cited(result, LOG_TOOL)}"
        yield f"If it is so, a restart of {server} will not help"


def _after_health(result: TriageResult, server: str) -> Iterator[str]:
    newest = newest_health(result)
    if newest is None:
        if result.ending not in _WITHOUT_A_SERVER:
            yield f"Check that {server} is up and reachable: its health was not read"
        return
    if newest.is_outdated:
        read_at = _clock(newest.reading.observed_at)
        yield f"Check the health of {server}: it was read before the restart only, at {read_at}"
        return
    health = newest.reading
    if health.status is ServiceStatus.STOPPED and not newest.is_probe:
        yield f"Find out what stopped the service on {server} (its exit status, its last log lines) before you start it"
    if (health.memory_percent or 0) >= MEMORY_PRESSURE_PERCENT:
        yield f"See what holds the memory on {server}, and since when: a leak comes back after every restart"
    if (health.cpu_percent or 0) >= CPU_PRESSURE_PERCENT:
        yield f"See what keeps the CPU of {server} busy (its threads, its newest requests)"


def _after_logs(result: TriageResult, server: str) -> Iterator[str]:
    if result.findings is None:
        if result.ending not in _WITHOUT_A_SERVER:
            yield f"Read the log of {server}: the triage did not"
        return
    if faults := (*result.findings.other_errors, *result.findings.local_faults):
        yield f"Check whether it is so: the log of {server} says {_quotation(faults[-1])}{_cited(result, LOG_TOOL)}"


def _cited(result: TriageResult, tool: str) -> str:
    """Return the citation of a tool's newest evidence, with a space before it, or nothing."""
    return next((f" [{clipped(seen.evidence_id, 1)}]" for seen in reversed(result.evidence) if seen.tool == tool), "")


def _of_restart(result: TriageResult) -> str:
    seen = evidence_of_restart(result)
    return f" [{clipped(seen.evidence_id, 1)}]" if seen is not None else ""


def _server(result: TriageResult) -> str:
    return _short(name_of(result))


def _short(name: str) -> str:
    return clipped(name, 2, limit_bytes=NAME_LIMIT_BYTES)


def _quotation(line: str) -> str:
    return quoted(clipped(line, QUOTATION_WORDS))


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M} UTC"
