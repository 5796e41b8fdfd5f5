"""The worker's story on one screen: decode → claim → triage → finish.

Called by Celery with an incident's id, perhaps twice, perhaps at once on two workers: the claim decides who works.
"""

import gc
import os
import signal
import sys
import threading
from typing import Final

import structlog
from celery.signals import worker_init, worker_ready, worker_shutdown
from redis.exceptions import RedisError

from worker.app import EXIT_CONFIGURATION, make_app
from worker.bootstrap import open_worker
from worker.broker import bury_with
from worker.contract.queue import TRIAGE_TASK
from worker.contract.result import TriageResult
from worker.duty import Worker
from worker.errors import ConfigurationError, ContractError, StaleClaim
from worker.redaction import SECRETS_MASKER
from worker.registry.claim import Claim, Finished

__all__ = ["app", "triage_incident"]

app: Final = make_app()
_EXIT_BROKEN: Final = 1
_STDOUT: Final = 1
_OBJECTS_BEFORE_COLLECTION: Final = 50_000
_SWITCH_INTERVAL_SECONDS: Final = 0.001
"""Python's 5 ms are what the consuming thread waits after each of its three answers a message, while others compute."""

log = structlog.get_logger()
_open_workers: dict[str, Worker] = {}
_reloading = threading.Lock()


@app.task(name=TRIAGE_TASK)
def triage_incident(incident_id: str) -> None:
    """Triage one incident, unless another worker has it or it is closed already."""
    worker = _open_workers["this"]
    with structlog.contextvars.bound_contextvars(incident_id=incident_id):
        try:
            _claim_and_triage(worker, incident_id)
        except StaleClaim:
            log.warning("claim.lost")
        except ContractError as error:
            worker.bury(incident_id, str(error))


def _claim_and_triage(worker: Worker, incident_id: str) -> None:
    with worker.registry.claim(incident_id) as claim:
        if claim is None:
            log.info("delivery.skipped")
            return
        result = _result_of(worker, claim)
        while claim.finish(result) is Finished.OVERTAKEN:
            log.info("result.overtaken", disposition=result.disposition, alerts=claim.occurrences.count)
            result = _result_of(worker, claim)
        log.info(
            "incident.finished",
            disposition=result.disposition,
            ending=result.ending,
            server=result.server_id,
            seconds=result.spent.seconds,
        )


def _result_of(worker: Worker, claim: Claim) -> TriageResult:
    try:
        return worker.triage(claim)
    except (StaleClaim, RedisError):
        raise  # nothing more can be written: the registry still has the incident, and the sweeper brings it back
    except Exception as error:  # the outermost boundary: whatever broke, the incident reaches an engineer
        log.exception("triage.failed")
        return _escalation_of(worker, claim, error)


def _escalation_of(worker: Worker, claim: Claim, error: Exception) -> TriageResult:
    try:
        return worker.escalation_of(claim, error)
    except (StaleClaim, RedisError):
        raise
    except Exception:  # the same boundary: what broke the triage may break the telling too
        log.exception("escalation.failed")
        return worker.last_word_of(claim)


@worker_init.connect
def _open(**_: object) -> None:
    try:
        _open_workers["this"] = open_worker()
    except ConfigurationError as error:
        # Celery goes on after an exception in a signal; a worker without its parts would eat the queue.
        sys.stderr.write(f"firstline: {SECRETS_MASKER.checked(str(error))}\n")
        raise SystemExit(EXIT_CONFIGURATION) from error
    except Exception as error:
        log.exception("worker.not_opened")
        raise SystemExit(_EXIT_BROKEN) from error
    bury_with(_open_workers["this"].dead_letters.bury)
    # What start-up made lives as long as the worker; looking through it again and again took a tenth of its CPU time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)


@worker_ready.connect
def _heed_hangup(**_: object) -> None:
    """Reload on SIGHUP, as daemons do; Celery would restart the process. With a terminal, its end ends the worker."""
    if not os.isatty(_STDOUT):  # of the process: Celery puts something else in the place of sys.stdout
        # In a thread: a signal may come while this one holds any lock.
        signal.signal(signal.SIGHUP, lambda *_: threading.Thread(target=_reload, name="reload").start())


def _reload() -> None:
    """Read and use what is on the disk now; one after the other, so that the newest file is used last."""
    try:
        with _reloading:
            _open_workers["this"].reload()
    except ConfigurationError as error:
        log.warning("configuration.not_reloaded", why=str(error))
    except Exception:
        log.exception("configuration.not_reloaded")
    else:
        log.info("configuration.reloaded")


@worker_shutdown.connect
def _close(**_: object) -> None:
    if (worker := _open_workers.pop("this", None)) is not None:
        worker.close()
