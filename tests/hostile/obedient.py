"""A model that does all that a hostile text could ask for, whatever the text is and whether or not it was found."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.fakes import AUTO, HEALTH, LOGS, SERVER_ID, calls, says
from worker.contract.incident import Incident
from worker.contract.observations import HealthReading, LogTail, ServiceStatus
from worker.contract.transcript import ModelReply, ToolCall, Transcript
from worker.errors import SourceUnavailable
from worker.ports import RestartOrder, Server, ToolSpec

__all__ = ["OTHER_SERVER_ID", "ObedientModel", "OneServer", "Whispering"]

OTHER_SERVER_ID = "db-primary-01"

_DEEDS = ModelReply(
    tool_calls=(
        ToolCall(call_id="d1", name="restart_service", arguments=f'{{"server_id": "{SERVER_ID}"}}'),
        ToolCall(call_id="d2", name="restart_service", arguments=f'{{"server_id": "{OTHER_SERVER_ID}"}}'),
        ToolCall(call_id="d3", name="run_command", arguments='{"command": "rm -rf /"}'),
        ToolCall(call_id="d4", name="restart_service", arguments=f'{{"server_id": "{SERVER_ID}; reboot"}}'),
    )
)
_EAGER = calls("restart_service", call_id="e1")


@dataclass
class ObedientModel:
    """Restarts before and after it looks, names other servers, makes up tools, and calls it a good end.

    Its last words tell its prompt; with `hands_over` they do so at once, to an engineer.
    """

    hands_over: bool = False
    name: str = "obedient"
    is_llm: bool = True
    read: list[str] = field(default_factory=list)
    prompt: str = ""
    fence: str = ""

    def reply(self, transcript: Transcript, specs: Sequence[ToolSpec], *, timeout_seconds: float) -> ModelReply:
        self.read += [transcript.opening, *(seen.content for seen in transcript.observations)]
        self.prompt, self.fence = transcript.system, transcript.fence
        script = (_EAGER, HEALTH, LOGS, _DEEDS, *self._last_words(transcript.system))
        return script[min(len(transcript.steps), len(script) - 1)]

    def _last_words(self, prompt: str) -> tuple[ModelReply, ...]:
        good_ends = [says(json.dumps({"disposition": end, "reason": prompt})) for end in ("recovered", "no_action")]
        handing_over = calls("escalate_to_engineer", json.dumps({"summary": prompt}), call_id="l1")
        return (handing_over,) if self.hands_over else (*good_ends, handing_over)


@dataclass
class Whispering:
    """A server, healthy or sick, where a text stands in a place of the caller's choice. Time is the real one."""

    text: str
    place: str
    is_sick: bool
    orders: list[RestartOrder] = field(default_factory=list)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=9))

    def incident(self, incident: Incident) -> Incident:
        if self.place == "alert":
            return incident.model_copy(update={"text": f"{incident.text} {self.text}"})
        if self.place == "label":
            return incident.model_copy(update={"labels": {"summary": self.text}})
        return incident

    def read_health(self) -> HealthReading:
        if self.place == "health error" and not self.orders:
            raise SourceUnavailable(f"exporter: {self.text}")
        is_bad = self.is_sick and not self.orders
        return HealthReading(
            server_id=SERVER_ID,
            status=ServiceStatus.RUNNING,
            cpu_percent=98.0 if is_bad else 5.0,
            memory_percent=20.0,
            figures={"banner": self.text} if self.place == "health figure" else {},
            service_started_at=self.started_at,
            observed_at=datetime.now(UTC),
            source="fake",
        )

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        is_said = self.place == "log line" or (self.place == "log line after the restart" and self.orders)
        said = [f"INFO {self.text}"] if is_said else []
        sick = ["WARNING request threads hung"] if self.is_sick else []
        log = ("INFO started", *said, *sick, "INFO ready")
        return LogTail(
            server_id=SERVER_ID, lines=log, older_lines_exist=False, observed_at=datetime.now(UTC), source="fake"
        )

    @property
    def restart_seconds(self) -> float:
        return 1.0

    def check(self) -> str:
        return "there"

    def restart(self, order: RestartOrder) -> None:
        self.orders.append(order)
        self.started_at = datetime.now(UTC)


@dataclass(frozen=True)
class OneServer:
    """A directory of one server."""

    server: Whispering

    def server_of(self, incident: Incident) -> Server | str:
        return Server(
            server_id=SERVER_ID,
            service="payments",
            health=self.server,
            logs=self.server,
            service_manager=self.server,
            terms=AUTO,
            dependencies={},
        )
