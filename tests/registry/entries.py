"""What the registry's tests put in and take out."""

from typing import Any

from redis import Redis

from tests.fakes import START, an_incident
from worker.contract.incident import Incident
from worker.contract.queue import OPEN_INCIDENTS, RESULTS_STREAM, incident_key
from worker.contract.result import Disposition, Ending, Spent, TriageResult
from worker.contract.transcript import ModelReply, Step
from worker.registry import Registry
from worker.registry.dead_letters import DeadLetters
from worker.registry.sweeper import Sweeper

__all__ = ["accept", "all_keys", "finished", "published", "result_of", "step", "sweeper_of"]


def accept(redis: Any, text: str = "payment-server-01 is slow") -> Incident:
    """Write the registry entry of one incident as intake writes it."""
    incident = an_incident(text)
    seconds, microseconds = redis.time()
    accepted_at = seconds * 1000 + microseconds // 1000
    entry = {"incident": incident.model_dump_json(), "state": "NEW", "epoch": 0, "deliveries": 0}
    redis.hset(incident_key(incident.incident_id), mapping={**entry, "accepted_at": accepted_at})
    redis.zadd(OPEN_INCIDENTS, {incident.incident_id: accepted_at})
    return incident


def sweeper_of(redis: Redis, **options: Any) -> Sweeper:
    """Make a sweeper that buries as a worker does where the guard knows nothing."""
    letters = DeadLetters(redis)
    return Sweeper(redis, bury=lambda incident_id, why: letters.bury_entry(incident_id, why=why), **options)


def step(number: int, text: str = "looking") -> Step:
    return Step(number=number, model="rules", reply=ModelReply(text=text))


def result_of(incident: Incident, *, epoch: int = 1, summary: str = "nothing is wrong") -> TriageResult:
    return TriageResult(
        incident=incident,
        server_id=incident.server_id,
        service="payments",
        disposition=Disposition.NO_ACTION,
        ending=Ending.CONCLUDED,
        summary=summary,
        model="rules",
        is_llm=False,
        prompt_hash="none",
        spent=Spent(),
        epoch=epoch,
        worker="w1",
        started_at=START,
        finished_at=START,
    )


def finished(redis: Redis, disposition: Disposition) -> TriageResult:
    """Take an incident in, and finish its triage so."""
    incident, registry = accept(redis), Registry(redis, worker="w1")
    result = result_of(incident).model_copy(update={"disposition": disposition})
    with registry.claim(incident.incident_id) as claim:
        assert claim is not None
        claim.finish(result)
    registry.close()
    return result


def published(redis: Any) -> list[dict[str, str]]:
    return [fields for _, fields in redis.xrange(RESULTS_STREAM)]


def all_keys(redis: Redis) -> dict[str, object]:
    return {str(key): redis.dump(key) for key in redis.scan_iter()}
