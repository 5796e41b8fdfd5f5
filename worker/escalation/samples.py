"""Results that no triage made: to ask the routes where one like it would go, and to try a sink with a marked page."""

from collections.abc import Callable
from datetime import datetime

from worker.contract import Disposition, Ending, Incident, Severity, TriageResult
from worker.contract.incident import identity
from worker.contract.result import Spent

__all__ = ["sample_of", "test_page"]

_TEST = "TEST PAGE of Firstline: nothing is wrong, and nobody has to do anything."


def sample_of(
    severity: Severity,
    *,
    now: datetime,
    server_id: str | None = None,
    service: str | None = None,
    owner: str | None = None,
    unique: str = "sample",
    text: str = "A sample.",
) -> TriageResult:
    """Return an escalation as routes see it; `unique` tells its incident from others."""
    incident = Incident(
        incident_id=identity(text, unique),
        source="firstline",
        fingerprint="sample",
        server_id=server_id,
        text=text,
        severity=severity,
        started_at=now,
        received_at=now,
    )
    return TriageResult(
        incident=incident,
        server_id=server_id,
        service=service,
        owner=owner,
        disposition=Disposition.ESCALATED,
        ending=Ending.CONCLUDED,
        summary=text,
        model="none",
        is_llm=False,
        prompt_hash="none",
        spent=Spent(),
        epoch=1,
        worker="firstline escalations",
        started_at=now,
        finished_at=now,
    )


def test_page(now: datetime, *, draw_unique: Callable[[], str]) -> TriageResult:
    """Return a page that says that it is a test, of an incident of its own."""
    return sample_of(Severity.INFO, now=now, unique=draw_unique(), text=_TEST)
