"""`firstline worker`: one worker process, with everything checked before Celery starts."""

import os

from worker.bootstrap import check_configuration
from worker.settings import PREFIX, Settings

__all__ = ["run_worker"]


def run_worker(settings: Settings) -> None:
    """Check settings and files, then become a Celery worker until it is told to stop."""
    check_configuration(settings)
    os.environ[f"{PREFIX}WORKER_CONCURRENCY"] = str(settings.worker_concurrency)
    from worker.tasks import app

    app.worker_main(
        [
            "worker",
            "--without-gossip",
            "--without-mingle",
            f"--loglevel={settings.log_level}",
            f"--hostname={settings.worker_name}@%h",
        ]
    )
