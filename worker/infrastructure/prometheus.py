"""One server's health by Prometheus: now, half an hour before, and how old the samples are by Prometheus' own clock.

What has no sample is named and never guessed; a selector that fits several targets is refused, for a mean of two
servers is the health of none. Made by `Adapters`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as PydanticField

from worker.contract.observations import HealthReading, Measure, ServiceStatus
from worker.errors import SourceUnavailable
from worker.infrastructure.promql import AGE, NOW, TARGETS, expressions_of, joined
from worker.infrastructure.web_api import WebApi
from worker.ports import Clock

__all__ = ["PrometheusHealth"]

_TREND_SECONDS: Final = 1_800
_STALE_SECONDS: Final = 120.0
"""Older samples say nothing of now: Prometheus answers with what it has for five minutes after a target is gone."""

_FAR_FUTURE_SECONDS: Final = 1e10
"""Epoch seconds of the year 2286: no clock of a server says that."""

_STATUS_OF: Final = {
    "unit active": ServiceStatus.RUNNING,
    "unit activating": ServiceStatus.DEGRADED,
    "unit deactivating": ServiceStatus.DEGRADED,
    "unit failed": ServiceStatus.STOPPED,
    "unit inactive": ServiceStatus.STOPPED,
}
_NOT_MEASURES: Final = frozenset({"started", NOW, AGE, TARGETS, *_STATUS_OF})


class _Labels(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    figure: str = ""


class _Sample(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    metric: _Labels
    value: tuple[float, float]


class _Vector(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    resultType: Literal["vector"]  # noqa: N815 - Prometheus' name
    result: Annotated[list[_Sample], PydanticField(max_length=1000)]


class _Answer(BaseModel):
    """Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    status: Literal["success"]
    data: _Vector


@dataclass(frozen=True, slots=True)
class _Seen:
    """Figures by name; `why_no_before` says why the past could not be asked for."""

    now: Mapping[str, float]
    before: Mapping[str, float]
    why_no_before: str | None = None


class PrometheusHealth:
    """The health of one target. Any number of threads may call."""

    def __init__(
        self, server_id: str, *, api: WebApi, selector: str, exporter: str, unit: str | None, clock: Clock
    ) -> None:
        self._server_id = server_id
        self._api = api
        self._is_kube = exporter == "kube_state"
        self._unit = unit
        self._expressions = expressions_of(exporter, selector=selector, unit=unit)
        self._query = joined(self._expressions)
        self._source = f"{api.name}, {exporter} exporter"
        self._clock = clock

    def read_health(self) -> HealthReading:
        """Ask twice: for now, and for half an hour before. `observed_at` is the time of the newest scrape.

        CPU and memory are those of the machine (`node`), or of the container (`cadvisor`: CPU of one core). Without a
        systemd unit, a target that is scraped counts as running. Raises `SourceUnavailable` also for old samples.
        """
        asked_at = self._clock.now()
        seen = self._seen()
        age_seconds = max(seen.now[AGE], 0.0)
        if age_seconds > _STALE_SECONDS:
            raise SourceUnavailable(
                f"{self._api.name} has had no new sample of {self._server_id} for {age_seconds:.0f} s."
            )
        running_seconds = _running_seconds(seen.now)
        observed_at = asked_at - timedelta(seconds=age_seconds)
        return HealthReading(
            server_id=self._server_id,
            status=self._status(seen.now),
            cpu_percent=_rounded(seen.now.get("CPU")),
            memory_percent=_rounded(seen.now.get("memory")),
            measures=self._measures(seen),
            unread=tuple(self._unread(seen)),
            # From the sample's time on, so that a start is told too early rather than too late by the sample's age:
            # one before an order must never be taken for the restart.
            service_started_at=None if running_seconds is None else observed_at - timedelta(seconds=running_seconds),
            observed_at=observed_at,
            source=self._source,
        )

    def _seen(self) -> _Seen:
        now = self._figures({})
        if now.get(TARGETS) is None or AGE not in now or NOW not in now:
            raise SourceUnavailable(
                f"{self._api.name} has no sample of {self._server_id}: it is not scraped, or its `metrics` are wrong."
            )
        if now[TARGETS] > 1:
            raise SourceUnavailable(
                f"The `metrics` of {self._server_id} fit {now[TARGETS]:.0f} targets of {self._api.name}: name one."
            )
        try:
            return _Seen(now, self._figures({"time": f"{now[NOW] - _TREND_SECONDS:.3f}"}))
        except SourceUnavailable as failure:
            return _Seen(now, {}, str(failure))  # how it is now counts without how it was

    def _figures(self, parameters: Mapping[str, str]) -> Mapping[str, float]:
        answer = self._api.get_json("/api/v1/query", {"query": self._query, **parameters})
        try:
            samples = _Answer.model_validate(answer).data.result
        except ValidationError as error:
            raise SourceUnavailable(f"{self._api.name} gave no usable answer about {self._server_id}.") from error
        return {sample.metric.figure: sample.value[1] for sample in samples if math.isfinite(sample.value[1])}

    def _status(self, now: Mapping[str, float]) -> ServiceStatus:
        if self._unit is not None:
            status = next((status for name, status in _STATUS_OF.items() if now.get(name) == 1), None)
            if status is None:
                raise SourceUnavailable(
                    f"{self._api.name} does not know the state of {self._unit} on {self._server_id}: "
                    "switch node_exporter's systemd collector on, or correct the unit."
                )
            return status
        if self._is_kube:
            return _status_of_replicas(now.get("replicas ready"), now.get("replicas wanted"))
        return ServiceStatus.RUNNING

    def _measures(self, seen: _Seen) -> tuple[Measure, ...]:
        """Return what was measured; all of it is of one scrape, and `observed_at` is its time."""
        return tuple(
            Measure(
                name=name,
                value=round(seen.now[name], 3),
                unit=expression.unit,
                source=self._source,
                half_an_hour_before=_rounded(seen.before.get(name)),
            )
            for name, expression in self._expressions.items()
            if name in seen.now and name not in _NOT_MEASURES
        )

    def _unread(self, seen: _Seen) -> list[str]:
        known = {"CPU", "memory"} | (self._expressions.keys() - {NOW, AGE, TARGETS, *_STATUS_OF})
        missing = [f"{name}: {self._api.name} has no sample of it" for name in sorted(known - seen.now.keys())]
        return missing if seen.why_no_before is None else [*missing, f"half an hour before: {seen.why_no_before}"]


def _running_seconds(now: Mapping[str, float]) -> float | None:
    started = now.get("started")
    if started is None or not 0 < started <= now[NOW] < _FAR_FUTURE_SECONDS:
        return None
    return now[NOW] - started


def _status_of_replicas(ready: float | None, wanted: float | None) -> ServiceStatus:
    if wanted is None or ready is None:
        return ServiceStatus.DEGRADED
    if ready >= wanted:
        return ServiceStatus.RUNNING
    return ServiceStatus.STOPPED if ready == 0 else ServiceStatus.DEGRADED


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(max(value, 0.0), 1)
