"""The toolbox: the only place where what a model wrote becomes a tool call.

Unknown tools, arguments that don't fit and other servers' names end here, as refusals that the model sees and the
journal keeps. Nothing that a model writes can raise. Whatever a tool brings, be it a log line, a runbook or a past
ticket, is looked through for instructions here, so that no tool can be forgotten.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from worker.contract.result import Refusal
from worker.contract.transcript import Observation, Outcome, ToolCall, Transcript
from worker.errors import GuardrailUnavailable
from worker.ports import Clock, Tool, ToolSpec
from worker.triage.instructions import strings_in, suspicions_in

__all__ = ["Toolbox", "refused"]

_UNKNOWN_TOOL: Final = "an unknown tool"
"""Stands for a name that a model made up, which may be any text; the journal keeps the name in the model's reply."""

_JSON_TYPES: Mapping[str, type] = {"string": str, "integer": int}


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools of one incident, in the order in which a model is told of them."""

    tools: Sequence[Tool]
    clock: Clock

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """What a model is told."""
        return tuple(tool.spec for tool in self.tools)

    def without(self, name: str) -> "Toolbox":
        """Return a toolbox that has never heard of the tool `name`."""
        return Toolbox([tool for tool in self.tools if tool.spec.name != name], self.clock)

    def run(self, call: ToolCall, transcript: Transcript) -> Observation:
        """Run one call against what was seen so far; whatever comes of it is an observation with an evidence id."""
        observation = self._observe(call, transcript)
        evidence_id = f"E{len(transcript.observations) + 1}"
        content = f'{{"evidence_id": "{evidence_id}", "{observation.outcome}": {observation.content}}}'
        suspicions = suspicions_in(_words_from_outside(observation), where=evidence_id)
        return observation.model_copy(update={"evidence_id": evidence_id, "content": content, "suspicions": suspicions})

    def _observe(self, call: ToolCall, transcript: Transcript) -> Observation:
        tool = next((tool for tool in self.tools if tool.spec.name == call.name), None)
        if tool is None:
            known = ", ".join(spec.name for spec in self.specs)
            refusal = _refusal("unknown_tool", f"there is no tool of this name; the tools are {known}")
            return refused(call.model_copy(update={"name": _UNKNOWN_TOOL}), refusal, self.clock)
        arguments = _checked_arguments(call.arguments, tool.spec)
        if isinstance(arguments, Refusal):
            return refused(call, arguments, self.clock)
        try:
            return tool.run(call, arguments, transcript)
        except GuardrailUnavailable as failure:
            return refused(call, _refusal("guardrail_unavailable", str(failure)), self.clock)


def refused(call: ToolCall, refusal: Refusal, clock: Clock) -> Observation:
    """Return the observation of a refusal: the model sees why, the journal keeps it. The call names a tool of ours."""
    return Observation(
        call_id=call.call_id,
        tool=call.name,
        outcome=Outcome.REFUSED,
        content=refusal.model_dump_json(exclude_none=True),
        observed_at=clock.now(),
        refusal=refusal,
    )


def _words_from_outside(observation: Observation) -> str:
    """Return what somebody else may have written: refusals are the desk's words, and a handing over the model's."""
    if observation.refusal is not None or observation.escalation_summary is not None:
        return ""
    if observation.restart is not None:
        return observation.restart.detail
    quoted = observation.logs.quotations if observation.logs is not None else ()
    return "\n".join((strings_in(observation.content), *quoted))


def _checked_arguments(text: str, spec: ToolSpec) -> Mapping[str, object] | Refusal:
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return _refusal("broken_arguments", "the arguments are not valid JSON")
    if not isinstance(arguments, dict):
        return _refusal("broken_arguments", "the arguments are not a JSON object")
    properties = spec.parameters["properties"]
    assert isinstance(properties, Mapping)  # noqa: S101 - our own schema
    if set(arguments) != set(properties):
        return _refusal("broken_arguments", f"the arguments must be exactly: {', '.join(properties)}")
    for name, rule in properties.items():
        if (refusal := _misfit(name, arguments[name], rule)) is not None:
            return refusal
    return arguments


def _misfit(name: str, value: object, rule: Mapping[str, object]) -> Refusal | None:
    kind = _JSON_TYPES[str(rule["type"])]
    if not isinstance(value, kind) or isinstance(value, bool):
        return _refusal("broken_arguments", f"{name} must be of type {rule['type']}")
    allowed = rule.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        return _refusal("other_server", f"this incident is bound to {allowed[0]}; no other server can be named")
    if isinstance(value, str) and not value.strip():
        return _refusal("broken_arguments", f"{name} must not be empty")
    return None


def _refusal(reason: str, detail: str) -> Refusal:
    return Refusal(reason=reason, detail=detail)
