"""One server's health by Prometheus: now, half an hour before, and how old the samples are by Prometheus' own clock.

What has no sample is named and never guessed; a selector that fits several targets is refused, for a mean of two
servers is the health of none. It never calls a service well that nobody looked at. Made by `Adapters`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from worker.contract.observations import (
    CPU_PRESSURE_PERCENT,
    MEMORY_PRESSURE_PERCENT,
    HealthReading,
    Measure,
    ServiceStatus,
)
from worker.errors import SourceUnavailable
from worker.infrastructure.prometheus_answers import (
    Figures,
    believed,
    figures_of,
    running_seconds,
    status_of_replicas,
    status_of_unit,
)
from worker.infrastructure.promql import (
    AGE,
    ASIDE,
    CPU,
    CPU_AGE,
    MEMORY,
    NOW,
    OF_MACHINE,
    READY,
    SERIES,
    STARTED,
    STATE_AGE,
    TARGETS,
    WANTED,
    expressions_of,
    joined,
    named,
)
from worker.infrastructure.told_time import ToldTime
from worker.infrastructure.web_api import WebApi
from worker.ports import Clock

__all__ = ["PrometheusHealth"]

_TREND_SECONDS: Final = 1_800
_STALE_SECONDS: Final = 120.0
"""Older samples say nothing of now: Prometheus answers with what it has for five minutes after a target is gone."""

_ERROR_RATE: Final = "error_rate"
_NOTHING: Final = Figures({}, {})


@dataclass(frozen=True, slots=True)
class _Seen:
    """Figures now and before; `why_no_before` says why the past could not be asked for.

    `lag_seconds` is how long ago the answer was made, as far as that shows.
    """

    now: Figures
    before: Figures
    why_no_before: str | None = None
    lag_seconds: float = 0.0


class PrometheusHealth:
    """The health of one target. Any number of threads may call.

    `error_rate` is PromQL of the inventory's owner: one series, the share of requests that failed, from 0 to 1.
    """

    def __init__(
        self,
        server_id: str,
        *,
        api: WebApi,
        selector: str,
        exporter: str,
        unit: str | None,
        clock: Clock,
        error_rate: str | None = None,
    ) -> None:
        self._server_id = server_id
        self._api = api
        self._exporter = exporter
        self._unit = unit
        self._expressions = expressions_of(exporter, selector=selector, unit=unit)
        self._query = joined(self._expressions)
        self._error_rate = None if error_rate is None else named(_ERROR_RATE, error_rate)
        self._source = f"{api.name}, {exporter} exporter"
        self._clock = clock
        self._told_time = ToldTime()

    def read_health(self) -> HealthReading:
        """Ask for now and for half an hour before: one query each, and one more each for an error rate.

        `node`: CPU and memory of the machine, and the state of the unit. Without a unit a machine that is scraped
        counts as running; its CPU and memory are the service's trouble where they are under pressure, and prove the
        service well nowhere: a reading of it is never good. `cadvisor`: a container that is scraped runs; CPU is of its
        quota and memory of its limit, or both of the machine. `kube_state`: the replicas of a deployment, and neither.

        `observed_at` is the time of the oldest sample used, which is the older one of CPU's two, and no newer than the
        first time that an answer came: a cache may give it again. A start is counted by the server's own clock where it
        tells it, else by Prometheus'. Raises `SourceUnavailable` also for old samples.
        """
        asked_at = self._clock.now()
        seen = self._seen()
        now = seen.now.values
        rates, no_rates = self._error_rates(now[NOW])
        seconds = running_seconds(now)
        age_seconds = seen.lag_seconds + max(now.get(age, 0.0) for age in (AGE, CPU_AGE, STATE_AGE))
        observed_at = asked_at - timedelta(seconds=age_seconds)
        return HealthReading(
            server_id=self._server_id,
            status=self._status(seen.now),
            cpu_percent=self._percent(CPU, now, pressure=CPU_PRESSURE_PERCENT),
            memory_percent=self._percent(MEMORY, now, pressure=MEMORY_PRESSURE_PERCENT),
            measures=(*self._measures(seen), *rates),
            unread=(*self._unread(seen), *no_rates),
            # From the oldest sample's time on, so that a start is told too early rather than too late: one before an
            # order must never be taken for the restart.
            service_started_at=None if seconds is None else observed_at - timedelta(seconds=seconds),
            observed_at=observed_at,
            source=self._source,
        )

    def _seen(self) -> _Seen:
        asked_at = self._clock.monotonic_seconds()
        now = self._figures(self._query)
        lag_seconds = self._told_time.lag_seconds(now.values[NOW], asked_at=asked_at) if NOW in now.values else 0.0
        self._check(now.values, lag_seconds)
        now = believed(now)
        try:
            before = self._figures(self._query, at=now.values[NOW] - _TREND_SECONDS)
            return _Seen(now, before, lag_seconds=lag_seconds)
        except SourceUnavailable as failure:  # how it is now counts without how it was
            return _Seen(now, _NOTHING, str(failure), lag_seconds=lag_seconds)

    def _check(self, now: Mapping[str, float], lag_seconds: float) -> None:
        """Raise unless the figures are of one thing, and new."""
        if not {NOW, AGE, TARGETS, SERIES} <= now.keys():
            raise SourceUnavailable(
                f"{self._api.name} has no sample of {self._server_id}: it is not scraped, or its `metrics` are wrong."
            )
        targets = max(now[TARGETS], now[SERIES])
        if targets > 1:
            raise SourceUnavailable(
                f"The `metrics` of {self._server_id} fit {targets:.0f} targets of {self._api.name}: name one."
            )
        if lag_seconds > _STALE_SECONDS:
            raise SourceUnavailable(f"{self._api.name} answers with an old answer, of {lag_seconds:.0f} s ago.")
        age_seconds = max(now[AGE], now.get(STATE_AGE, 0.0)) + lag_seconds
        if age_seconds > _STALE_SECONDS:
            raise SourceUnavailable(
                f"{self._api.name} has had no new sample of {self._server_id} for {age_seconds:.0f} s."
            )

    def _figures(self, query: str, *, at: float | None = None) -> Figures:
        moment = {} if at is None else {"time": f"{at:.3f}"}
        answer = self._api.get_json("/api/v1/query", {"query": query, **moment})
        try:
            return figures_of(answer)
        except ValidationError as error:
            raise SourceUnavailable(f"{self._api.name} gave no usable answer about {self._server_id}.") from error

    def _status(self, now: Figures) -> ServiceStatus:
        if self._unit is not None:
            status, whose = status_of_unit(now), f"state of {self._unit} on {self._server_id}"
        elif self._exporter == "kube_state":
            status = status_of_replicas(now.values.get(READY), now.values.get(WANTED))
            whose = f"replicas of {self._server_id}"
        else:
            return ServiceStatus.RUNNING
        if isinstance(status, ServiceStatus):
            return status
        raise SourceUnavailable(f"{self._api.name} does not know the {whose}: {status}.")

    def _percent(self, name: str, now: Mapping[str, float], *, pressure: float) -> float | None:
        """Return what is the service's own, or a machine's that is under pressure, which no service on it escapes."""
        of_machine = now.get(f"{name}{OF_MACHINE}", 0.0)
        value = of_machine if of_machine >= pressure else now.get(name)
        return None if value is None else round(value, 1)

    def _measures(self, seen: _Seen) -> Iterator[Measure]:
        now, before = seen.now.values, seen.before.values
        for name, expression in self._expressions.items():
            if name in now and name not in ASIDE | {STARTED}:
                yield self._measure(name, expression.unit, now[name], before.get(name))

    def _measure(self, name: str, unit: str, now: float, before: float | None) -> Measure:
        return Measure(
            name=name,
            value=round(now, 3),
            unit=unit,
            source=self._source,
            half_an_hour_before=None if before is None else round(before, 3),
        )

    def _unread(self, seen: _Seen) -> Iterator[str]:
        if self._exporter == "node" and self._unit is None:
            yield "state, CPU and memory of the service: no `unit` is named, and what is told is of the machine."
        if self._exporter == "kube_state":
            yield "CPU and memory: kube-state-metrics does not tell them."
        for name, expression in self._expressions.items():
            if name in seen.now.troubles:
                yield f"{name}: {self._api.name} {seen.now.troubles[name]}."
            elif name not in seen.now.values.keys() | ASIDE and not expression.may_be_absent:
                takes = f", which takes {expression.takes}" if expression.takes else ""
                yield f"{name}: {self._api.name} has no sample of it{takes}."
        if seen.why_no_before is not None:
            yield f"half an hour before: {seen.why_no_before}"

    def _error_rates(self, now_seconds: float) -> tuple[tuple[Measure, ...], tuple[str, ...]]:
        """Return the error rate, or why there is none: asked for by itself, so that a wrong one costs nothing else."""
        if self._error_rate is None:
            return (), ()
        now = self._share(self._error_rate, at=now_seconds)
        if isinstance(now, str):
            return (), (f"{_ERROR_RATE}: {now}",)
        before = self._share(self._error_rate, at=now_seconds - _TREND_SECONDS)
        return (self._measure(_ERROR_RATE, "ratio", now, None if isinstance(before, str) else before),), ()

    def _share(self, query: str, *, at: float) -> float | str:
        try:
            told = self._figures(query, at=at)
        except SourceUnavailable as failure:
            return str(failure)
        value = told.values.get(_ERROR_RATE)
        if value is None:
            return f"{self._api.name} {told.troubles.get(_ERROR_RATE, 'has no sample of it')}."
        return value if value <= 1 else f"{self._api.name} gave {value:g}, which is no share from 0 to 1."
