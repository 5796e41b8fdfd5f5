"""The rules as a model: they answer where no language model is configured, or where one has failed.

Deterministic and without a network. They ask for health, then for logs, weigh both (`rules.py`) and end with one
restart, a handing over, or nothing to do. They repeat a call only when more alerts came, and they are plainly no
language model: `is_llm` is False, and every conclusion says so. The composition root makes them; the triage loop asks
them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from worker.contract.innermost import innermost
from worker.contract.result import Disposition, RestartOutcome, RestartRecord
from worker.contract.text import cut_to_bytes
from worker.contract.transcript import ModelReply, Observation, ToolCall, Transcript
from worker.models.rules import Verdict, Way, figures_of, weigh
from worker.ports import ToolSpec

__all__ = ["LOG_LINES", "SIGNATURE", "RulesModel"]

LOG_LINES: Final = 100
SIGNATURE: Final = "(Concluded by rules, not by a language model.)"

_HEALTH: Final = "get_server_health"
_LOGS: Final = "fetch_recent_logs"
_RESTART: Final = "restart_service"
_ESCALATE: Final = "escalate_to_engineer"
_ILL_WRITTEN: Final = frozenset({"broken_arguments", "other_server"})
_WORDS_BYTES: Final = 400
_OUTCOMES: Final = {
    RestartOutcome.RESTORED: "brought {server} back, but not for long",
    RestartOutcome.NOT_RESTORED: "did not bring {server} back",
    RestartOutcome.NOT_DONE: "of {server} was not carried out",
    RestartOutcome.UNKNOWN: "of {server} has an unknown outcome",
    RestartOutcome.PROOF_LOST: "of {server} was recorded as helpful, and its proof is lost",
    RestartOutcome.RESOLVED: "of {server} was resolved by a person",
}


class RulesModel:
    """Answers by rules: the same transcript, the same reply. It never changes, so many threads may ask at once.

    With `is_approved` an engineer has approved the restart: it is asked for where anything is wrong with the server,
    and the guards decide. Without, it is asked for only where it is likely to help.
    """

    name: Final = "rules"
    is_llm: Final = False

    def __init__(self, *, is_approved: bool = False) -> None:
        self._is_approved = is_approved

    def reply(self, transcript: Transcript, specs: Sequence[ToolSpec], *, timeout_seconds: float) -> ModelReply:
        """Return the next tool call, or the conclusion, at once; no call is made again but for news."""
        answers = _Answers(transcript, {spec.name: spec for spec in specs})
        restart = _newest(transcript, _RESTART)
        if restart is not None and restart.restart is not None:
            return _after_restart(restart, transcript, answers)
        health, logs = _newest(transcript, _HEALTH), _newest(transcript, _LOGS)
        if health is None or health.health is None:
            return _without_health(health, answers)
        if logs is None or logs.logs is None:
            return _without_logs(logs, answers)
        if restart is not None and answers.has(_RESTART):
            return _after_restart(restart, transcript, answers)
        if transcript.news is not None and transcript.news.firings:
            return answers.call(_HEALTH, "More alerts came meanwhile: the server's health again.")
        verdict = _weighed(health, logs)
        if self._is_approved and restart is None and health.health.symptoms:
            verdict = replace(verdict, way=Way.RESTART, outlook="an engineer has approved a restart")
        return _carry_out(verdict, answers)


class _Answers:
    """The replies that are possible in one transcript with the tools that there are."""

    def __init__(self, transcript: Transcript, specs: Mapping[str, ToolSpec]) -> None:
        self._transcript = transcript
        self._specs = specs

    def has(self, tool: str) -> bool:
        return tool in self._specs

    def call(self, tool: str, text: str) -> ModelReply:
        """Call a tool of the incident, or escalate when there is none of this name."""
        if not self.has(tool):
            return self.escalation(f"The tool {tool} was not available to the rules.")
        return self._reply(tool, text, {"lines": LOG_LINES, "reason": text})

    def escalation(self, summary: str) -> ModelReply:
        """Hand over; where that can't be called (again), say it as text, which the desk escalates too."""
        signed = f"{summary} {SIGNATURE}"
        if not self.has(_ESCALATE) or _newest(self._transcript, _ESCALATE) is not None:
            return ModelReply(text=signed)
        return self._reply(_ESCALATE, "", {"summary": signed})

    def conclusion(self, disposition: Disposition, reason: str) -> ModelReply:
        stated = {"disposition": disposition, "reason": f"{reason} {SIGNATURE}"}
        return ModelReply(text=json.dumps(stated, ensure_ascii=False))

    def _reply(self, tool: str, text: str, known: Mapping[str, object]) -> ModelReply:
        number = sum(len(step.reply.tool_calls) for step in self._transcript.steps) + 1
        arguments = json.dumps(_arguments(self._specs[tool], known), ensure_ascii=False)
        return ModelReply(text=text, tool_calls=(ToolCall(call_id=f"rules_{number}", name=tool, arguments=arguments),))


def _arguments(spec: ToolSpec, known: Mapping[str, object]) -> Mapping[str, object]:
    """Fill the schema's properties: what has one permitted value gets it (the server), the rest from `known`."""
    properties = spec.parameters.get("properties")
    arguments: dict[str, object] = {}
    for name, rule in properties.items() if isinstance(properties, Mapping) else ():
        permitted = rule.get("enum") if isinstance(rule, Mapping) else None
        if isinstance(permitted, Sequence) and len(permitted) == 1:
            arguments[name] = permitted[0]
        elif name in known:
            arguments[name] = known[name]
    return arguments


def _newest(transcript: Transcript, tool: str) -> Observation | None:
    """Return the newest observation of a tool that brought something, else its newest refusal or failure, or None.

    A call that was refused for the way it was written, by a model before, says nothing of the tool.
    """
    seen = [
        observation
        for observation in reversed(transcript.observations)
        if observation.tool == tool
        and not (observation.refusal is not None and observation.refusal.reason in _ILL_WRITTEN)
    ]
    telling = (observation for observation in seen if observation.health or observation.logs or observation.restart)
    return next(telling, seen[0] if seen else None)


def _without_health(tried: Observation | None, answers: _Answers) -> ModelReply:
    if tried is None:
        return answers.call(_HEALTH, "First, the server's health.")
    return answers.escalation(f"The server's health could not be read{_because(tried)}.")


def _without_logs(tried: Observation | None, answers: _Answers) -> ModelReply:
    if tried is None:
        return answers.call(_LOGS, "Then, its log.")
    return answers.escalation(f"The server's log could not be read{_because(tried)}.")


def _weighed(health: Observation, logs: Observation) -> Verdict:
    assert health.health is not None  # noqa: S101 - the caller has looked
    assert logs.logs is not None  # noqa: S101
    return weigh(health.health, logs.logs, health_cited=_citation(health), logs_cited=_citation(logs))


def _carry_out(verdict: Verdict, answers: _Answers) -> ModelReply:
    match verdict.way:
        case Way.NO_ACTION:
            return answers.conclusion(Disposition.NO_ACTION, verdict.reason)
        case Way.ESCALATE:
            return answers.escalation(verdict.reason)
        case Way.RESTART if answers.has(_RESTART):
            return answers.call(_RESTART, verdict.reason)
        case Way.RESTART:
            return answers.escalation(f"{verdict.reason} But restarts were not available to the rules.")


def _after_restart(observation: Observation, transcript: Transcript, answers: _Answers) -> ModelReply:
    record, seen = observation.restart, _seen(transcript)
    if record is None:
        return answers.escalation(f"{seen}The restart was not carried out{_because(observation)}.")
    if record.outcome is RestartOutcome.RESTORED and not _is_ill_since(record, transcript):
        well = f"{record.server_id} was restarted and is well again ({figures_of(record.probes[-1])})"
        return answers.conclusion(Disposition.RECOVERED, f"{_cited(well, observation)}.")
    happened = f"The restart {_OUTCOMES[record.outcome].format(server=record.server_id)}"
    detail = cut_to_bytes(record.detail.rstrip("."), _WORDS_BYTES)
    return answers.escalation(f"{seen}{_cited(happened, observation)}: {detail}.")


def _is_ill_since(record: RestartRecord, transcript: Transcript) -> bool:
    seen = _newest(transcript, _HEALTH)
    if seen is None or seen.health is None:
        return False
    return seen.health.observed_at > record.probes[-1].observed_at and not seen.health.is_good


def _seen(transcript: Transcript) -> str:
    """Return what was seen ahead of what became of a restart: in a list, a summary's beginning has to tell most."""
    health, logs = _newest(transcript, _HEALTH), _newest(transcript, _LOGS)
    if health is None or health.health is None or logs is None or logs.logs is None:
        return ""
    return f"{_weighed(health, logs).seen}. "


def _because(observation: Observation) -> str:
    words = observation.refusal.detail if observation.refusal is not None else innermost(observation.content)
    return _cited("", observation) + f": {cut_to_bytes(words.rstrip('.'), _WORDS_BYTES)}"


def _cited(text: str, observation: Observation) -> str:
    return f"{text} {_citation(observation)}".rstrip() if observation.evidence_id is not None else text


def _citation(observation: Observation) -> str:
    return f"[{observation.evidence_id}]" if observation.evidence_id is not None else ""
