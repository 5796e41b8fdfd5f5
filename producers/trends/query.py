"""The one question to Prometheus for a trend, and what it answers for each series: all measures of one moment.

One expression joins every measure, marked by a label, so that they are of the same moment, and one request asks a trend
of the whole fleet. Prometheus does the arithmetic. `trends` judges what is read here; `firstline watch` asks.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from producers.polling.json_api import ApiError, JsonApi
from producers.sources.reading import list_in, mapping_in, value_in
from producers.trends.file import HeldTrend, LinearTrend, Worse

__all__ = ["Series", "ask", "expression_of"]

QUERY_PATH: Final = "/api/v1/query"
QUERY_TIMEOUT: Final = "25s"
"""Prometheus itself gives a query up after this, before we do."""

MEASURE: Final = "firstline_measure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of a trend's query: its labels, its measures by name, and Prometheus' time, in seconds since 1970."""

    labels: Mapping[str, str]
    measures: Mapping[str, float]
    at_seconds: float


def ask(api: JsonApi, trend: LinearTrend | HeldTrend) -> list[Series]:
    """Return every series that the trend's query gives now, in Prometheus' order. Raises `ApiError`."""
    document = api.ask(QUERY_PATH, {"query": expression_of(trend), "timeout": QUERY_TIMEOUT})
    if value_in(document, "data", "resultType") != "vector":
        raise ApiError(f"{api.place}{QUERY_PATH} answers no instant vector: correct the URL, or the trend's `query`")
    found: dict[tuple[tuple[str, str], ...], tuple[dict[str, float], float]] = {}
    for labels, measure, at_seconds, value in _samples(document):
        measures, _ = found.setdefault(tuple(sorted(labels.items())), ({}, at_seconds))
        measures[measure] = value
    return [
        Series(labels=dict(labels), measures=measures, at_seconds=at_seconds)
        for labels, (measures, at_seconds) in found.items()
    ]


def expression_of(trend: LinearTrend | HeldTrend) -> str:
    """Return the PromQL that gives all measures of a trend, each marked with its name."""
    measures = _line_measures(trend) if isinstance(trend, LinearTrend) else _held_measures(trend)
    marked = [f'label_replace({each}, "{MEASURE}", "{name}", "", "")' for name, each in measures.items()]
    return "\nor ".join(marked)


def _line_measures(trend: LinearTrend) -> dict[str, str]:
    query, step = _bracketed(trend.query), f"{trend.step}s"
    whole, half = f"[{trend.window_seconds}s:{step}]", f"[{trend.window_seconds * 500}ms:{step}]"
    slope = f"deriv({query}{whole})"
    spread = f"stdvar_over_time({query}{whole})"
    return {
        "present": query,
        "predicted": f"predict_linear({query}{whole}, {trend.within_seconds})",
        "predicted_lately": f"predict_linear({query}{half}, {trend.within_seconds})",
        "slope": slope,
        "slope_before": f"deriv({query}{half} offset {trend.window_seconds * 500}ms)",
        "fit": f"{slope} ^ 2 * stdvar_over_time(timestamp({query}){whole}) / {spread}",
        "samples": f"count_over_time({query}{whole})",
    }


def _held_measures(trend: HeldTrend) -> dict[str, str]:
    query, held = _bracketed(trend.query), f"[{trend.for_seconds}s:{trend.step}s]"
    mildest = "min_over_time" if trend.worse is Worse.ABOVE else "max_over_time"
    return {
        "present": query,
        "mildest": f"{mildest}({query}{held})",
        "samples": f"count_over_time({query}{held})",
    }


def _bracketed(query: str) -> str:
    """Return a query as one operand; its last line may be a comment."""
    return f"(\n{query}\n)"


def _samples(document: object) -> Iterator[tuple[dict[str, str], str, float, float]]:
    for result in list_in(document, "data", "result"):
        labels = {str(name): str(value) for name, value in mapping_in(result, "metric").items()}
        measure = labels.pop(MEASURE, "")
        labels.pop("__name__", None)
        at_seconds, value = _point(value_in(result, "value"))
        if measure and math.isfinite(at_seconds) and math.isfinite(value):
            yield labels, measure, at_seconds, value


def _point(pair: object) -> tuple[float, float]:
    """Return time and value of ``[1700000000.1, "0.5"]``; NaN for what is none."""
    match pair:
        case [int() | float() as at_seconds, str() as value]:
            return float(at_seconds), _number(value)
        case _:
            return math.nan, math.nan


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
