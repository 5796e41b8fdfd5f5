"""The Celery application and every setting with its reason.

A Celery message is a hint with an incident's id; the registry is the truth. So nothing here tries to make the queue
exact: the settings see to it that a message comes again soon, that no worker freezes, and that nothing but JSON is
ever read.
"""

import json
import logging
import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from celery import Celery
from celery.signals import after_setup_logger, after_setup_task_logger, worker_ready, worker_shutting_down
from kombu import Queue

from worker.contract.queue import BROKER_KEY_PREFIX, QUEUES
from worker.errors import ConfigurationError
from worker.logs import mask_handlers
from worker.redaction import SECRETS_MASKER
from worker.settings import Settings, load_settings

__all__ = ["EXIT_CONFIGURATION", "celery_settings", "make_app"]

EXIT_CONFIGURATION: Final = 2

_STANDARD_ERROR: Final = 2


def make_app() -> Celery:
    """Return the application; it reads the settings when Celery first needs them, not at import."""
    app = Celery("firstline", set_as_current=True)
    app.add_defaults(lambda: celery_settings(_settings_or_exit()))
    return app


def _settings_or_exit() -> Settings:
    """Read the settings. Celery would show a wrong one as a traceback, and end with the code of a crash."""
    try:
        return load_settings()
    except ConfigurationError as error:
        sys.stderr.write(f"firstline: {SECRETS_MASKER.checked(str(error))}\n")
        raise SystemExit(EXIT_CONFIGURATION) from error


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return Celery's configuration; each value has its reason beside it."""
    return {
        "broker_url": str(settings.redis_url),
        "broker_transport": "worker.broker:Transport",
        "broker_transport_options": _transport_options(settings),
        # 100 tries and then the end is Celery's default; a worker should wait for its broker for as long as it takes.
        "broker_connection_retry": True,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # Threads: the work is waiting for endpoints and servers. They ignore time limits, so deadlines are the
        # triage's own.
        "worker_pool": "threads",
        "worker_concurrency": settings.worker_concurrency,
        # Acknowledged when the registry has the outcome; a failure is recorded there first, so the broker need not
        # repeat it.
        "task_acks_late": True,
        "task_acks_on_failure_or_timeout": True,
        "task_reject_on_worker_lost": True,
        # The visibility timeout runs from receipt: what waits inside a worker would be redelivered while that worker
        # lives.
        "worker_prefetch_multiplier": 1,
        # Threads can't be cancelled, and a second run is harmless: the claim refuses it.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # No ETA or countdown is ever used; should somebody try, this bounds what a worker holds in memory.
        "worker_eta_task_limit": 16,
        # Text from logs and alerts must never meet pickle.
        "task_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        # Results go onto the results stream, in the same script that closes the incident.
        "task_ignore_result": True,
        "result_backend": None,
        # One queue a severity, named here and nowhere else: a typo must not make a queue that nobody reads.
        "task_queues": [Queue(name, routing_key=name) for name in QUEUES],
        "task_default_queue": QUEUES[1],
        "task_default_routing_key": QUEUES[1],
        "task_create_missing_queues": False,
        # Publishing must fail soon, so that the producer can say so.
        "task_publish_retry_policy": {
            "max_retries": 2,
            "interval_start": 0.1,
            "interval_step": 0.2,
            "interval_max": 0.5,
        },
        # `firstline status` reads the registry; pidbox and events would only cost sockets and messages.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_detect_quorum_queues": False,
        # SIGTERM is a warm stop: running triages finish. The container's grace must be longer than the incident's
        # deadline. A second signal is for `_leave_at_once`.
        "worker_soft_shutdown_timeout": 0,
        "worker_hijack_root_logger": False,
        # A colour's code before an address would hide it from redaction.
        "worker_log_color": False,
        "timezone": "UTC",
    }


def _transport_options(settings: Settings) -> dict[str, Any]:
    return {
        # Longer than any triage (deadline at most 240 s), so that a living worker's message is not handed out again.
        "visibility_timeout": 300,
        # Kombu looks for messages of dead workers every interval x throttle = 5 s; its default is 100 s.
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 60,
        # Most urgent queue first, but none is starved.
        "queue_order_strategy": "worker.queue_order:QueueOrder",
        # Without these a black-holed connection freezes worker and producer for good.
        "socket_timeout": 5,
        "socket_connect_timeout": 3,
        "socket_keepalive": True,
        "health_check_interval": 5,
        # Kombu's default of 10 loses acknowledgements when many triages end together.
        "max_connections": settings.worker_concurrency + 50,
        "global_keyprefix": BROKER_KEY_PREFIX,
    }


@after_setup_logger.connect
@after_setup_task_logger.connect
def _mask_what_is_logged(logger: logging.Logger, **_: object) -> None:
    mask_handlers(logger.handlers)


@worker_shutting_down.connect
def _heed_a_second_signal(**_: object) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, _leave_at_once)
    _write_record("worker.stopping", "info", note="running triages are finished; a second signal ends them at once")


@worker_ready.connect
def _heed_sigquit(**_: object) -> None:
    signal.signal(signal.SIGQUIT, _leave_at_once)


def _leave_at_once(number: int, _: object) -> NoReturn:
    """End this process, whatever runs: the registry has it all, and other workers resume it after the lease.

    Celery 5.7.0 takes no notice of a second SIGTERM, and its own cold stop can't cancel threads: it closes what they
    use, they fail with tracebacks, and the process ends with 0.
    """
    _write_record("worker.left_at_once", "warning", signal=signal.Signals(number).name)
    os._exit(128 + number)


def _write_record(event: str, level: str, **fields: str) -> None:
    """Write a log line without the log: a signal comes between any two steps, so its handler takes no lock."""
    record = {"event": event, **fields, "level": level, "timestamp": f"{datetime.now(UTC)}"}
    with suppress(OSError):
        os.write(_STANDARD_ERROR, json.dumps(record).encode() + b"\n")
