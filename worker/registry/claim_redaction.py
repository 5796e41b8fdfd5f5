"""What passes through a claim is masked under one set of placeholders: alerts on their way in, the result going out.

The registry's own entry keeps the alert as intake wrote it; what leaves of it has passed here. Fails closed: a result
that can't be told without what had to be taken out is an escalation that says so. Made by the registry with each claim.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from worker.contract.approval import Approval
from worker.contract.incident import Alert, Incident
from worker.contract.result import Disposition, Ending, RestartOutcome, RestartRecord, TriageResult
from worker.redaction.masker import WITHHELD, Detector, Masker
from worker.redaction.placeholders import Placeholders
from worker.redaction.sealing import CannotOpenError
from worker.registry.placeholder_store import PlaceholderStore

__all__ = ["ClaimRedaction"]

_SUMMARY = "What this triage found can't be told without what had to be taken out of it; look at the server yourself."

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True, eq=False)
class ClaimRedaction:
    """One claim's masker, and the way in which its placeholders are kept. `store` is None without a key."""

    masker: Masker
    store: PlaceholderStore | None
    _kept: int = field(init=False)

    def __post_init__(self) -> None:
        self._kept = len(self.masker.placeholders.values)

    @classmethod
    def of(
        cls,
        incident_id: str,
        *,
        detector: Detector,
        store: PlaceholderStore | None,
        told: Iterable[str],
        most_kept: Callable[[], int],
    ) -> "ClaimRedaction":
        """Go on with what earlier claims have kept; without it, number on from what stands in `told`, the journal.

        What none of the keys opens stays as it is, for whoever has the key: this claim keeps nothing then. Of such, and
        without a key, `most_kept` says how many there can be, so that no number stands for two values.
        """
        try:
            kept = store.find(incident_id) if store else None
        except CannotOpenError as error:
            log.warning("placeholders.not_opened", remedy="see FIRSTLINE_REDACTION_KEYS", error=str(error))
            kept = store = None
        placeholders = Placeholders(kept.values if kept else None, told=told, skipped=0 if store else most_kept())
        return cls(masker=Masker(detector, placeholders), store=store)

    def keep(self, incident_id: str, *, claim: str, persisted: Callable[[Callable[[], bool]], bool]) -> bool:
        """Keep new placeholders before anything that uses them is written; False for a claim that is over."""
        store, count = self.store, len(self.masker.placeholders.values)
        if store is None or count == self._kept:
            return True
        if not persisted(lambda: store.save(incident_id, self.masker.placeholders, claim=claim)):
            return False
        self._kept = count
        return True

    def masked_alert(self, alert: Alert) -> Alert:
        """Return an alert as it may leave; its server, times and identity stay, and who approved it."""
        text = self.masker.masked(alert.text)
        if not isinstance(alert, Incident):
            return alert.model_copy(update={"text": text})
        labels = self.masker.masked_labels(alert.labels)
        group = self.masker.masked(alert.group)
        approval = alert.approval and self._masked_approval(alert.approval)
        return alert.model_copy(update={"text": text, "labels": labels, "group": group, "approval": approval})

    def _masked_approval(self, approval: Approval) -> Approval:
        """Return an approval without what must not leave of its reason; who gave it is known."""
        return approval.model_copy(update={"why": self.masker.masked(approval.why)})

    def masked_result(self, result: TriageResult) -> TriageResult:
        """Return a result whose every string has passed the gate; its incident is one that `masked_alert` gave."""
        try:
            return self.masker.checked_model(result)
        except ValueError as error:
            incident_id = result.incident.incident_id
            log.error("result.withheld", incident_id=incident_id, error=type(error).__name__)  # noqa: TRY400 - its text
            return _without_texts(result)


def _without_texts(result: TriageResult) -> TriageResult:
    restart = result.restart and _without_proof(result.restart)
    approval = result.incident.approval and result.incident.approval.model_copy(update={"why": WITHHELD})
    return TriageResult(
        incident=result.incident.model_copy(
            update={"text": WITHHELD, "labels": {}, "group": "", "service": None, "approval": approval}
        ),
        server_id=result.server_id,
        service=result.service,
        disposition=Disposition.ESCALATED,
        ending=Ending.INTERNAL_ERROR,
        summary=_SUMMARY,
        restart=restart,
        is_restart_known=result.is_restart_known and restart is None,
        model=result.model,
        is_llm=result.is_llm,
        prompt_hash=result.prompt_hash,
        spent=result.spent,
        epoch=result.epoch,
        worker=result.worker,
        started_at=result.started_at,
        finished_at=result.finished_at,
    )


def _without_proof(restart: RestartRecord) -> RestartRecord:
    """Return a restart's fact alone; one that was proven good must not say so without its probes."""
    is_restored = restart.outcome is RestartOutcome.RESTORED
    outcome = RestartOutcome.PROOF_LOST if is_restored else restart.outcome
    return restart.model_copy(update={"outcome": outcome, "detail": WITHHELD, "probes": ()})
