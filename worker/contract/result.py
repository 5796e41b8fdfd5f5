"""The result of a triage: what became of the incident, what was seen and done, and what it cost.

It travels on the results stream to engineers. `recovered` cannot be written without its proof: the validator below
is the invariant, not a convention.
"""

from enum import StrEnum
from typing import Literal, Self

from pydantic import AwareDatetime, model_validator

from worker.contract.base import Frozen
from worker.contract.incident import Incident, Severity
from worker.contract.observations import HealthReading

__all__ = [
    "Disposition",
    "Ending",
    "Evidence",
    "LogFindings",
    "Occurrences",
    "Refusal",
    "RestartOutcome",
    "RestartRecord",
    "Spent",
    "Suspicion",
    "TriageResult",
]


class Disposition(StrEnum):
    """What became of the incident."""

    RECOVERED = "recovered"
    ESCALATED = "escalated"
    NO_ACTION = "no_action"
    AWAITING_APPROVAL = "awaiting_approval"
    DEAD_LETTERED = "dead_lettered"


class Ending(StrEnum):
    """Why the triage stopped when it did. Every exit has a name here."""

    CONCLUDED = "concluded"
    ESCALATED_BY_MODEL = "escalated_by_model"
    UNSUPPORTED_CONCLUSION = "unsupported_conclusion"
    NO_USABLE_ANSWER = "no_usable_answer"
    MODEL_UNAVAILABLE = "model_unavailable"
    STEPS_SPENT = "steps_spent"
    TOKENS_SPENT = "tokens_spent"
    SECONDS_SPENT = "seconds_spent"
    MONEY_SPENT = "money_spent"
    UNKNOWN_SERVER = "unknown_server"
    RESOLVED_BEFORE_TRIAGE = "resolved_before_triage"
    RESTART_INTERRUPTED = "restart_interrupted"
    CLAIMS_SPENT = "claims_spent"
    ALERTS_KEPT_COMING = "alerts_kept_coming"
    HOSTILE_TEXT = "hostile_text"
    APPROVAL_REFUSED = "approval_refused"
    UNREADABLE = "unreadable"
    INTERNAL_ERROR = "internal_error"


class Refusal(Frozen):
    """A guardrail's no, as a value: a stable `reason` for code and figures, a `detail` for people and the model."""

    reason: str
    detail: str
    retry_after_seconds: float | None = None


class Suspicion(Frozen):
    """A sign that text from outside tries to give instructions: what it resembles, where it stood, and its words.

    `where` is an evidence id, ``the alert``, or ``a later alert``. `sign` is a stable name for figures. `excerpt` is
    redacted, visible and bounded.
    """

    where: str
    sign: str
    excerpt: str


class LogFindings(Frozen):
    """What stands in a log: the newest few lines of each kind, newest last, each bounded in length.

    Made of the lines that were scanned and are not too old to count; `scanned_lines` counts these, and `error_lines`
    those among them that show any of the three kinds. `newest_local_faults` are those that stand among the newest few
    hundred lines: a fault further back forbids a good end, and does not speak for a restart.
    """

    scanned_lines: int
    error_lines: int = 0
    dependency_failures: tuple[str, ...] = ()
    local_faults: tuple[str, ...] = ()
    other_errors: tuple[str, ...] = ()
    newest_local_faults: tuple[str, ...] = ()

    @property
    def quotations(self) -> tuple[str, ...]:
        """All lines that are quoted, each as often as it is."""
        return (*self.dependency_failures, *self.local_faults, *self.other_errors, *self.newest_local_faults)


class RestartOutcome(StrEnum):
    """What is known of a restart for which leave was given.

    `NOT_DONE`: certainly nothing was restarted. `UNKNOWN`: nobody can say, and its server stays closed to restarts. The
    last two are told only where a triage has not told its restart's end: recorded as `RESTORED`, but its probes are
    lost; or resolved by a person since.
    """

    RESTORED = "restored"
    NOT_RESTORED = "not_restored"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"
    PROOF_LOST = "proof_lost"
    RESOLVED = "resolved"


class RestartRecord(Frozen):
    """The one restart of one server, done or tried: when, what came of it, and what health was read since."""

    server_id: str
    fence: int
    ordered_at: AwareDatetime
    outcome: RestartOutcome
    detail: str
    restarted_at: AwareDatetime | None = None
    probes: tuple[HealthReading, ...] = ()

    @model_validator(mode="after")
    def _restored_is_proven(self) -> Self:
        if self.outcome is not RestartOutcome.RESTORED:
            return self
        if self.restarted_at is None or not self.probes:
            raise ValueError("a restored server needs the time of its restart and health read since")
        if any(probe.observed_at <= self.restarted_at for probe in self.probes):
            raise ValueError("a probe that is not newer than the restart proves nothing")
        if any(probe.server_id != self.server_id for probe in self.probes):
            raise ValueError("a probe of another server proves nothing")
        if not self.probes[-1].is_good:
            raise ValueError("the last probe is not good")
        return self


class Evidence(Frozen):
    """One thing that was checked, or done, or refused; `evidence_id` is what a sentence cites."""

    evidence_id: str
    tool: str
    statement: str
    observed_at: AwareDatetime
    quotations: tuple[str, ...] = ()


class Occurrences(Frozen):
    """How many alerts have come to one incident: its own and those attached to it, each occurrence counted once.

    Times are of intake, by Redis' clock.
    """

    count: int = 1
    resolved: int = 0
    first_seen_at: AwareDatetime | None = None
    last_seen_at: AwareDatetime | None = None
    severity: Severity | None = None
    """The most urgent of them."""
    newest: tuple[str, ...] = ()
    """What the newest of those that were attached say, newest first, a few at most."""

    @property
    def are_all_resolved(self) -> bool:
        """Whether every one of them is over, as their sources say."""
        return self.resolved >= self.count


class Spent(Frozen):
    """What the triage cost."""

    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    us_dollars: float = 0.0


class TriageResult(Frozen):
    """One final result an incident. `summary` is the model's word; everything else was established by code.

    `suspicions` are why nothing but an escalation was allowed. `is_llm` is False when the rules answered; `prompt_hash`
    names the prompts that were in force. Without a `restart` none was done, unless `is_restart_known` is False: then
    nobody can say. `owner` and `tier` are the inventory's words on the server; routes to engineers go by them.
    `approve_until` is until when a proposed restart can be approved, by the worker's clock: what counts is Redis'.
    """

    schema_version: Literal[1] = 1
    incident: Incident
    server_id: str | None
    service: str | None
    owner: str | None = None
    tier: str | None = None
    disposition: Disposition
    ending: Ending
    summary: str
    evidence: tuple[Evidence, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    findings: LogFindings | None = None
    last_health: HealthReading | None = None
    restart: RestartRecord | None = None
    is_restart_known: bool = True
    suspicions: tuple[Suspicion, ...] = ()
    occurrences: Occurrences = Occurrences()
    model: str
    is_llm: bool
    prompt_hash: str
    spent: Spent
    epoch: int
    worker: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    approve_until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _recovered_is_proven(self) -> Self:
        if self.disposition is not Disposition.RECOVERED:
            return self
        if self.restart is None or self.restart.outcome is not RestartOutcome.RESTORED:
            raise ValueError("`recovered` needs a restart whose success was verified")
        if self.restart.server_id != self.server_id:
            raise ValueError("the restart was another server's")
        restarted_at, health = self.restart.restarted_at, self.last_health
        if health and restarted_at and health.observed_at > restarted_at and not health.is_good:
            raise ValueError("health was read since, and it is not good")
        return self
