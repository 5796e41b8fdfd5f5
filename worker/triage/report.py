"""The result of a triage, put together from what was observed. The model's words go into `summary` and nowhere else."""

from dataclasses import dataclass
from datetime import datetime

from worker.contract.incident import Incident
from worker.contract.result import Disposition, Ending, Spent, Suspicion, TriageResult
from worker.contract.transcript import Transcript
from worker.ports import Model, Server
from worker.terms import Terms
from worker.triage.conclusion import Conclusion, last_restart
from worker.triage.evidence import evidence_of
from worker.triage.instructions import SUSPICIONS_LIMIT
from worker.triage.leaks import without_prompt

__all__ = ["Assignment", "result_of", "result_without_triage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Which incident, on which server, by which worker under which claim; `server` is None where none is known."""

    incident: Incident
    server_id: str | None
    server: Server | None
    epoch: int
    worker: str
    prompt_version: str

    @property
    def service(self) -> str | None:
        """The service that the inventory says runs there."""
        return self.server.service if self.server else None

    @property
    def terms(self) -> Terms:
        """What the server's owners said of it; of no server nothing was said."""
        return self.server.terms if self.server else Terms()


def result_of(
    assignment: Assignment,
    *,
    conclusion: Conclusion,
    transcript: Transcript,
    model: Model,
    spent: Spent,
    started_at: datetime,
    finished_at: datetime,
) -> TriageResult:
    """Return the one final result. Raises `ValueError` when `recovered` is claimed without its proof."""
    observations = transcript.observations
    return TriageResult(
        incident=assignment.incident,
        server_id=assignment.server_id,
        service=assignment.service,
        owner=assignment.terms.owner,
        tier=assignment.terms.tier,
        disposition=conclusion.disposition,
        ending=conclusion.ending,
        summary=without_prompt(conclusion.summary, prompt=transcript.system, fence=transcript.fence),
        evidence=evidence_of(transcript),
        refusals=tuple(seen.refusal for seen in observations if seen.refusal is not None),
        findings=next((seen.logs for seen in reversed(observations) if seen.logs is not None), None),
        last_health=next((seen.health for seen in reversed(observations) if seen.health is not None), None),
        restart=last_restart(observations),
        suspicions=_worth_telling(transcript.suspicions),
        model=model.name,
        is_llm=model.is_llm,
        prompt_hash=assignment.prompt_version,
        spent=spent,
        epoch=assignment.epoch,
        worker=assignment.worker,
        started_at=started_at,
        finished_at=finished_at,
    )


def _worth_telling(suspicions: tuple[Suspicion, ...]) -> tuple[Suspicion, ...]:
    """Return the first few, each text once: a log is read twice, and several signs in one text would hide another."""
    by_text: dict[str, Suspicion] = {}
    for suspicion in suspicions:
        by_text.setdefault(suspicion.excerpt, suspicion)
    return tuple(by_text.values())[:SUSPICIONS_LIMIT]


def result_without_triage(
    assignment: Assignment,
    *,
    ending: Ending,
    summary: str,
    now: datetime,
    disposition: Disposition = Disposition.ESCALATED,
) -> TriageResult:
    """Return the result of an incident that was not investigated; `summary` says why."""
    return TriageResult(
        incident=assignment.incident,
        server_id=assignment.server_id,
        service=assignment.service,
        owner=assignment.terms.owner,
        tier=assignment.terms.tier,
        disposition=disposition,
        ending=ending,
        summary=summary,
        model="none",
        is_llm=False,
        prompt_hash=assignment.prompt_version,
        spent=Spent(),
        epoch=assignment.epoch,
        worker=assignment.worker,
        started_at=now,
        finished_at=now,
    )
