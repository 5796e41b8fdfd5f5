"""`firstline worker`: one worker process, with everything checked before Celery starts."""

import os
import sys
from typing import NoReturn

import structlog
from redis.exceptions import RedisError

from worker.bootstrap import check_configuration, connect
from worker.cli.durability import complaints_about
from worker.logs import configure_logging
from worker.settings import PREFIX, Settings

__all__ = ["run_worker"]

log = structlog.get_logger()


def run_worker(settings: Settings) -> NoReturn:
    """Check settings and files, then be a Celery worker until told to stop, and exit with its code.

    `app.worker_main` would do the same, but Celery 5.7.0 loses the code on the way: a worker that died of an exception
    ended with 0.
    """
    check_configuration(settings)
    os.environ[f"{PREFIX}WORKER_CONCURRENCY"] = str(settings.worker_concurrency)
    configure_logging(settings.log_level)
    _warn_about_redis(settings)
    from celery.utils.nodenames import host_format

    from worker.tasks import app

    worker = app.Worker(
        hostname=host_format(f"{settings.worker_name}@%h"),
        loglevel=settings.log_level,
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()
    sys.exit(worker.exitcode or 0)


def _warn_about_redis(settings: Settings) -> None:
    """Say at the start what the guarantee lacks. A Redis that is not there yet is waited for, not complained about."""
    try:
        with connect(settings) as redis:
            for complaint in complaints_about(redis):
                log.warning("redis.not_as_needed", complaint=complaint)
    except RedisError as error:
        log.warning("redis.not_checked", error=type(error).__name__)
