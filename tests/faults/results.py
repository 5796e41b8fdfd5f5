"""The results stream as a row reads it: on from where it stopped, however long the run is."""

from collections.abc import Container
from typing import Any

from redis import Redis

from worker.contract.queue import RESULTS_STREAM
from worker.contract.result import TriageResult

__all__ = ["ResultsReader"]


class ResultsReader:
    """Keeps what it has read since `forget`. For one thread."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._newest_entry = "0"
        self._texts: dict[str, str] = {}

    def read_on(self) -> list[tuple[str, float]]:
        """Return the incident of each new result with its time, in seconds since 1970. Raises redis-py's errors."""
        entries: Any = self._redis.xrange(RESULTS_STREAM, min=f"({self._newest_entry}")
        arrived = []
        for entry_id, fields in entries:
            self._texts[fields["incident_id"]] = fields["result"]
            arrived.append((fields["incident_id"], int(entry_id.partition("-")[0]) / 1000))
            self._newest_entry = entry_id
        return arrived

    def results(self, incident_ids: Container[str]) -> dict[str, TriageResult]:
        """Return the results of these incidents, as far as they have been read."""
        return {
            incident_id: TriageResult.model_validate_json(text)
            for incident_id, text in self._texts.items()
            if incident_id in incident_ids
        }

    def forget(self) -> None:
        """Keep nothing of what was read so far."""
        self._texts.clear()
