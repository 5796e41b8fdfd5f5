"""What the spool's tests are made of: alerts, a door that can be shut, and a clock that is told the time."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from producers import Answer, IntakeUnavailable, Verdict, parse_text
from worker.contract import Alert, Incident, Resolution, Severity

__all__ = ["NOW", "FakeDoor", "FakeTime", "firing", "over"]

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def firing(number: int, severity: Severity = Severity.WARNING) -> Incident:
    alert = {"server_id": f"server-{number}", "error_msg": "slow\n“slow”", "timestamp": NOW.isoformat()}
    return parse_text(json.dumps(alert | {"severity": severity}), received_at=NOW, unique=str(number))


def over(incident: Incident) -> Resolution:
    return Resolution(
        incident_id=incident.incident_id,
        source=incident.source,
        fingerprint=incident.fingerprint,
        server_id=incident.server_id,
        text=incident.text,
        resolved_at=NOW,
        received_at=NOW,
    )


class FakeDoor:
    """Takes in what it has room for; `batches` is what it was asked, `taken` what had a verdict other than FULL."""

    def __init__(self, *, room: int = 1_000_000) -> None:
        self.is_away = False
        self.room = room
        self.batches: list[list[Alert]] = []
        self.taken: list[Alert] = []
        self._known: set[str] = set()

    def take_in(self, alerts: Sequence[Alert]) -> list[Verdict]:
        if self.is_away:
            raise IntakeUnavailable("Redis cannot be reached")
        self.batches.append(list(alerts))
        return [Verdict(alert.incident_id, self._answer(alert)) for alert in alerts]

    def unready(self) -> str | None:
        return "away" if self.is_away else None

    def _answer(self, alert: Alert) -> Answer:
        if isinstance(alert, Resolution):
            self.taken.append(alert)
            return Answer.RESOLVED
        if alert.incident_id in self._known:
            return Answer.DUPLICATE
        if not self.room:
            return Answer.FULL
        self.room -= 1
        self._known.add(alert.incident_id)
        self.taken.append(alert)
        return Answer.ACCEPTED


class FakeTime:
    """A clock that never steps back, and by `now` the one on the wall, which is `steps_seconds` off."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.steps_seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds - 1000 + self.steps_seconds)

    def __call__(self) -> float:
        return self.seconds
