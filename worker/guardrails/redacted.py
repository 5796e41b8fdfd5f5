"""Redaction around a triage: whatever a server, a tool or a model says is masked before anything else reads it.

Each stands around one part of one claim's triage and keeps its protocol, so that the core knows nothing of it. Fails
closed: what can't be masked is withheld, and a tool whose answer can't be told has failed. The duty puts them in place;
for one thread.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from worker.contract.observations import HealthReading, LogTail, Measure
from worker.contract.text import visible
from worker.contract.transcript import ModelReply, Observation, Outcome, ToolCall, Transcript
from worker.errors import OrderRefused, SourceUnavailable
from worker.ports import HealthSource, LogSource, Model, RestartOrder, Server, ServiceManager, Tool, ToolSpec
from worker.redaction import WITHHELD, Masker

__all__ = ["RedactedModel", "RedactedTool", "redacted_server"]

_SPELLED_OUT: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\/", re.ASCII)
"""Characters as JSON may spell them: a row at a time, for two of them can be one character."""


def redacted_server(server: Server, masker: Masker) -> Server:
    """Return a server that says nothing unmasked: neither health nor log nor why something failed."""
    return replace(
        server,
        health=_RedactedHealth(server.health, masker),
        logs=_RedactedLogs(server.logs, masker),
        service_manager=_RedactedServiceManager(server.service_manager, masker),
        dependencies={name: _RedactedHealth(health, masker) for name, health in server.dependencies.items()},
    )


@dataclass(frozen=True, slots=True)
class _RedactedHealth:
    source: HealthSource
    masker: Masker

    def read_health(self) -> HealthReading:
        try:
            health = self.source.read_health()
        except SourceUnavailable as failure:
            raise SourceUnavailable(self.masker.masked(str(failure))) from None
        masked = {
            self.masker.masked(name): self.masker.masked(value) if isinstance(value, str) else value
            for name, value in health.figures.items()
        }
        return health.model_copy(
            update={
                "figures": masked,
                "measures": tuple(_masked_measure(measure, self.masker) for measure in health.measures),
                "unread": tuple(self.masker.masked(sentence) for sentence in health.unread),
                "source": self.masker.masked(health.source),
            }
        )


def _masked_measure(measure: Measure, masker: Masker) -> Measure:
    words = {"name": measure.name, "unit": measure.unit, "source": measure.source}
    return measure.model_copy(update={key: masker.masked(value) for key, value in words.items()})


@dataclass(frozen=True, slots=True)
class _RedactedLogs:
    source: LogSource
    masker: Masker

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Mask before anybody cuts a line: half a key is a key, and is not recognised."""
        try:
            tail = self.source.read_log_tail(lines=lines, since=since)
        except SourceUnavailable as failure:
            raise SourceUnavailable(self.masker.masked(str(failure))) from None
        masked = self.masker.masked_lines(tail.lines)
        return tail.model_copy(update={"lines": masked, "source": self.masker.masked(tail.source)})


@dataclass(frozen=True, slots=True)
class _RedactedServiceManager:
    manager: ServiceManager
    masker: Masker

    @property
    def restart_seconds(self) -> float:
        return self.manager.restart_seconds

    def check(self) -> str:
        try:
            return self.masker.masked(self.manager.check())
        except SourceUnavailable as failure:
            raise SourceUnavailable(self.masker.masked(str(failure))) from None

    def restart(self, order: RestartOrder) -> None:
        try:
            self.manager.restart(order)
        except OrderRefused as refusal:
            raise OrderRefused(self.masker.masked(str(refusal))) from None
        except SourceUnavailable as failure:
            raise SourceUnavailable(self.masker.masked(str(failure))) from None


@dataclass(frozen=True, slots=True)
class RedactedTool:
    """A tool whose every answer passes the second gate and is made visible, whatever it is and wherever it looks."""

    tool: Tool
    masker: Masker

    @property
    def spec(self) -> ToolSpec:
        """The tool's own."""
        return self.tool.spec

    def run(self, call: ToolCall, arguments: Mapping[str, object], transcript: Transcript) -> Observation:
        """Return the tool's observation masked; one that can't be told is a failure that says so."""
        seen = self.tool.run(call, arguments, transcript)
        try:
            masked = self.masker.checked_model(seen)
        except ValueError:
            return Observation(
                call_id=call.call_id,
                tool=seen.tool,
                outcome=Outcome.FAILED,
                content=f'{{"failed": "{WITHHELD}"}}',
                observed_at=seen.observed_at,
            )
        content = visible(masked.content)
        return masked.model_copy(update={"call_id": call.call_id, "tool": seen.tool, "content": content})


@dataclass(frozen=True, slots=True)
class RedactedModel:
    """A model whose words pass the second gate: it may spell out what it was told in another form."""

    model: Model
    masker: Masker

    @property
    def name(self) -> str:
        """The model's own."""
        return self.model.name

    @property
    def is_llm(self) -> bool:
        """The model's own."""
        return self.model.is_llm

    def reply(self, transcript: Transcript, specs: Sequence[ToolSpec], *, timeout_seconds: float) -> ModelReply:
        """Return the model's reply, with text and arguments masked. Raises what the model raises."""
        reply = self.model.reply(transcript, specs, timeout_seconds=timeout_seconds)
        calls = tuple(
            call.model_copy(
                update={"name": self.masker.checked(call.name), "arguments": self._checked_arguments(call.arguments)}
            )
            for call in reply.tool_calls
        )
        return reply.model_copy(update={"text": self.masker.checked(reply.text), "tool_calls": calls})

    def _checked_arguments(self, arguments: str) -> str:
        """Return arguments checked by value, then as text: some are no JSON, and one name can stand there twice."""
        text = self._checked_by_value(arguments)
        plain = _SPELLED_OUT.sub(lambda found: str(json.loads(f'"{found[0]}"')), text)
        checked = self.masker.checked(plain)
        return text if checked == plain else visible(checked)

    def _checked_by_value(self, arguments: str) -> str:
        """Return arguments written again where a value holds what must not leave, however JSON spells it."""
        try:
            said: object = json.loads(arguments)
            checked = self.masker.checked_value(said)
            return arguments if checked == said else _written(checked)
        except (ValueError, RecursionError):
            return arguments


def _written(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if visible(text) == text else json.dumps(value)
