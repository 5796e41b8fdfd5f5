"""The card: all that a tired engineer needs of one result, in at most 200 words, each fact with its evidence.

Pure. Whatever comes from outside (alert, log lines, a model's words) is made visible, folded to one line and bounded
here, so that it can't imitate the card's own structure. Where there is more to tell than words, the least needed gives
way. Called by whoever notifies engineers.
"""

from dataclasses import dataclass, replace
from datetime import UTC
from typing import Final

from worker.contract import IncidentKind, TriageResult
from worker.contract.counting import counted
from worker.contract.quoting import one_line, quoted
from worker.escalation.advice import commands_of, name_of, next_steps
from worker.escalation.card_cause import Cause, cause_of
from worker.escalation.card_checks import checks_of
from worker.escalation.card_cutting import fitting, undated, without_head
from worker.escalation.card_deeds import deeds_of
from worker.escalation.card_facts import impact_of, ruled_out_of, urgency_of
from worker.escalation.card_limits import LOOSENINGS, ROOMIEST, WORDS_LIMIT, Limits, clipped, words_of
from worker.escalation.card_markdown import as_markdown
from worker.escalation.card_parts import Card
from worker.escalation.card_sentences import Sentence
from worker.escalation.card_text import as_text
from worker.escalation.stakeholders import stakeholder_note

__all__ = ["Card", "as_text", "brief", "card_of"]

BRIEF_LIMIT_BYTES: Final = 300
USUAL_WIDTH: Final = 100
_ALERT_LIMIT_BYTES: Final = 400
_NAME_LIMIT_BYTES: Final = 253


def card_of(result: TriageResult) -> Card:
    """Return the card of any result, as roomy as two hundred words allow; the same result gives the same card."""
    facts = _Facts(_told(cause_of(result)), tuple(impact_of(result)), tuple(ruled_out_of(result)))
    card, limits = _card(result, facts, ROOMIEST), Limits()
    if _is_short(card):
        return card
    card = _card(result, facts, limits)
    for loosening in LOOSENINGS:
        looser = replace(limits, **loosening)
        longer = _card(result, facts, looser)
        if _is_short(longer):
            card, limits = longer, looser
    return card


def brief(result: TriageResult) -> str:
    """Return one line on a result that needs nobody: what became of it, and by whose word."""
    summary = one_line(result.summary, BRIEF_LIMIT_BYTES)
    return f"{_state(result)} · {_subject(result)}{_alerts(result)} · {summary} · {result.incident.incident_id}"


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is checked once, however often a card is made tighter."""

    cause: Cause
    impact: tuple[Sentence, ...]
    ruled_out: tuple[Sentence, ...]


def _told(cause: Cause) -> Cause:
    """Return the cause as a card tells it: a line's time stands where it is said what was checked."""
    told = (one.model_copy(update={"text": without_head(one.text)}) for one in cause.sentences)
    return replace(cause, sentences=tuple(told))


def _card(result: TriageResult, facts: _Facts, limits: Limits) -> Card:
    incident, cause, alert = result.incident, facts.cause, _alert(result, limits)
    since = f"{incident.started_at.astimezone(UTC):%F %H:%M} UTC"
    return Card(
        incident_id=incident.incident_id,
        disposition=result.disposition,
        severity=result.occurrences.severity or incident.severity,
        is_trend=incident.kind is IncidentKind.TREND,
        server=_name(name_of(result)),
        service=_name(result.service) if result.service else None,
        since=incident.started_at,
        headline=f"{_state(result)} · {_subject(result)} · {urgency_of(result)} · since {since}",
        subline=f"{incident.incident_id} · alert: {alert}",
        alert=alert,
        impact=facts.impact,
        said_by=cause.said_by,
        cause=tuple(fitting(cause.sentences, limits.cause_words)),
        confidence=cause.confidence,
        done=tuple(deeds_of(result, limits)),
        next_steps=tuple(f"{undated(step)}." for step in next_steps(result)[: limits.steps]),
        commands=commands_of(result),
        checked=tuple(checks_of(result, limits)),
        ruled_out=facts.ruled_out[: limits.ruled_out],
        stakeholder_note=" ".join(stakeholder_note(result, limits.note_sentences)),
    )


def _is_short(card: Card) -> bool:
    """Say whether the card is short enough in the forms that count most words, marks of Markdown among them."""
    return max(words_of(as_text(card, USUAL_WIDTH)), words_of(as_markdown(card))) <= WORDS_LIMIT


def _state(result: TriageResult) -> str:
    return result.disposition.replace("_", " ").upper()


def _alert(result: TriageResult, limits: Limits) -> str:
    own = quoted(clipped(result.incident.text, limits.alert_words), _ALERT_LIMIT_BYTES)
    newest = result.occurrences.newest[: limits.further_alerts]
    further = [quoted(clipped(text, limits.alert_words // 2)) for text in newest]
    return f"{own}; newest of the others: {', '.join(further)}" if further else own


def _alerts(result: TriageResult) -> str:
    """Return how many alerts came to the incident, where that is more than its own."""
    counts = result.occurrences
    if counts.count == 1 and not counts.resolved:
        return ""
    alerts = counted(counts.count, "alert")
    return f" · {alerts}, {counts.resolved} of them over" if counts.resolved else f" · {alerts}"


def _subject(result: TriageResult) -> str:
    server = _name(name_of(result))
    return f"{server} ({_name(result.service)})" if result.service else server


def _name(text: str) -> str:
    return clipped(text, 2, limit_bytes=_NAME_LIMIT_BYTES)
