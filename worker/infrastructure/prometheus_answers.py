"""What Prometheus' answers say: figures by name, and a status out of figures. Pure.

A figure that came twice, is no number or is less than nothing is no figure: it is kept with what is wrong with it, and
nobody picks one. What a status can't be known of is told, and never guessed. Called by the Prometheus adapter.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from worker.contract.observations import ServiceStatus
from worker.infrastructure.promql import CPU, CPU_AGE, HOST_NOW, NOW, OF_MACHINE, STARTED, STATE_AGE, UNIT_STATES

__all__ = ["Figures", "believed", "figures_of", "running_seconds", "status_of_replicas", "status_of_unit"]

_FAR_FUTURE_SECONDS: Final = 1e10
"""Epoch seconds of the year 2286: no clock of a server says that."""

_LONGEST_AGE_SECONDS: Final = 600.0
"""Twice the window that a rate is taken of: what is older is not what was asked for."""

_STATUS_OF: Final = dict(
    zip(
        UNIT_STATES,
        (
            ServiceStatus.RUNNING,
            ServiceStatus.DEGRADED,
            ServiceStatus.DEGRADED,
            ServiceStatus.STOPPED,
            ServiceStatus.STOPPED,
        ),
        strict=True,
    )
)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Labels(_Told):
    figure: str = ""


class _Sample(_Told):
    metric: _Labels
    value: tuple[float, float]


class _Vector(_Told):
    resultType: Literal["vector"]  # noqa: N815 - Prometheus' name
    result: Annotated[list[_Sample], Field(max_length=1000)]


class _Answer(_Told):
    """Source: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries."""

    status: Literal["success"]
    data: _Vector


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures by name; `troubles` says of each that came and is none what Prometheus did wrong."""

    values: Mapping[str, float]
    troubles: Mapping[str, str]


def figures_of(answer: object) -> Figures:
    """Return what a decoded answer tells. Raises pydantic's `ValidationError` when it is not of Prometheus' form."""
    told = defaultdict(list)
    for sample in _Answer.model_validate(answer).data.result:
        told[sample.metric.figure].append(sample.value[1])
    troubles = {name: trouble for name, values in told.items() if (trouble := _trouble_with(values)) is not None}
    return Figures({name: values[0] for name, values in told.items() if name not in troubles}, troubles)


def believed(figures: Figures) -> Figures:
    """Return the figures without a CPU whose samples' age nobody believes, and without a start that can't be."""
    troubles = {}
    if figures.values.get(CPU_AGE, math.inf) > _LONGEST_AGE_SECONDS:
        why = "does not tell how old the older of its samples is"
        troubles = dict.fromkeys((CPU, f"{CPU}{OF_MACHINE}", CPU_AGE), why)
    seconds = running_seconds(figures.values)
    if HOST_NOW in figures.troubles or (seconds is not None and not 0 <= seconds < _FAR_FUTURE_SECONDS):
        troubles[STARTED] = "gave a time for it that can't be"
    values = {name: value for name, value in figures.values.items() if name not in troubles}
    dropped = {name: trouble for name, trouble in troubles.items() if name in figures.values}
    return Figures(values, {**figures.troubles, **dropped})


def running_seconds(values: Mapping[str, float]) -> float | None:
    """Return for how long it has run: by the server's own clock where it tells it, else by Prometheus'."""
    started = values.get(STARTED)
    return None if started is None else values.get(HOST_NOW, values[NOW]) - started


def status_of_unit(figures: Figures) -> ServiceStatus | str:
    """Return the status that systemd's state gives, or why there is none."""
    if any(name in figures.troubles for name in UNIT_STATES):
        return "what came of it can't be"
    told = {name: figures.values[name] for name in UNIT_STATES if name in figures.values}
    if not told:
        return "no sample of it came; switch node_exporter's systemd collector on, or correct the unit"
    if STATE_AGE not in figures.values:
        return "how old it is was not told"
    held = [_STATUS_OF[name] for name, value in told.items() if value == 1]
    if len(held) > 1:
        return f"systemd's exporter says {len(held)} states of it at once"
    return held[0] if held else "systemd's exporter says no state of it, as while it reloads"


def status_of_replicas(ready: float | None, wanted: float | None) -> ServiceStatus | str:
    """Return a deployment's status, or what is missing for it."""
    if ready is None or wanted is None:
        return "not told is how many are ready, or how many are wanted"
    if ready >= wanted:
        return ServiceStatus.RUNNING
    return ServiceStatus.STOPPED if ready == 0 else ServiceStatus.DEGRADED


def _trouble_with(values: Sequence[float]) -> str | None:
    if len(values) > 1:
        return f"gave {len(values)} samples of it, where one is meant"
    if not math.isfinite(values[0]):
        return f"gave {values[0]:g}, which is no number"
    return f"gave {values[0]:g}, which can't be" if values[0] < 0 else None
