"""The worker's story on one screen: decode → claim → triage → finish.

Called by Celery with an incident's id, perhaps twice, perhaps at once on two workers: the claim decides who works.
"""

import gc
from typing import Final

import structlog
from celery.signals import worker_init, worker_shutdown

from worker.app import make_app
from worker.bootstrap import Worker, open_worker
from worker.contract.queue import TRIAGE_TASK
from worker.errors import StaleClaim

__all__ = ["app", "triage_incident"]

app: Final = make_app()
_OBJECTS_BEFORE_COLLECTION: Final = 50_000
log = structlog.get_logger()
_open_workers: dict[str, Worker] = {}


@app.task(name=TRIAGE_TASK)
def triage_incident(incident_id: str) -> None:
    """Triage one incident, unless another worker has it or it is closed already."""
    worker = _open_workers["this"]
    with structlog.contextvars.bound_contextvars(incident_id=incident_id), worker.registry.claim(incident_id) as claim:
        if claim is None:
            log.info("delivery.skipped")
            return
        try:
            result = worker.triage(claim)
        except StaleClaim:
            log.warning("claim.lost")
            return
        except Exception as error:  # the outermost boundary: whatever broke, the incident reaches an engineer
            log.exception("triage.failed")
            result = worker.escalation_of(claim, error)
        claim.finish(result)
        log.info(
            "incident.finished",
            disposition=result.disposition,
            ending=result.ending,
            server=result.server_id,
            seconds=result.spent.seconds,
        )


@worker_init.connect
def _open(**_: object) -> None:
    _open_workers["this"] = open_worker()
    # What start-up made lives as long as the worker; looking through it again and again took a tenth of its CPU time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)


@worker_shutdown.connect
def _close(**_: object) -> None:
    if (worker := _open_workers.pop("this", None)) is not None:
        worker.close()
