"""Traps: places in a worker's work at which a test makes its process die or freeze, once.

The product knows nothing of them: its rooms are wrapped, and each wrapper asks at its points whether a trap is armed. A
trap is a file; whoever renames it first has sprung it, so a worker that is started again lives on.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final, Protocol

from worker.contract.incident import Incident
from worker.contract.result import Refusal, RestartOutcome, TriageResult
from worker.guardrails.restart_attempt import Grant, RestartAttempt, RestartPlan
from worker.ports import Directory, RestartOrder, Server, ServiceManager
from worker.registry.claim import Claim, Finished
from worker.registry.registry import Registry

__all__ = ["POINTS", "Sprung", "TrappedDirectory", "TrappedGuard", "TrappedRegistry", "Traps", "WholeGuard"]

POINTS: Final = (
    "before_claim",
    "after_claim",
    "before_intent",
    "after_intent",
    "before_sent",
    "after_sent",
    "before_effect",
    "after_effect",
    "before_record",
    "after_record",
    "before_finish",
    "after_finish",
)
"""Every point of an incident with a restart, in order."""

RESTART_SECONDS: Final = 4.0
"""What a worker under test counts for a restart; its incidents have a deadline of seconds."""

_TAKES_EFFECT_SECONDS: Final = 0.3
"""The kernel stops a process' threads one after the other; the one that asked for it must not run on meanwhile."""


@dataclass(frozen=True, slots=True)
class Sprung:
    """A trap that has caught a process: at which point, in the work on which incident."""

    point: str
    incident_id: str
    pid: int


class Traps:
    """A folder of traps, shared by the test that arms them and the workers that walk into them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(exist_ok=True)

    def arm(self, point: str, caught_by: signal.Signals) -> None:
        """Send `caught_by` to the first process that comes to `point`."""
        draft = self._folder / f"draft.{point}"
        draft.write_text(caught_by.name)
        draft.rename(self._folder / point)

    def disarm_all(self) -> None:
        """Take up what nobody has walked into, and forget what was sprung."""
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)

    def sprung(self) -> list[Sprung]:
        """List what was caught since `disarm_all`."""
        caught = (path.name.split("@") for path in self._folder.glob("*@*"))
        return [Sprung(point, incident_id, int(pid)) for point, incident_id, pid in caught]

    def step_on(self, point: str, incident_id: str) -> None:
        """Be caught, if a trap is armed here."""
        caught = self._folder / f"{point}@{incident_id}@{os.getpid()}"
        try:
            (self._folder / point).rename(caught)
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.Signals[caught.read_text()])
        time.sleep(_TAKES_EFFECT_SECONDS)


class _TrappedClaim(Claim):
    __slots__ = ("_traps",)
    _traps: Traps

    @classmethod
    def around(cls, claim: Claim, traps: Traps) -> "_TrappedClaim":
        trapped = cls(**{field.name: getattr(claim, field.name) for field in fields(claim)})
        object.__setattr__(trapped, "_traps", traps)
        return trapped

    def finish(self, result: TriageResult) -> Finished:
        self._traps.step_on("before_finish", self.incident.incident_id)
        finished = super().finish(result)
        self._traps.step_on("after_finish", self.incident.incident_id)
        return finished


class TrappedRegistry(Registry):
    """The registry, with traps around the claim and the closing."""

    traps: Traps

    @contextmanager
    def claim(self, incident_id: str) -> Iterator[Claim | None]:
        """Claim as the registry does."""
        self.traps.step_on("before_claim", incident_id)
        with super().claim(incident_id) as claim:
            if claim is None:
                yield None
                return
            self.traps.step_on("after_claim", incident_id)
            yield _TrappedClaim.around(claim, self.traps)


class WholeGuard(Protocol):
    """What a worker asks of a guard: for a restart, and after a lost one; the restart guard has the sentences."""

    def request(
        self, incident_id: str, server_id: str, *, claim: str, evidence: str, plan: RestartPlan
    ) -> Grant | Refusal: ...
    def mark_sent(self, grant: Grant) -> Refusal | None: ...
    def record(self, attempt: Grant | RestartAttempt, outcome: RestartOutcome, detail: str) -> Refusal | None: ...
    def withdraw(self, attempt: Grant | RestartAttempt, why: str) -> Refusal | None: ...
    def attempt_of(self, incident_id: str) -> RestartAttempt | None: ...


class TrappedGuard:
    """A restart guard with traps around the intent, the leave to send, and the outcome."""

    def __init__(self, guard: WholeGuard, traps: Traps) -> None:
        self._guard = guard
        self._traps = traps

    def request(
        self, incident_id: str, server_id: str, *, claim: str, evidence: str, plan: RestartPlan
    ) -> Grant | Refusal:
        self._traps.step_on("before_intent", incident_id)
        answer = self._guard.request(incident_id, server_id, claim=claim, evidence=evidence, plan=plan)
        if isinstance(answer, Grant):
            self._traps.step_on("after_intent", incident_id)
        return answer

    def mark_sent(self, grant: Grant) -> Refusal | None:
        self._traps.step_on("before_sent", grant.incident_id)
        refusal = self._guard.mark_sent(grant)
        if refusal is None:
            self._traps.step_on("after_sent", grant.incident_id)
        return refusal

    def record(self, attempt: Grant | RestartAttempt, outcome: RestartOutcome, detail: str) -> Refusal | None:
        self._traps.step_on("before_record", attempt.incident_id)
        refusal = self._guard.record(attempt, outcome, detail)
        self._traps.step_on("after_record", attempt.incident_id)
        return refusal

    def withdraw(self, attempt: Grant | RestartAttempt, why: str) -> Refusal | None:
        return self._guard.withdraw(attempt, why)

    def attempt_of(self, incident_id: str) -> RestartAttempt | None:
        return self._guard.attempt_of(incident_id)


@dataclass(frozen=True, slots=True)
class TrappedDirectory:
    """An inventory whose servers have traps around the restart itself."""

    directory: Directory
    traps: Traps

    def server_of(self, incident: Incident) -> Server | str:
        server = self.directory.server_of(incident)
        if isinstance(server, str):
            return server
        return replace(server, service_manager=_TrappedManager(server.service_manager, self.traps))


@dataclass(frozen=True, slots=True)
class _TrappedManager:
    manager: ServiceManager
    traps: Traps

    @property
    def restart_seconds(self) -> float:
        return RESTART_SECONDS

    def check(self) -> str:
        return self.manager.check()

    def restart(self, order: RestartOrder) -> None:
        self.traps.step_on("before_effect", order.incident_id)
        self.manager.restart(order)
        self.traps.step_on("after_effect", order.incident_id)
