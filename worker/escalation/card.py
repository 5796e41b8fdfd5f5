"""The card: all that a tired engineer needs of one result, in about 200 words, each fact with its evidence.

Pure. Whatever comes from outside (alert, log lines, a model's words) is made visible, folded to one line and bounded
here, so that it can't imitate the card's own structure: headings stand at the margin, quoted text never does.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from worker.contract import Ending, Evidence, IncidentKind, TriageResult
from worker.contract.quoting import one_line, quoted
from worker.contract.result import RestartOutcome
from worker.escalation.advice import name_of, next_steps, stakeholder_note
from worker.escalation.card_parts import Card
from worker.escalation.card_text import as_text
from worker.escalation.citations import Sentence

__all__ = ["Card", "as_text", "brief", "card_of"]

ALERT_LIMIT_BYTES: Final = 300
FURTHER_ALERTS: Final = 2
FURTHER_LIMIT_BYTES: Final = 100
SUMMARY_LIMIT_BYTES: Final = 700
STATEMENT_LIMIT_BYTES: Final = 240
BRIEF_LIMIT_BYTES: Final = 300
CHECKS_LIMIT: Final = 6
"""The newest checks; the whole transcript is in the registry."""

STEP_LIMIT_BYTES: Final = 600
"""Longer than a step with all that it may quote, so that no quotation is cut before its closing mark."""

SUSPICIONS_LIMIT: Final = 3

RESTART_TOOL: Final = "restart_service"

_CITATION: Final = re.compile(r"\bE\d+\b")
_BEHIND_THE_STOP: Final = re.compile(r"([.!?])((?:\s*\[E\d+\])+)")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[”)]?\s+|\n+")

_SPOKEN_BY_THE_DESK: Final = frozenset(
    {
        Ending.UNKNOWN_SERVER,
        Ending.RESOLVED_BEFORE_TRIAGE,
        Ending.INTERNAL_ERROR,
        Ending.RESTART_INTERRUPTED,
        Ending.CLAIMS_SPENT,
        Ending.ALERTS_KEPT_COMING,
        Ending.UNREADABLE,
        Ending.STEPS_SPENT,
        Ending.TOKENS_SPENT,
        Ending.SECONDS_SPENT,
        Ending.MONEY_SPENT,
    }
)

_DEEDS: Final[Mapping[RestartOutcome, str]] = {
    RestartOutcome.RESTORED: "One restart, at {time}: health was proven good afterwards.",
    RestartOutcome.NOT_RESTORED: "One restart, at {time}: carried out, but health was not proven good afterwards.",
    RestartOutcome.NOT_DONE: "No restart was done: the one attempt, at {time}, ended before anything was restarted.",
    RestartOutcome.UNKNOWN: "One restart was tried at {time}: whether it happened is not known.",
    RestartOutcome.PROOF_LOST: "One restart, at {time}: recorded as one that helped, and its proof is lost.",
    RestartOutcome.RESOLVED: "One restart was tried at {time}, and a person has resolved it since.",
}


def card_of(result: TriageResult) -> Card:
    """Return the card of any result; the same result gives the same card."""
    incident = result.incident
    since = f"{incident.started_at.astimezone(UTC):%F %H:%M} UTC"
    return Card(
        incident_id=incident.incident_id,
        disposition=result.disposition,
        severity=result.occurrences.severity or incident.severity,
        is_trend=incident.kind is IncidentKind.TREND,
        server=one_line(name_of(result), STATEMENT_LIMIT_BYTES),
        service=result.service and one_line(result.service, STATEMENT_LIMIT_BYTES),
        since=incident.started_at,
        headline=f"{_state(result)} · {_subject(result)} · {_urgency(result)} · since {since}{_alerts(result)}",
        subline=f"{incident.incident_id} · alert: {_alert(result)}",
        alert=_alert(result),
        impact=(),
        said_by=_said_by(result),
        cause=(Sentence(text=one_line(result.summary, SUMMARY_LIMIT_BYTES)),),
        confidence=None,
        checked=tuple(Sentence(text=text) for text in _checks(result)),
        ruled_out=(),
        done=tuple(Sentence(text=text) for text in (*_warnings(result), *_deeds(result))),
        next_steps=tuple(f"{one_line(step, STEP_LIMIT_BYTES)}." for step in next_steps(result)),
        stakeholder_note=one_line(stakeholder_note(result), SUMMARY_LIMIT_BYTES),
    )


def brief(result: TriageResult) -> str:
    """Return one line on a result that needs nobody: what became of it, and by whose word."""
    summary = one_line(result.summary, BRIEF_LIMIT_BYTES)
    return f"{_state(result)} · {_subject(result)}{_alerts(result)} · {summary} · {result.incident.incident_id}"


def _state(result: TriageResult) -> str:
    return result.disposition.replace("_", " ").upper()


def _urgency(result: TriageResult) -> str:
    severity = result.occurrences.severity or result.incident.severity
    return f"{severity} trend" if result.incident.kind is IncidentKind.TREND else severity


def _alert(result: TriageResult) -> str:
    own = quoted(result.incident.text, ALERT_LIMIT_BYTES)
    further = [quoted(text, FURTHER_LIMIT_BYTES) for text in result.occurrences.newest[:FURTHER_ALERTS]]
    return f"{own}; newest of the others: {', '.join(further)}" if further else own


def _alerts(result: TriageResult) -> str:
    """Return how many alerts came to the incident, where that is more than its own."""
    counts = result.occurrences
    if counts.count == 1 and not counts.resolved:
        return ""
    alerts = "1 alert" if counts.count == 1 else f"{counts.count} alerts"
    return f" · {alerts}, {counts.resolved} of them over" if counts.resolved else f" · {alerts}"


def _subject(result: TriageResult) -> str:
    server = one_line(name_of(result), STATEMENT_LIMIT_BYTES)
    return f"{server} ({one_line(result.service, STATEMENT_LIMIT_BYTES)})" if result.service else server


def _said_by(result: TriageResult) -> str:
    if result.ending in _SPOKEN_BY_THE_DESK:
        return "Firstline's word, not a model's"
    if not result.is_llm:
        return "by rules, not by a language model"
    return f"the word of {one_line(result.model, 64)}, a language model{_doubt(result)}"


def _doubt(result: TriageResult) -> str:
    known = {seen.evidence_id for seen in result.evidence}
    cited = dict.fromkeys(_CITATION.findall(result.summary))
    missing = [evidence_id for evidence_id in cited if evidence_id not in known]
    if missing:
        return f"; a hypothesis: it cites {one_line(', '.join(missing), 32)}, which was never seen"
    sentences = _SENTENCE_END.split(_BEHIND_THE_STOP.sub(r"\2\1", result.summary.strip()))
    uncited = sum(not _CITATION.search(sentence) for sentence in sentences)
    if uncited == len(sentences):
        return "; a hypothesis: it cites no evidence"
    return f"; a hypothesis where it cites no evidence: {uncited} of {len(sentences)} sentences" if uncited else ""


def _checks(result: TriageResult) -> Iterator[str]:
    checks = [seen for seen in result.evidence if seen.tool != RESTART_TOOL]
    if not checks:
        yield "Nothing could be checked."
    if len(checks) > CHECKS_LIMIT:
        yield f"{len(checks) - CHECKS_LIMIT} earlier checks are in the transcript of {result.incident.incident_id}."
    yield from (_cited(seen) for seen in checks[-CHECKS_LIMIT:])


def _deeds(result: TriageResult) -> Iterator[str]:
    yield _restart_in_words(result)
    attempts = [seen for seen in result.evidence if seen.tool == RESTART_TOOL]
    yield from (_cited(seen) for seen in attempts)
    if result.restart is not None and not attempts:
        yield one_line(result.restart.detail, STATEMENT_LIMIT_BYTES)
    for refusal in result.refusals:
        if not any(refusal.detail in seen.statement for seen in result.evidence):
            yield one_line(f"Refused ({refusal.reason}): {refusal.detail}", STATEMENT_LIMIT_BYTES)


def _warnings(result: TriageResult) -> Iterator[str]:
    """Say that text tried to give instructions; what it said is quoted, for it is data like any other."""
    if not result.suspicions:
        return
    yield "Text from outside tries to give instructions. Restarts were off for this incident from then on."
    for suspicion in result.suspicions[:SUSPICIONS_LIMIT]:
        sign = one_line(suspicion.sign.replace("_", " "), 32)
        yield f"In {one_line(suspicion.where, 32)} ({sign}): {quoted(suspicion.excerpt)}"


def _restart_in_words(result: TriageResult) -> str:
    restart = result.restart
    if restart is None and not result.is_restart_known:
        return "Whether a restart was done is not known."
    if restart is None:
        return "No restart was done."
    return _DEEDS[restart.outcome].format(time=_time(restart.ordered_at))


def _cited(seen: Evidence) -> str:
    statement = one_line(seen.statement, STATEMENT_LIMIT_BYTES)
    tool = one_line(seen.tool, 64)
    line = f"[{one_line(seen.evidence_id, 16)}] {_time(seen.observed_at)} "
    line += statement if statement.startswith(tool) else f"{tool}: {statement}"
    return f"{line} {quoted(seen.quotations[-1])}" if seen.quotations else line


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S}"
