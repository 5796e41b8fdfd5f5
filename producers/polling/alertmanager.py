"""What fires according to Alertmanager's API, read as its webhook is: the same alert is the same incident.

What is silenced or inhibited is not taken, and not over either. Ask one Alertmanager of a pair, or each with a poller
of its own: their alerts are the same. `poller` calls it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import uuid4

from producers.polling.json_api import ApiError, JsonApi
from producers.polling.poller import Seen
from producers.sources.alert import Arrival, Ignored, Outcome, Rejection
from producers.sources.alertmanager import SOURCE, alert_of_api
from producers.sources.field_map import FieldMap
from producers.sources.reading import text_in
from worker.contract import Incident

__all__ = ["AlertmanagerAlerts"]

ALERTS_PATH: Final = "/api/v2/alerts"
STATUS_PATH: Final = "/api/v2/status"

_EVERY_STATE: Final = dict.fromkeys(("active", "silenced", "inhibited", "unprocessed"), "true")
"""Those who are silenced are asked for too: without them, a silence would look like the end of its alerts."""


@dataclass(frozen=True, slots=True)
class AlertmanagerAlerts:
    """One Alertmanager, 0.16 or newer, for it must have API version 2."""

    api: JsonApi
    fields: FieldMap = field(default_factory=FieldMap)

    def look(self, received_at: datetime) -> Seen:
        """Return what fires now; see `AlertSource`."""
        document = self.api.get(ALERTS_PATH, _EVERY_STATE)
        if not isinstance(document, list):
            raise ApiError(f"{self.api.place}{ALERTS_PATH} answers no list of alerts: correct the URL")
        return seen_of(document, received_at, self.fields)

    def began_at(self) -> str | None:
        """Return since when it is up; see `AlertSource`."""
        return text_in(self.api.get_if_allowed(STATUS_PATH), "uptime") or None


def seen_of(alerts: list[object], received_at: datetime, fields: FieldMap) -> Seen:
    """Return what a list of alerts, each in the form of Alertmanager's API, says."""
    outcomes = list(_outcomes(alerts, received_at, fields))
    return Seen(
        firing=tuple(outcome for outcome, _ in outcomes if isinstance(outcome, Incident)),
        withheld=frozenset(
            there.incident_id
            for outcome, there in outcomes
            if isinstance(outcome, Ignored) and isinstance(there, Incident)
        ),
        rejected=tuple(outcome.reason for outcome, _ in outcomes if isinstance(outcome, Rejection)),
    )


def _outcomes(alerts: list[object], received_at: datetime, fields: FieldMap) -> list[tuple[Outcome, Outcome]]:
    """Return what became of each alert, and what would have without a silence: that has the id."""
    token = uuid4().hex
    found: list[tuple[Outcome, Outcome]] = []
    for ordinal, alert in enumerate(alerts, start=1):
        arrival = Arrival(received_at=received_at, unique=f"{token}:{ordinal}", source=SOURCE, fields=fields)
        outcome = alert_of_api(alert, arrival)
        if isinstance(outcome, Ignored) and isinstance(alert, dict):
            found.append((outcome, alert_of_api({**alert, "status": None}, arrival)))
        else:
            found.append((outcome, outcome))
    return found
