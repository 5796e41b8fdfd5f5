"""The values of the restart guard: its limits, a grant, and an attempt as it is stored. No decisions, no Redis."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from worker.terms import OwnLimits

__all__ = ["Grant", "RestartAttempt", "RestartLimits", "RestartPlan", "RestartState", "attempt_of_fields", "time_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartLimits:
    """How often restarts are granted; every worker must run with the same limits.

    `cooldown_seconds` runs from a restart's outcome. The two budgets count grants in sliding windows, withdrawn ones
    too. `fleet_concurrency` bounds intents without an outcome. `lease_seconds` is the longest time from grant to order.
    `trip_after` restarts in a row that are not known to have helped set the kill switch.
    """

    cooldown_seconds: float
    server_restarts: int
    server_window_seconds: float
    fleet_restarts: int
    fleet_window_seconds: float
    fleet_concurrency: int
    lease_seconds: float
    trip_after: int = 3

    def of_server(self, own: OwnLimits) -> "RestartLimits":
        """Return the limits of one server, whose owners' word goes before the policy file's."""
        return replace(
            self,
            cooldown_seconds=self.cooldown_seconds if own.cooldown_seconds is None else own.cooldown_seconds,
            server_restarts=self.server_restarts if own.restarts is None else own.restarts,
            server_window_seconds=self.server_window_seconds if own.window_seconds is None else own.window_seconds,
        )


class RestartState(StrEnum):
    """Where an attempt stands; from `RESTORED` on, nothing can be written over it."""

    INTENT = "INTENT"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    RESTORED = "RESTORED"
    NOT_RESTORED = "NOT_RESTORED"
    NOT_DONE = "NOT_DONE"
    WITHDRAWN = "WITHDRAWN"
    RESOLVED = "RESOLVED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPlan:
    """What a request for a restart is about: limits of the server's own, and how long it may take once it was sent.

    `target` is what the restart reaches, in one spelling: lock, cooldown and budget are the target's, so that another
    name of it, or a new one, has no other. The server's name is taken where it is empty.
    """

    target: str = ""
    own_limits: OwnLimits = field(default_factory=OwnLimits)
    restart_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Leave to restart one server once, for one incident, under one fence. Only the worker that asked has it.

    `not_after` is a time of Redis' clock; the target compares it with its own. The worker must not, as its clock may be
    wrong: it has `lease_seconds` from the moment of the answer, by its monotonic clock. Both leave the margin out.
    From the leave on the lease lasts as long as is planned, at least: what a restart and its verification may take.
    """

    incident_id: str
    server_id: str
    fence: int
    not_after: datetime
    lease_seconds: float
    plan: RestartPlan = field(default_factory=RestartPlan)

    @property
    def target(self) -> str:
        """Whose lock it holds."""
        return self.plan.target or self.server_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartAttempt:
    """What Redis knows of one incident's restart. It permits nothing: `mark_sent` takes a `Grant` only.

    `worker` asked for it, at `ordered_at` by Redis' clock, under the registry's `claim`, which is an epoch and a time
    of intake, "epoch@milliseconds". When this was read it was `age_seconds` old, by the same clock, and had
    `lease_seconds_left`: 0.0 once the lease is over.
    """

    incident_id: str
    server_id: str
    fence: int
    state: RestartState
    worker: str
    evidence: str
    detail: str
    ordered_at: datetime
    claim: str
    age_seconds: float
    lease_seconds_left: float
    target: str

    def is_of_intake(self, claim: str) -> bool:
        """Whether it was asked for since the incident was taken in that `claim` is a claim of."""
        return self.claim.partition("@")[2] == claim.partition("@")[2]

    @property
    def is_undone(self) -> bool:
        """Whether certainly nothing was restarted: it was never sent, or refused before anything happened."""
        return self.state in (RestartState.WITHDRAWN, RestartState.NOT_DONE)

    @property
    def is_open(self) -> bool:
        """Whether no outcome is known."""
        return self.state in (RestartState.INTENT, RestartState.SENT, RestartState.UNKNOWN)


def attempt_of_fields(incident_id: str, fields: Mapping[str, str], *, now_ms: int) -> RestartAttempt:
    """Read an intent's hash. Raises `KeyError` or `ValueError` when it isn't one."""
    return RestartAttempt(
        incident_id=incident_id,
        server_id=fields["server"],
        fence=int(fields["fence"]),
        state=RestartState(fields["state"]),
        worker=fields["worker"],
        evidence=fields["evidence"],
        detail=fields.get("detail", ""),
        ordered_at=time_of(int(fields["ordered_at"])),
        claim=fields.get("claim", ""),
        age_seconds=(now_ms - int(fields["ordered_at"])) / 1000,
        lease_seconds_left=max(0, int(fields["lease_until"]) - now_ms) / 1000,
        target=fields.get("target", fields["server"]),
    )


def time_of(milliseconds: int) -> datetime:
    """Return the aware time in UTC of a count of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
