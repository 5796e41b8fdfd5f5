"""One server's log in Grafana Loki, by its query API. Not run against a real Loki in CI: only its documented exchange.

It must never ask without a beginning, for a query over all time reads a whole store. Made by `Adapters`.
Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/#query-logs-within-a-range-of-time
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from worker.contract.observations import LogTail
from worker.contract.text import cut_to_bytes, visible
from worker.errors import SourceUnavailable
from worker.infrastructure.log_files import LINE_LIMIT_BYTES
from worker.infrastructure.web_api import Answer, WebApi
from worker.ports import Clock

__all__ = ["LokiLogs"]

_LINES_LIMIT: Final = 5_000
"""Loki's own default of `max_entries_limit_per_query`; it refuses to be asked for more."""

_SHARES: Final = (1, 4, 32)
"""An answer that was cut is asked for again with this share of the lines: lines of 13 kB on average still fit then."""

_ASK_AGAIN_SECONDS: Final = 5.0
"""No further question is asked later than this, so that a read takes no longer than that and one question's time."""

_LOOK_BACK: Final = timedelta(hours=1)
_FURTHER_BACK: Final = timedelta(days=1)
_MARGIN: Final = timedelta(seconds=1)
"""What stamps the lines may be a little ahead of the worker's clock."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Nanoseconds = Annotated[str, Field(pattern="^[0-9]{1,19}$")]


class _Stream(BaseModel):
    """Times and lines, newest first; structured metadata, where there is some, stands behind."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    values: Annotated[list[tuple[_Nanoseconds, str] | tuple[_Nanoseconds, str, object]], FailFast()]


class _Streams(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    resultType: Literal["streams"]  # noqa: N815 - Loki's name
    result: Annotated[list[_Stream], FailFast()]


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
        """Return at most the newest `lines` lines at or after `since`, by default of the last hour, with their times.

        At most 5,000, and fewer where they are long. `older_lines_exist` when more came, or may have come, than is
        returned, and when Loki has a line of the day before the beginning; where it can't be asked, it is not claimed
        that the log begins there.
        """
        observed_at = self._clock.now()
        give_up = self._clock.monotonic_seconds() + _ASK_AGAIN_SECONDS
        beginning = since or observed_at - _LOOK_BACK
        entries, limit = self._newest(beginning, observed_at + _MARGIN, limit=lines + 1, give_up=give_up)
        has_more = len(entries) > lines or len(entries) >= limit
        shown = [line for entry in entries for line in _dated(*entry)]
        return LogTail(
            server_id=self._server_id,
            lines=tuple(cut_to_bytes(visible(line), LINE_LIMIT_BYTES) for line in shown[max(0, len(shown) - lines) :]),
            older_lines_exist=len(shown) > lines or has_more or self._goes_further_back(beginning, give_up=give_up),
            observed_at=observed_at,
            source=f"{self._api.name} {self._selector}",
        )

    def _newest(
        self, beginning: datetime, end: datetime, *, limit: int, give_up: float
    ) -> tuple[list[tuple[int, str]], int]:
        """Return the newest entries that fit into an answer, and how many were asked for in the end."""
        for share in _SHARES:
            asked = max(min(limit, _LINES_LIMIT) // share, 1)
            answer = self._answer(beginning, end, limit=asked)
            if not answer.is_cut:
                return self._entries(answer), asked
            if self._clock.monotonic_seconds() >= give_up:
                break
        raise SourceUnavailable(f"{self._api.name} has more in the log of {self._server_id} than can be read.")

    def _goes_further_back(self, beginning: datetime, *, give_up: float) -> bool:
        if self._clock.monotonic_seconds() >= give_up:
            return True
        try:
            answer = self._answer(beginning - _FURTHER_BACK, beginning, limit=1)
            return answer.is_cut or bool(self._entries(answer))
        except SourceUnavailable:
            return True

    def _answer(self, beginning: datetime, end: datetime, *, limit: int) -> Answer:
        parameters = {
            "query": self._selector,
            "start": _nanoseconds(beginning),
            "end": _nanoseconds(end),
            "direction": "backward",
            "limit": str(limit),
        }
        return self._api.get("/loki/api/v1/query_range", parameters)

    def _entries(self, answer: Answer) -> list[tuple[int, str]]:
        """Return times in nanoseconds and lines, oldest first; lines of one time stay in their streams' order."""
        try:
            streams = _Answer.model_validate_json(answer.body).data.result
        except ValidationError as error:
            raise SourceUnavailable(
                f"{self._api.name} gave no usable answer about the log of {self._server_id}."
            ) from error
        entries = [(int(entry[0]), entry[1]) for stream in streams for entry in reversed(stream.values)]
        return sorted(entries, key=lambda entry: entry[0])


def _dated(nanoseconds: int, entry: str) -> list[str]:
    """Return an entry's lines, the first with its time, as other logs have it; a stack trace is one entry."""
    time = _EPOCH + timedelta(microseconds=nanoseconds // 1_000)
    first, *further = entry.splitlines() or [""]
    return [f"{time.isoformat(timespec='milliseconds')} {first}", *further]


def _nanoseconds(time: datetime) -> str:
    """Return nanoseconds since the epoch; a float would lose some of them."""
    return str((time - _EPOCH) // timedelta(microseconds=1) * 1_000)
