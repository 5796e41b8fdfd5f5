"""An escalation consumer that a test can kill: `python -m tests.faults.desk`, its settings from the environment.

Downstream is a file: a page is an incident id on a line of its own, and it has arrived when it is on disk.
"""

import os
import threading
from pathlib import Path
from typing import Final
from unittest.mock import patch

from pydantic_settings import BaseSettings, SettingsConfigDict

from producers.intake import connect
from tests.faults.traps import Traps
from worker.contract.result import TriageResult
from worker.escalation import as_text, card_of, consumer

__all__ = ["POINTS", "DeskSettings", "pages_in"]

POINTS: Final = ("before_delivery", "after_delivery")
_DOWNSTREAM_FAILS: Final = "downstream_fails"
_CLAIM_AFTER_SECONDS: Final = 1.0
_CLAIM_INTERVAL_SECONDS: Final = 0.5
_WIDTH: Final = 100


class DeskSettings(BaseSettings):
    """Where results come from and pages go."""

    model_config = SettingsConfigDict(env_prefix="DESK_", frozen=True)

    redis_url: str
    traps_folder: Path
    pages_file: Path


class _Pager:
    """A notifier that makes the card, as real ones do, with a trap on either side of the delivery.

    A file in the traps' folder breaks it, once.
    """

    def __init__(self, settings: DeskSettings) -> None:
        self._traps = Traps(settings.traps_folder)
        self._failure = settings.traps_folder / _DOWNSTREAM_FAILS
        self._pages = settings.pages_file

    def deliver(self, result: TriageResult) -> None:
        incident_id = result.incident.incident_id
        as_text(card_of(result), _WIDTH)
        self._traps.step_on("before_delivery", incident_id)
        if self._failure.exists():
            self._failure.unlink(missing_ok=True)
            raise ConnectionError("downstream answered 503")
        with self._pages.open("a", encoding="ascii") as file:
            file.write(f"{incident_id}\n")
            file.flush()
            os.fsync(file.fileno())
        self._traps.step_on("after_delivery", incident_id)


def pages_in(path: Path) -> list[str]:
    """Read which incidents engineers were paged for, as often as they were."""
    return path.read_text().split() if path.exists() else []


def main() -> None:
    """Deliver until the process ends."""
    settings = DeskSettings()
    with patch.object(consumer, "CLAIM_INTERVAL_SECONDS", _CLAIM_INTERVAL_SECONDS):
        consumer.EscalationConsumer(
            connect(settings.redis_url),
            _Pager(settings),
            name=f"desk-{os.getpid()}",
            claim_after_seconds=_CLAIM_AFTER_SECONDS,
        ).run(threading.Event())


if __name__ == "__main__":
    main()
