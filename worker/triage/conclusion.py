"""The conclusion: when a triage is over, and what may be believed of a model's last word.

A model's text decides nothing by itself. `recovered` needs a restart whose success was verified; `no_action` needs
health and logs that were read in this triage and show nothing wrong; everything else that a model says in the end is
refused with a notice, and twice refused it is no answer. A handing over always stands, with the desk's record before
it where a language model claims a deed that the record does not have. Where text from outside tries to give
instructions, nothing but a handing over stands.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from worker.contract.quoting import quoted
from worker.contract.result import Disposition, Ending, RestartOutcome, RestartRecord
from worker.contract.text import cut_to_bytes, visible
from worker.contract.transcript import Observation, Step, Transcript
from worker.triage.deeds import claims_a_recovery, claims_a_restart

__all__ = [
    "NEEDS_APPROVAL",
    "Conclusion",
    "Objection",
    "conclusion_of",
    "held_back",
    "is_recovered",
    "last_restart",
    "objection_to",
    "proposed",
]

NEEDS_APPROVAL: Final = "needs_approval"
"""The refusal of a restart that lacks a person's word, and nothing else."""

_RESTART: Final = "restart_service"
_RULES: Final = "rules"
_SUMMARY_BYTES: Final = 8_000
_SAYS_NO_ACTION: Final = re.compile(
    r"no[ _]action|no (?:further )?(?:issue|problem|fault|restart)|nothing (?:is |was )?(?:wrong|to do)|false alarm"
    r"|\bis healthy|looks healthy|operating normally",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """How a triage ended: what became of the incident, why it ended now, and the words for it."""

    disposition: Disposition
    ending: Ending
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a model's last word can't stand: what it is told, and how the triage ends when it insists."""

    ending: Ending
    notice: str


def conclusion_of(transcript: Transcript) -> Conclusion | None:
    """Return the conclusion that the last step reached, or None when the triage goes on.

    It looks at the transcript only, so a triage resumed from its journal ends as it would have ended.
    """
    if not transcript.steps:
        return None
    last = transcript.steps[-1]
    for observation in last.observations:
        if observation.escalation_summary is not None:
            return Conclusion(
                disposition=Disposition.ESCALATED,
                ending=Ending.ESCALATED_BY_MODEL,
                summary=_handed_over(observation.escalation_summary, last, transcript.observations),
            )
    if last.reply.tool_calls or last.notice is not None:
        return None
    return _from_text(last, transcript.observations)


def held_back(conclusion: Conclusion, transcript: Transcript) -> Conclusion:
    """Return the conclusion, or a handing over in its place where text from outside tries to give instructions.

    Then no good end is believed, whoever reached it; a restart that was done before stays in the result with its proof.
    """
    if not transcript.suspicions:
        return conclusion
    if conclusion.disposition is Disposition.ESCALATED:
        is_chosen = conclusion.ending in (Ending.CONCLUDED, Ending.ESCALATED_BY_MODEL)
        return replace(conclusion, ending=Ending.HOSTILE_TEXT) if is_chosen else conclusion
    places = ", ".join(dict.fromkeys(suspicion.where for suspicion in transcript.suspicions))
    return Conclusion(
        disposition=Disposition.ESCALATED,
        ending=Ending.HOSTILE_TEXT,
        summary=(
            f"Handed over because text in {places} tries to give instructions; without it, this would have ended as "
            f"{conclusion.disposition}: {conclusion.summary}"
        ),
    )


def proposed(conclusion: Conclusion, transcript: Transcript) -> Conclusion:
    """Return the conclusion; a handing over proposes the restart where in the end only a person's word was missing.

    The policy says so last, after everything else was in favour. What tries to give instructions proposes nothing.
    """
    if conclusion.disposition is not Disposition.ESCALATED or transcript.suspicions:
        return conclusion
    refusals = [seen.refusal for seen in transcript.observations if seen.tool == _RESTART and seen.refusal is not None]
    if not refusals or refusals[-1].reason != NEEDS_APPROVAL or last_restart(transcript.observations) is not None:
        return conclusion
    return replace(conclusion, disposition=Disposition.AWAITING_APPROVAL)


def last_restart(observations: Sequence[Observation]) -> RestartRecord | None:
    """Return the newest restart of this triage, or None."""
    return next((seen.restart for seen in reversed(observations) if seen.restart is not None), None)


def is_recovered(observations: Sequence[Observation]) -> bool:
    """Say whether a verified restart stands: health was proven good after it, and nothing read since says otherwise."""
    restart = last_restart(observations)
    if restart is None or restart.outcome is not RestartOutcome.RESTORED or restart.restarted_at is None:
        return False
    later = [seen.health for seen in observations if seen.health and seen.health.observed_at > restart.restarted_at]
    return not later or later[-1].is_good


def objection_to(step: Step, transcript: Transcript) -> Objection | None:
    """Return why an answer can't stand as a conclusion; None when it can, or when it asks for tools.

    `step` is not yet part of `transcript`.
    """
    if step.reply.tool_calls:
        return None
    disposition, text = _read(step.reply.text)
    restart = last_restart(transcript.observations)
    if restart is not None:
        says_well = disposition in (Disposition.RECOVERED, Disposition.NO_ACTION)
        if not says_well or is_recovered(transcript.observations):
            return None
        return _unsupported(f"There is no proof of recovery ({restart.detail}). Call escalate_to_engineer.")
    if disposition == Disposition.RECOVERED or claims_a_restart(text):
        return _unsupported("No restart happened in this triage. Call a tool, or conclude differently.")
    if disposition == Disposition.NO_ACTION:
        return _doubt_about_no_action(transcript.observations)
    return Objection(
        ending=Ending.NO_USABLE_ANSWER,
        notice="That is no conclusion. Call a tool; or call escalate_to_engineer; or answer with one JSON object: "
        '{"disposition": "no_action", "reason": "…"}.',
    )


def _handed_over(said: str, step: Step, observations: Sequence[Observation]) -> str:
    """Return a model's summary, with the desk's record before it where that has no such restart or recovery.

    The rules are the desk's own. What they say of an earlier restart is in the record already.
    """
    if _is_of_rules(step):
        return said
    restart, facts = last_restart(observations), []
    if claims_a_restart(said) and (restart is None or restart.outcome is RestartOutcome.NOT_DONE):
        facts.append("no restart was done in this triage")
    if claims_a_recovery(said) and not is_recovered(observations):
        facts.append("no recovery was proven")
    if not facts:
        return said
    record = f"By Firstline's own record {' and '.join(facts)}."
    return f"{record} {step.model} says, unverified: {quoted(said, _SUMMARY_BYTES)}"


def _is_of_rules(step: Step) -> bool:
    """Say whether the rules took a step; a language model of that name sends something for each of its answers."""
    return step.model == _RULES and step.reply.sent is None


def _from_text(step: Step, observations: Sequence[Observation]) -> Conclusion:
    stated, text = _read(step.reply.text)
    word = f" {step.model} says, unverified: {quoted(text, _SUMMARY_BYTES)}" if text else ""
    restart = last_restart(observations)
    if restart is None:
        return Conclusion(
            disposition=Disposition.NO_ACTION,
            ending=Ending.CONCLUDED,
            summary=f"No restart was done: health was read good, and the log shows no fault.{word}",
        )
    if is_recovered(observations) and stated in (None, Disposition.RECOVERED, Disposition.NO_ACTION):
        return Conclusion(
            disposition=Disposition.RECOVERED,
            ending=Ending.CONCLUDED,
            summary=f"Restarted once, {restart.detail}.{word}",
        )
    return Conclusion(
        disposition=Disposition.ESCALATED,
        ending=Ending.CONCLUDED,
        summary=f"{_done(restart)} ({restart.outcome.replace('_', ' ')}), {restart.detail}.{word}",
    )


def _done(restart: RestartRecord) -> str:
    return "Tried to restart" if restart.restarted_at is None else "Restarted once"


def _doubt_about_no_action(observations: Sequence[Observation]) -> Objection | None:
    health = next((seen.health for seen in reversed(observations) if seen.health is not None), None)
    read = next((seen for seen in reversed(observations) if seen.logs is not None), None)
    if health is None or read is None or read.logs is None:
        return _unsupported("no_action needs both: read the server's health and its recent logs first.")
    if not health.is_good:
        trouble = ", ".join(health.symptoms) or "the figures are incomplete"
        return _unsupported(f"no_action is refused: {trouble}. Escalate, or restart.")
    if read.logs.other_errors or read.logs.local_faults or read.logs.dependency_failures:
        # Not its words: what the desk says stands outside of the fence.
        return _unsupported(
            f"no_action is refused: the log shows errors [{read.evidence_id}]. Call escalate_to_engineer."
        )
    return None


def _unsupported(notice: str) -> Objection:
    return Objection(ending=Ending.UNSUPPORTED_CONCLUSION, notice=notice)


def _read(text: str) -> tuple[str | None, str]:
    """Return the disposition that a text states, if any, and its reason; a text may be JSON, fenced JSON or prose."""
    bounded = cut_to_bytes(visible(text).strip(), _SUMMARY_BYTES)
    start, end = bounded.find("{"), bounded.rfind("}")
    if 0 <= start < end:
        try:
            stated = json.loads(bounded[start : end + 1], strict=False)
        except (ValueError, RecursionError):
            stated = None
        if isinstance(stated, dict) and isinstance(stated.get("disposition"), str):
            reason = stated.get("reason")
            return stated["disposition"].strip().lower(), reason.strip() if isinstance(reason, str) else ""
    return (Disposition.NO_ACTION if _SAYS_NO_ACTION.search(bounded) else None), bounded
