"""What to try next: derived from the typed result, never from a model's words.

Pure and deterministic. It names what was seen and proposes where to look; it never claims a cause, blames anybody or
invents an impact. What a log says is quoted as its word and never becomes the desk's: anybody may have written it.
Called by the card.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from worker.contract import Disposition, Ending, ServiceStatus, TriageResult
from worker.contract.observations import CPU_PRESSURE_PERCENT, MEMORY_PRESSURE_PERCENT
from worker.contract.quoting import quoted
from worker.contract.result import Suspicion
from worker.escalation.advice_sentences import AFTER_ENDING, AFTER_RECOVERY, AFTER_REFUSAL, AFTER_RESTART
from worker.escalation.card_limits import clipped
from worker.escalation.citation_claims import ENDPOINT
from worker.escalation.newest_health import citing, evidence_of_restart, newest_health, newest_of
from worker.models.rules_limits import full_of

__all__ = ["MAY_STAY_CLOSED", "commands_of", "endpoints_in", "name_of", "next_steps"]

STEPS_LIMIT: Final = 3
"""More than this nobody works through at night; the order below is the order of worth."""

MAY_STAY_CLOSED: Final = "may stay closed to restarts: see `firstline status` and `firstline resolve`."
"""How a summary ends where the guard could not be told of a restart's end, whoever concluded."""

HEALTH_TOOL: Final = "get_server_health"
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

_EVIDENCE_ID: Final = re.compile(r"E\d+", re.ASCII)
_WITHOUT_A_LOOK: Final = (Ending.UNKNOWN_SERVER, Ending.UNREADABLE, Ending.RESOLVED_BEFORE_TRIAGE)


def name_of(result: TriageResult) -> str:
    """Return the server's name as people know it, also when the inventory does not."""
    return result.server_id or result.incident.server_id or "unknown server"


def next_steps(result: TriageResult) -> tuple[str, ...]:
    """Return at most three sentences, the most telling first, each without its full stop; never none."""
    steps = list(dict.fromkeys(_steps(result)))[:STEPS_LIMIT]
    if steps:
        return tuple(steps)
    reading = f"ead the log of {_server(result)} around {_clock(result.incident.started_at)}"
    if result.disposition is Disposition.NO_ACTION:
        return (f"Nothing for now; if the alert comes again, r{reading}",)
    return (f"R{reading}; the checks found no cause",)


def commands_of(result: TriageResult) -> tuple[str, ...]:
    """Return the desk's own commands that decide a proposal; each works as it is, once its reason is filled in."""
    if result.disposition is not Disposition.AWAITING_APPROVAL:
        return ()
    return tuple(f'firstline {word} {result.incident.incident_id} --why "…"' for word in ("approve", "reject"))


def endpoints_in(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the distinct ``host:port`` that log lines name, the newest line's first, at most three."""
    found = (match for line in reversed(lines) for match in ENDPOINT.findall(line))
    return tuple(dict.fromkeys(endpoint for endpoint in found if not _NO_HOST.fullmatch(endpoint)))[:ENDPOINTS_LIMIT]


def _steps(result: TriageResult) -> Iterator[str]:
    server, is_proposed = _server(result), result.disposition is Disposition.AWAITING_APPROVAL
    if is_proposed:
        yield f"Approvers: approve or reject the restart of {server}"
    yield from _after_restart(result, server)
    if MAY_STAY_CLOSED in result.summary:
        yield f"See firstline status and firstline resolve: {server} may stay closed to restarts"
    yield from _after_suspicions(result.suspicions)
    if result.findings is not None and result.findings.dependency_failures:
        yield _after_dependency_failures(result, server, result.findings.dependency_failures)
    yield from _after_refusals(result, server, is_proposed=is_proposed)
    yield from _after_health(result, server)
    if result.ending in AFTER_ENDING:
        yield AFTER_ENDING[result.ending].format(server=server)
    yield from _after_logs(result, server)


def _after_restart(result: TriageResult, server: str) -> Iterator[str]:
    if result.restart is None:
        if not result.is_restart_known:
            yield "Look before you restart anything: whether a restart was done already is not known"
        return
    ordered_at, cited = _clock(result.restart.ordered_at), citing(evidence_of_restart(result))
    if _is_stopped_since(result):
        start = f"the service on {server}: it was stopped after the restart at {ordered_at}{cited}"
        fault = _fault(result)
        yield f"Look first at what the log says, {fault}; then start {start}" if fault else f"Start {start}"
    has_recovered = result.disposition is Disposition.RECOVERED
    step = AFTER_RECOVERY if has_recovered else AFTER_RESTART[result.restart.outcome]
    yield step.format(server=server, time=ordered_at) + cited


def _after_suspicions(suspicions: tuple[Suspicion, ...]) -> Iterator[str]:
    if suspicions:
        places = dict.fromkeys(_place(suspicion.where) for suspicion in suspicions)
        listed = clipped(", ".join(places), PLACES_WORDS)
        yield f"Find out who wrote the text that tries to give instructions (in {listed}), and don't follow it yourself"


def _place(where: str) -> str:
    return f"[{where}]" if _EVIDENCE_ID.fullmatch(where) else clipped(where, 3)


def _after_dependency_failures(result: TriageResult, server: str, lines: tuple[str, ...]) -> str:
    endpoints, cited = endpoints_in(lines), citing(newest_of(LOG_TOOL, result))
    if endpoints:
        listed = " and ".join(quoted(endpoint, ENDPOINT_LIMIT_BYTES) for endpoint in endpoints)
        reach = f"Check that {listed} can be reached: the log of {server} says otherwise{cited}"
        return f"{reach}. Until then, a restart will not help"
    says = f"the log of {server} says {_quotation(lines[-1])}{cited}"
    return f"Check whether it is so: {says}. If it is so, a restart will not help"


def _after_health(result: TriageResult, server: str) -> Iterator[str]:
    newest = newest_health(result)
    if newest is None:
        if result.ending not in _WITHOUT_A_LOOK:
            yield f"Check that {server} is up and reachable: its health was not read"
        return
    health = newest.reading
    seen = evidence_of_restart(result) if newest.is_probe else newest_of(HEALTH_TOOL, result)
    cited = citing(seen)
    if newest.is_outdated:
        read_at = _clock(health.observed_at)
        yield f"Check the health of {server}: it was last read at {read_at}, before the restart{cited}"
        return
    if health.status is ServiceStatus.STOPPED and not newest.is_probe:
        yield f"Find out what stopped the service on {server} (exit status, last log lines) before you start it{cited}"
    for share in full_of(health):
        yield f"See what fills {server}: {share}{cited}"
    if health.memory_percent is not None and health.memory_percent >= MEMORY_PRESSURE_PERCENT:
        yield f"See what holds the memory of {server}, at {health.memory_percent:.0f} %{cited}, and since when"
    if health.cpu_percent is not None and health.cpu_percent >= CPU_PRESSURE_PERCENT:
        busy = f"{health.cpu_percent:.0f} %{cited}"
        yield f"See what keeps the CPU of {server} at {busy}: its threads, its newest requests"


def _after_refusals(result: TriageResult, server: str, *, is_proposed: bool) -> Iterator[str]:
    for refusal in result.refusals:
        if refusal.reason in AFTER_REFUSAL and not (refusal.reason == "needs_approval" and is_proposed):
            cited = citing(next((seen for seen in result.evidence if refusal.detail in seen.statement), None))
            yield AFTER_REFUSAL[refusal.reason].format(server=server) + cited


def _after_logs(result: TriageResult, server: str) -> Iterator[str]:
    if result.findings is None:
        if result.ending not in _WITHOUT_A_LOOK:
            yield f"Read the log of {server}: the triage did not"
        return
    if (fault := _fault(result)) and not _is_stopped_since(result):
        yield f"Check whether it is so: the log of {server} says {fault}"


def _is_stopped_since(result: TriageResult) -> bool:
    """Say whether the service was seen stopped after the restart."""
    newest = newest_health(result)
    return newest is not None and newest.is_probe and newest.reading.status is ServiceStatus.STOPPED


def _fault(result: TriageResult) -> str:
    """Return the line of the log that tells most, quoted and cited, of those that its evidence quotes; or nothing."""
    lines = result.findings.local_faults or result.findings.other_errors if result.findings is not None else ()
    return f"{_quotation(lines[-1])}{citing(newest_of(LOG_TOOL, result))}" if lines else ""


def _server(result: TriageResult) -> str:
    return _short(name_of(result))


def _short(name: str) -> str:
    return clipped(name, 2, limit_bytes=NAME_LIMIT_BYTES)


def _quotation(line: str) -> str:
    return quoted(clipped(line, QUOTATION_WORDS))


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M} UTC"
