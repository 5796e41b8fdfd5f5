"""Which critical alerts wait in the spool and have not ended: the count for operators, and who is to be paged.

It is a view of the disk, made again at every start, and decides nothing about what is kept. Safe from many threads.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from worker.contract import Alert, Incident, Severity

__all__ = ["WaitingCritical", "is_critical"]


def is_critical(alert: Alert) -> bool:
    """Return whether an alert is a firing that its source calls critical."""
    return isinstance(alert, Incident) and alert.severity is Severity.CRITICAL


class WaitingCritical:
    """Counts the firings of each critical incident; the end of one takes it out, and is as urgent as it was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._firings: Counter[str] = Counter()
        self._received_at: dict[str, datetime] = {}

    def __len__(self) -> int:
        return len(self._firings)

    def __contains__(self, incident_id: object) -> bool:
        return incident_id in self._firings

    def oldest_received_at(self) -> datetime | None:
        """Return when the first of those that wait was received; None when none waits."""
        with self._lock:
            return min(self._received_at.values(), default=None)

    def enter(self, alert: Alert) -> bool:
        """Note an alert that is about to be written, and return whether it goes with the critical ones."""
        with self._lock:
            if not isinstance(alert, Incident):
                self._received_at.pop(alert.incident_id, None)
                return self._firings.pop(alert.incident_id, 0) > 0
            if is_critical(alert):
                self._firings[alert.incident_id] += 1
                self._received_at.setdefault(alert.incident_id, alert.received_at)
            return is_critical(alert)

    def leave(self, alerts: Iterable[Alert]) -> None:
        """Forget alerts that were shipped, or could not be written."""
        with self._lock:
            for alert in alerts:
                if isinstance(alert, Incident) and alert.incident_id in self._firings:
                    self._firings[alert.incident_id] -= 1
                    if not self._firings[alert.incident_id]:
                        del self._firings[alert.incident_id], self._received_at[alert.incident_id]
