"""Reads a stream for the audit, entry by entry, each until it is recorded. `recording.py` says what becomes of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from redis import Redis
from redis.exceptions import ResponseError

from worker.contract.queue import RECORDS_GROUP

__all__ = ["Batch", "RecordsGroup"]

Batch = Sequence[tuple[str, Mapping[str, str] | None]]
"""Entries by their stream ids; one that was trimmed unread has no fields."""

_ONE_FOR_ALL: Final = "recorder"
"""All processes read under one name: what a dead one left is there for the next, and done twice it does no harm."""

_BATCH: Final = 100


class RecordsGroup:
    """The group on one stream. Redis errors pass through; what was not acknowledged comes again."""

    def __init__(self, redis: Redis, stream: str) -> None:
        self._redis = redis
        self._stream = stream

    def pass_on(self, record: Callable[[Batch], None]) -> int:
        """Give all that is there to `record`, a hundred at a time, and acknowledge it then; return how many."""
        self._join()
        passed = 0
        for after in ("0", ">"):
            while batch := self._read(after):
                record(batch)
                self._redis.xack(self._stream, RECORDS_GROUP, *(stream_id for stream_id, _ in batch))
                passed += len(batch)
        return passed

    def _join(self) -> None:
        """Make the group where it is missing; each time, for the server may have come back without its data."""
        try:
            self._redis.xgroup_create(self._stream, RECORDS_GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def _read(self, after: str) -> Batch:
        reply: Any = self._redis.xreadgroup(RECORDS_GROUP, _ONE_FOR_ALL, {self._stream: after}, count=_BATCH)
        batch: Batch = reply[0][1] if reply else []
        return batch
