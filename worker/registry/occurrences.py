"""How many alerts have come to an incident: the four values with which the scripts answer, read. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from worker.contract.incident import Severity
from worker.contract.result import Occurrences

__all__ = ["alerts_that_came", "occurrences_of"]

_FIRST_QUEUE_INDEX: Final = 2
_SEVERITIES: Final = tuple(Severity)


def occurrences_of(values: Sequence[str | None], *, first_seen_at: datetime) -> Occurrences:
    """Read ``occurrences, resolved, last_seen_at, urgency``; an empty one stands for what has never changed.

    Raises `ValueError` or `OverflowError` for what is no such value.
    """
    count, resolved, last_seen_ms, urgency = (int(value or 0) for value in values)
    last_seen_at = datetime.fromtimestamp(last_seen_ms / 1000, UTC) if last_seen_ms else first_seen_at
    severity = _SEVERITIES[urgency - _FIRST_QUEUE_INDEX] if urgency in _KNOWN else None
    return Occurrences(
        count=max(count, 1),
        resolved=resolved,
        first_seen_at=first_seen_at,
        last_seen_at=last_seen_at,
        severity=severity,
    )


def alerts_that_came(occurrences: Occurrences) -> int:
    """Count what came to the incident after its own alert: further occurrences, and ends."""
    return occurrences.count - 1 + occurrences.resolved


_KNOWN: Final = range(_FIRST_QUEUE_INDEX, _FIRST_QUEUE_INDEX + len(_SEVERITIES))
