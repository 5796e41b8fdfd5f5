"""One server's log in Grafana Loki, by its query API. Not run against a real Loki in CI: only its documented exchange.

It must never ask without a beginning, for a query over all time reads a whole store. Made by `Adapters`.
Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-logs-within-a-range-of-time
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.contract.observations import LogTail
from worker.contract.text import cut_to_bytes, visible
from worker.errors import SourceUnavailable
from worker.infrastructure.log_files import LINE_LIMIT_BYTES
from worker.infrastructure.web_api import WebApi
from worker.ports import Clock

__all__ = ["LokiLogs"]

_LINES_LIMIT: Final = 5_000
"""Loki's own default of `max_entries_limit_per_query`; it refuses to answer with more."""

_LOOK_BACK: Final = timedelta(hours=1)
_NANOSECONDS: Final = 1_000_000_000


class _Stream(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    values: list[Annotated[list[object], Field(min_length=2, max_length=3)]]


class _Streams(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    resultType: Literal["streams"]  # noqa: N815 - Loki's name
    result: list[_Stream]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    status: Literal["success"]
    data: _Streams


class LokiLogs:
    """The streams of one selector, merged by their times. Any number of threads may call."""

    def __init__(self, server_id: str, *, api: WebApi, selector: str, clock: Clock) -> None:
        self._server_id = server_id
        self._api = api
        self._selector = selector
        self._clock = clock

    def read_log_tail(self, *, lines: int, since: datetime | None = None) -> LogTail:
        """Return at most the newest `lines` lines at or after `since`, by default of the last hour."""
        observed_at = self._clock.now()
        wanted = min(lines, _LINES_LIMIT)
        parameters = {
            "query": self._selector,
            "start": str(int((since or observed_at - _LOOK_BACK).timestamp()) * _NANOSECONDS),
            "end": str((int(observed_at.timestamp()) + 1) * _NANOSECONDS),
            "direction": "backward",
            "limit": str(wanted),
        }
        newest = self._entries(self._api.get_json("/loki/api/v1/query_range", parameters))[-wanted:]
        return LogTail(
            server_id=self._server_id,
            lines=tuple(cut_to_bytes(visible(line), LINE_LIMIT_BYTES) for _, line in newest),
            older_lines_exist=True,  # what stands before the beginning was not asked for
            observed_at=observed_at,
            source=f"{self._api.name} {self._selector}",
        )

    def _entries(self, answer: object) -> list[tuple[int, str]]:
        """Return times in nanoseconds and lines, oldest first; lines of one time stay in their streams' order."""
        try:
            streams = _Answer.model_validate(answer).data.result
            entries = [(int(str(entry[0])), str(entry[1])) for stream in streams for entry in reversed(stream.values)]
        except (ValidationError, ValueError) as error:
            raise SourceUnavailable(
                f"{self._api.name} gave no usable answer about the log of {self._server_id}."
            ) from error
        return sorted(entries, key=lambda entry: entry[0])
