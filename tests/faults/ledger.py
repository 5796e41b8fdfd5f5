"""The ledger of one row: what was promised, what came of it, what was done to the servers, and the figures of all that.

Restarts are read from the recorded servers' own files, which no worker's Redis can touch.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.faults.settings import SKEW_SECONDS

__all__ = ["Figures", "Ledger", "Limits", "Restart", "restarts_in"]

_SLACK_SECONDS: Final = 0.5
"""A budget counts grants, this file's restarts; from the one to the other it takes a moment, not always the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """One restart as a server has noted it, in seconds since 1970."""

    incident_id: str
    server_id: str
    at: float
    done_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The restart limits of the policy in force, as the ledger judges by them."""

    cooldown_seconds: float
    server_restarts: int
    server_window_seconds: float
    fleet_restarts: int
    fleet_window_seconds: float
    fleet_concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a row shows. All but `trials`, `promised`, `restarts`, `recovery_seconds` and `notes` must be zero."""

    trials: int
    promised: int
    restarts: int
    lost: int
    doubles: int
    overlaps: int
    late: int
    duplicates: int
    over_budget: int
    complaints: Sequence[str]
    recovery_seconds: Sequence[float]
    notes: Mapping[str, float]

    @property
    def is_safe(self) -> bool:
        """Whether nothing was lost, doubled, overlapping, late or over budget, and the row saw what it expected."""
        harm = (self.lost, self.doubles, self.overlaps, self.late, self.duplicates, self.over_budget)
        return not (any(harm) or self.complaints)


@dataclass(slots=True)
class Ledger:
    """Written by the row as it goes; times are seconds since 1970 by this machine's clock.

    `not_after` has the incidents whose leave to restart has lapsed for certain, each with a time after that.
    """

    accepted: dict[str, float] = field(default_factory=dict)
    results: dict[str, list[float]] = field(default_factory=dict)
    not_after: dict[str, float] = field(default_factory=dict)
    faults: list[float] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)
    trials: int = 0

    def unanswered(self) -> set[str]:
        """Return the incidents that were promised and have no result."""
        return self.accepted.keys() - self.results.keys()

    def figures(self, restarts: Iterable[Restart], limits: Limits) -> Figures:
        """Judge the row by all restarts of its incidents."""
        ours = [restart for restart in restarts if restart.incident_id in self.accepted]
        return Figures(
            trials=self.trials,
            promised=len(self.accepted),
            restarts=len(ours),
            lost=len(self.unanswered()),
            doubles=sum(count - 1 for count in Counter(restart.incident_id for restart in ours).values()),
            overlaps=_overlaps(ours, limits.cooldown_seconds),
            late=sum(restart.at > self.not_after.get(restart.incident_id, math.inf) for restart in ours),
            duplicates=sum(len(times) - 1 for id_, times in self.results.items() if id_ in self.accepted),
            over_budget=_over_budget(ours, limits),
            complaints=tuple(self.complaints),
            recovery_seconds=sorted(self._recoveries()),
            notes=self.notes,
        )

    def _recoveries(self) -> Iterable[float]:
        """Yield the seconds from the first fault that met an incident while it was open to its result."""
        for incident_id, times in self.results.items():
            accepted_at = self.accepted.get(incident_id)
            if accepted_at is None:
                continue
            met = next((fault for fault in self.faults if accepted_at <= fault <= times[0]), None)
            if met is not None:
                yield times[0] - met


def restarts_in(folder: Path) -> list[Restart]:
    """Read every server's own record of its restarts; what it did before it was made sick again is kept beside it."""
    lines = [line for path in folder.glob("*/restarts*.jsonl") for line in path.read_text().splitlines()]
    return [_restart_of(json.loads(line)) for line in lines]


def _restart_of(line: Mapping[str, str]) -> Restart:
    at = _right(datetime.fromisoformat(line["at"]).timestamp())
    done_at = _right(datetime.fromisoformat(line.get("done_at", line["at"])).timestamp())
    return Restart(incident_id=line["incident_id"], server_id=line["server_id"], at=at, done_at=done_at)


def _right(seconds: float) -> float:
    """Undo the skew of a worker whose clock is a test's: whole hours."""
    now = datetime.now().astimezone().timestamp()
    return seconds - SKEW_SECONDS * round((seconds - now) / SKEW_SECONDS)


def _overlaps(restarts: Sequence[Restart], cooldown_seconds: float) -> int:
    """Count restarts of one server that began before the one before them, and its cooldown, were over."""
    count = 0
    for history in _by_server(restarts):
        count += sum(later.at < earlier.done_at + cooldown_seconds for earlier, later in pairwise(history))
    return count


def _over_budget(restarts: Sequence[Restart], limits: Limits) -> int:
    fleet = sorted(restarts, key=lambda restart: restart.at)
    count = _too_many_in_a_window(fleet, limits.fleet_restarts, limits.fleet_window_seconds)
    count += sum(_at_once(restart, fleet) > limits.fleet_concurrency for restart in fleet)
    for history in _by_server(restarts):
        count += _too_many_in_a_window(history, limits.server_restarts, limits.server_window_seconds)
    return count


def _too_many_in_a_window(history: Sequence[Restart], limit: int, window_seconds: float) -> int:
    return sum(
        later.at - earlier.at < window_seconds - _SLACK_SECONDS
        for earlier, later in zip(history, history[limit:], strict=False)
    )


def _at_once(restart: Restart, fleet: Sequence[Restart]) -> int:
    return sum(other.at <= restart.at < other.done_at for other in fleet)


def _by_server(restarts: Sequence[Restart]) -> Iterable[list[Restart]]:
    servers: dict[str, list[Restart]] = {}
    for restart in sorted(restarts, key=lambda restart: restart.at):
        servers.setdefault(restart.server_id, []).append(restart)
    return servers.values()
