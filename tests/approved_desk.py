"""A desk whose one sick server may be restarted with an engineer's word, for the tests of such words.

Import `desk_fixture` and the two of `redis_servers` into a test module.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from producers.intake import take_in
from producers.sources.plain import parse_text
from tests.house import SICK, WELL, record, restarts_of, write_house
from worker.bootstrap import make_worker
from worker.clock import SystemClock
from worker.contract.proposal import follow_up_id
from worker.contract.result import Disposition, Refusal, TriageResult
from worker.duty import Worker
from worker.escalation.approving import Approving, Said
from worker.infrastructure.inventory import Inventory
from worker.settings import Settings, load_settings

__all__ = ["DEPENDENCY", "HUNG", "SERVER", "Desk", "desk_fixture", "reason_of", "reasons_of"]

SERVER = "payment-server-01"
DEPENDENCY = "payment-db-01"
HUNG = "WARNING request threads hung\n"


@dataclass
class Desk:
    """One worker over recorded servers, of which one may be restarted with a word of ada's or grace's."""

    folder: Path
    settings: Settings
    redis: Any
    worker: Worker

    def propose(self) -> str:
        """Let the desk look at the sick server, and propose its restart."""
        incident = parse_text(f"{SERVER} is slow", received_at=datetime.now(UTC), unique=uuid4().hex)
        list(take_in(self.redis, [incident]))
        assert self.triage(incident.incident_id).disposition is Disposition.AWAITING_APPROVAL
        return incident.incident_id

    @property
    def approving(self) -> Approving:
        inventory = Inventory.load(self.settings.inventory_file, SystemClock())
        return Approving(redis=self.redis, servers=inventory, within_seconds=1800)

    def approve(self, incident_id: str, *, person: str = "ada", why: str = "it hangs") -> Said | Refusal:
        return self.approving.approve(incident_id, person=person, why=why)

    def triage(self, incident_id: str, worker: Worker | None = None) -> TriageResult:
        worker = worker or self.worker
        with worker.registry.claim(incident_id) as claim:
            assert claim is not None
            result = worker.triage(claim)
            claim.finish(result)
        return result

    def carry_out(self, incident_id: str, worker: Worker | None = None) -> TriageResult:
        """Triage the incident in which a proposal is carried out."""
        return self.triage(follow_up_id(incident_id), worker)

    def rewrite_inventory(self, old: str, new: str) -> None:
        """Change the inventory, and let the worker read it again."""
        file = self.settings.inventory_file
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        self.worker.reload()

    def now_is(self, server: str, *, health: object = SICK, log: str = HUNG) -> None:
        place = self.folder / server / ("after_restart" if self.restarts else "")
        (place / "health.json").write_text(json.dumps(health))
        (place / "service.log").write_text(log)

    @property
    def restarts(self) -> int:
        return len(restarts_of(self.folder))


@pytest.fixture(name="desk")
def desk_fixture(tmp_path: Path, redis: Redis) -> Iterator[Desk]:
    folder = tmp_path / "house"
    record(folder / SERVER, SICK, HUNG, after_restart=WELL)
    record(folder / DEPENDENCY, WELL, "INFO fine\n")
    house = write_house(folder, {SERVER: "payments", DEPENDENCY: "database"})
    settings = load_settings(_env_file=None, **house)
    text = settings.inventory_file.read_text()
    terms = f'restart_policy = "approve"\napprovers = ["ada", "grace"]\ndependencies = ["{DEPENDENCY}"]'
    settings.inventory_file.write_text(text.replace('restart_policy = "auto"', terms, 1))
    worker = make_worker(settings, redis)
    yield Desk(folder, settings, redis, worker)
    worker.close()


def reason_of(answer: object) -> str:
    assert isinstance(answer, Refusal)
    return answer.reason


def reasons_of(result: TriageResult) -> list[str]:
    return [refusal.reason for refusal in result.refusals]
