"""One round of a watch: asks every trend, judges every series, and offers what holds at the door.

It keeps nothing from one round to the next: what could not be taken in is found again while it holds, and a trend that
is over needs no telling. A trend that can't be asked keeps no other from being told. `firstline watch` calls it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

import structlog

from producers.door import Door
from producers.intake import Verdict
from producers.polling.json_api import ApiError, JsonApi
from producers.sources.alert import Arrival
from producers.sources.field_map import FieldMap
from producers.sources.reading import numbered
from producers.trends.file import HeldTrend, LinearTrend
from producers.trends.judging import SOURCE, judge, told_of
from producers.trends.query import ask
from worker.contract import Incident

__all__ = ["Round", "Watch"]

log = structlog.get_logger(__name__)


class Round(NamedTuple):
    """What one round came to: the incidents that hold with their answers, and why some trends could not be judged."""

    told: list[tuple[Incident, Verdict]]
    failures: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Trends, the Prometheus that has their data, and the door. Not safe from several threads; several watches are."""

    api: JsonApi
    trends: Sequence[LinearTrend | HeldTrend]
    door: Door
    now: Callable[[], datetime]
    fields: FieldMap = field(default_factory=FieldMap)

    def take_round(self) -> Round:
        """Tell every trend that holds now. Raises `IntakeUnavailable`: the next round finds them again."""
        failures: list[str] = []
        incidents = [incident for trend in self.trends for incident in self._holding(trend, failures)]
        verdicts = self.door.take_in(incidents) if incidents else []
        return Round(list(zip(incidents, verdicts, strict=True)), failures)

    def _holding(self, trend: LinearTrend | HeldTrend, failures: list[str]) -> Iterator[Incident]:
        try:
            found = ask(self.api, trend)
        except ApiError as error:
            log.warning("trend.not_asked", trend=trend.name, reason=str(error))
            failures.append(f"{trend.name}: {error}")
            return
        if not found:
            log.info("trend.without_series", trend=trend.name, remedy="see what its query gives in Prometheus")
        arrival = Arrival(received_at=self.now(), unique=uuid4().hex, source=SOURCE, fields=self.fields)
        for ordinal, series in enumerate(found, start=1):
            finding = judge(trend, series)
            outcome = told_of(trend, series, finding, numbered(arrival, ordinal)) if finding else None
            if isinstance(outcome, Incident):
                yield outcome
