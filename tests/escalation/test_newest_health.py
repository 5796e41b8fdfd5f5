"""After a restart the card tells what the restart left behind, and never the health from before as the present."""

from datetime import timedelta
from typing import Any

from tests.escalation.builders import HEALTH, LOGS, NOW, SERVER, health, restart, result
from worker.contract import Evidence, TriageResult
from worker.contract.result import RestartOutcome
from worker.escalation import card_of
from worker.escalation.advice import next_steps
from worker.escalation.card_facts import impact_of, ruled_out_of

STOPPED = Evidence(
    evidence_id="E4",
    tool="restart_service",
    statement=f"restarted {SERVER} (fence 3): not restored, not proven good: the service is stopped",
    observed_at=NOW + timedelta(seconds=30),
)


def left(status: str | None, **figures: Any) -> TriageResult:
    """Return a result whose restart left the service like this; without a status nothing was probed."""
    probes = (health(status=status, observed_at=NOW + timedelta(seconds=25), **figures),) if status else ()
    record = restart(RestartOutcome.NOT_RESTORED, "not proven good: the service is stopped")
    record = record.model_copy(update={"probes": probes})
    return result(restart=record, evidence=(HEALTH, LOGS, STOPPED), refusals=(), findings=None)


def facts_of(told: TriageResult) -> str:
    return " ".join(sentence.text for sentence in (*impact_of(told), *ruled_out_of(told)))


def test_a_service_that_the_restart_left_stopped_is_told_as_stopped_everywhere() -> None:
    told = left("stopped", cpu=0, memory=0)
    card = card_of(told)
    assert "The service is stopped after the restart [E4]." in facts_of(told)
    assert "Memory pressure (0 %) after the restart [E4]." in facts_of(told)
    assert "running" not in facts_of(told)
    assert card.next_steps[0] == f"Start the service on {SERVER}: it was stopped after the restart at 03:00 UTC [E4]."
    assert "The service was stopped after an automatic restart" in card.stakeholder_note


def test_the_pressure_that_is_left_is_the_newest_probe_s() -> None:
    told = left("running", cpu=99, memory=95)
    assert "CPU pressure" not in facts_of(told)
    assert "Memory pressure" not in facts_of(told)
    assert "what holds the memory" in " ".join(next_steps(told))


def test_without_a_probe_the_health_from_before_is_told_as_that() -> None:
    told = left(None)
    assert "Before the restart, at 03:00 UTC: the service is running [E1]." in facts_of(told)
    assert "Before the restart, at 03:00 UTC: memory pressure (41 %) [E1]." in facts_of(told)
    assert "it was last read at 03:00 UTC, before the restart [E1]" in " ".join(next_steps(told))


def test_health_that_was_read_after_the_probes_goes_before_them() -> None:
    read_again = HEALTH.model_copy(update={"evidence_id": "E5", "observed_at": NOW + timedelta(seconds=60)})
    later = left("stopped").model_copy(
        update={"last_health": health(observed_at=NOW + timedelta(seconds=60)), "evidence": (STOPPED, read_again)}
    )
    assert "The service is running [E5]." in facts_of(later)


def test_control_without_a_restart_the_health_that_was_read_is_the_present() -> None:
    assert "The service is running [E1]." in facts_of(result())
