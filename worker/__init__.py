"""Firstline's workers: triage each incident in isolation, restart at most once, escalate the rest with evidence.

`celery -A worker worker` finds the application through `celery` below; it is made on first use, so that importing
`worker.contract` stays light.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery

__all__ = ["celery"]


def __getattr__(name: str) -> "Celery":
    if name == "celery":
        from worker.tasks import app  # noqa: PLC0415 - on demand: see the docstring

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
