"""Made-up series as servers have them, and the measures that Prometheus computes of them, for tests of trends."""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from producers.trends.query import Series

__all__ = ["HARMLESS", "POINTS", "leak", "series_of"]

POINTS: Final = 60
"""Points of a window: a minute apart in one of an hour."""

_DAY_POINTS: Final = 1440

Maker = Callable[[random.Random], list[float]]


def leak(chance: random.Random, *, per_hour: float, noise: float, points_to_limit: int, limit: float) -> list[float]:
    """Return a straight rise that reaches the limit so many points after the last."""
    return [
        limit - per_hour / 60 * (points_to_limit + POINTS - 1 - index) + chance.gauss(0, noise)
        for index in range(POINTS)
    ]


def _flat(chance: random.Random) -> list[float]:
    return [60.0] * POINTS


def _noisy(chance: random.Random) -> list[float]:
    noise = chance.choice([0.5, 2, 5])
    return [min(89.0, 70 + chance.gauss(0, noise)) for _ in range(POINTS)]


def _spike(chance: random.Random) -> list[float]:
    begin = chance.randrange(POINTS)
    return [60 + 25 * (begin <= index < begin + 5) + chance.gauss(0, 1) for index in range(POINTS)]


def _step(chance: random.Random) -> list[float]:
    begin = chance.randrange(POINTS)
    return [60 + 15 * (index >= begin) + chance.gauss(0, 1) for index in range(POINTS)]


def _sawtooth(chance: random.Random) -> list[float]:
    length = chance.choice([10, 20, 30])
    phase = chance.randrange(length)
    return [60 + 20 * ((index + phase) % length) / length + chance.gauss(0, 0.5) for index in range(POINTS)]


def _day_and_night(chance: random.Random) -> list[float]:
    phase = chance.random() * _DAY_POINTS
    return [
        60 + 20 * math.sin(2 * math.pi * (index + phase) / _DAY_POINTS) + chance.gauss(0, 1) for index in range(POINTS)
    ]


def _walk(chance: random.Random) -> list[float]:
    stride, value, values = chance.choice([0.1, 0.3]), 70.0, []
    for _ in range(POINTS):
        value = min(85.0, max(40.0, value + chance.gauss(0, stride)))
        values.append(value)
    return values


HARMLESS: Final[Mapping[str, Maker]] = {
    "flat": _flat,
    "noisy": _noisy,
    "spike": _spike,
    "step": _step,
    "sawtooth": _sawtooth,
    "day and night": _day_and_night,
    "random walk": _walk,
}
"""Series that stay under 90: whoever says that they cross it within four hours raises a false alarm."""


def series_of(values: Sequence[float], *, step_seconds: int, within_seconds: int) -> Series:
    """Return what Prometheus measures of a window: `predict_linear` and `deriv` are least squares."""
    half = len(values) // 2
    level, slope, fit = _line(values, step_seconds)
    lately_level, lately_slope, _ = _line(values[half:], step_seconds)
    measures = {
        "present": values[-1],
        "predicted": level + slope * within_seconds,
        "predicted_lately": lately_level + lately_slope * within_seconds,
        "slope": slope,
        "slope_before": _line(values[:half], step_seconds)[1],
        "samples": float(len(values)),
    }
    # Prometheus divides by the spread of a flat series, which gives no number.
    return Series(labels={"instance": "web-01:9100"}, measures=measures | fit, at_seconds=1_700_000_000.0)


def _line(values: Sequence[float], step_seconds: int) -> tuple[float, float, dict[str, float]]:
    """Return the line's level at the last point, its slope a second, and R² where there is one."""
    times = [(index - len(values) + 1) * step_seconds for index in range(len(values))]
    mean_time, mean = sum(times) / len(times), sum(values) / len(values)
    time_spread = sum((time - mean_time) ** 2 for time in times)
    spread = sum((value - mean) ** 2 for value in values)
    slope = sum((time - mean_time) * (value - mean) for time, value in zip(times, values, strict=True)) / time_spread
    return mean - slope * mean_time, slope, {"fit": slope**2 * time_spread / spread} if spread else {}
