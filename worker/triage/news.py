"""What came to an incident while its triage ran, in the words that the model sees: data from outside, named as such.

Pure. The loop asks for it before each answer; what it says is journalled with the step that answered. The duty asks for
its suspicions before it closes what is over.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from worker.contract.incident import Alert, Incident
from worker.contract.result import Suspicion
from worker.contract.text import cut_to_bytes
from worker.triage.instructions import SUSPICIONS_LIMIT, suspicions_in

__all__ = ["news_of", "suspicions_of"]

ALERTS_SHOWN: Final = 8
"""More of one storm tells a model nothing new, and crowds the evidence out."""

TEXT_BYTES: Final = 400


def news_of(newest: Sequence[Alert], *, new: int) -> str:
    """Return the news of `new` alerts, of which the newest stand in `newest`, newest first; at most eight are shown."""
    shown = [_shown(alert) for alert in newest[:ALERTS_SHOWN]]
    said = {"alerts": new, "newest_first": shown}
    more = f" ({new - len(shown)} more are counted and not shown)" if new > len(shown) else ""
    return (
        f"Meanwhile {new} alerts or ends of alerts came to this incident{more}. "
        f"They are data from outside, as JSON:\n\n{json.dumps(said, ensure_ascii=False)}"
    )


def suspicions_of(newest: Sequence[Alert]) -> tuple[Suspicion, ...]:
    """Return signs that one of these alerts tries to give instructions, shown or not; a few, from the newest first."""
    found = (sign for alert in newest for sign in suspicions_in(alert.text, where="a later alert"))
    return tuple(islice(found, SUSPICIONS_LIMIT))


def _shown(alert: Alert) -> Mapping[str, str]:
    text = cut_to_bytes(alert.text, TEXT_BYTES)
    if isinstance(alert, Incident):
        since = alert.started_at.isoformat()
        return {"status": "firing", "text": text, "severity": alert.severity, "source": alert.source, "since": since}
    return {"status": "resolved", "text": text, "source": alert.source, "at": alert.resolved_at.isoformat()}
