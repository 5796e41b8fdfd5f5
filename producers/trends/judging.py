"""Judges a trend: is it real, and when does it cross the limit; and makes the incident that tells it in time.

A trend is a warning of what has not happened: it never leads to a restart, and never hides a failure, for it belongs to
a group of its own. Pure: all measures come from Prometheus, the time too, so that several watchers of one Prometheus
and one that restarts say the same. `firstline watch` calls it.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from string import Template
from typing import Final

from producers.sources.alert import Arrival, Outcome, Reported
from producers.sources.reading import outcome_of
from producers.trends.file import LABEL_PREFIX, HeldTrend, LinearTrend, Worse
from producers.trends.query import Series
from worker.contract import Incident, IncidentKind

__all__ = ["SOURCE", "Finding", "judge", "told_of"]

SOURCE: Final = "trend"

FIT_MINIMUM: Final = 0.6
"""R² of the line over the whole window: above it the rise within the window is four times the noise or more."""

EVENNESS_MINIMUM: Final = 0.25
"""The first half must itself go so steeply, as a share of the whole: a step or a reset lies in one half only."""

COVERAGE_MINIMUM: Final = 0.8
"""The share of steps that must have a value: a server that is new, or was away, is not judged."""

_MINUTE_SECONDS: Final = 60
_HOUR_SECONDS: Final = 3600
_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A trend that holds: the value now, and in how many seconds the limit is crossed; 0 when it is past it."""

    value: float
    seconds_left: float


def judge(trend: LinearTrend | HeldTrend, series: Series) -> Finding | None:
    """Return what is to be told of one series, or None.

    `linear` is told when the value is on the good side, and the lines through the window and through its second half
    both cross the limit in time, the first half goes the same way, the line fits, and hardly a sample is missing. Each
    of these keeps out what the others let through: `tests/producers/test_trends.py` has the figures. What is past the
    limit already is a failure, for an alert. `above` and `below` are told when no sample of the whole time was better.
    """
    return _judge_line(trend, series) if isinstance(trend, LinearTrend) else _judge_held(trend, series)


def told_of(trend: LinearTrend | HeldTrend, series: Series, finding: Finding, arrival: Arrival) -> Outcome:
    """Return the incident of a finding, or the rejection of one that can't be told.

    The same for every watcher, until `again_after_seconds` are over: the occurrence is a window of that length, whose
    beginning is spread over the series so that not all of them are told again at once.
    """
    fields = arrival.fields
    if trend.server_label:
        fields = replace(fields, server=(trend.server_label, *fields.server))
    condition = "\n".join((trend.name, *sorted(f"{name}={value}" for name, value in series.labels.items())))
    server_id = fields.server_in(dict(series.labels))
    reported = Reported(
        text=_text(trend, series, finding, server_id),
        labels={**series.labels, "trend": trend.name},
        severity=trend.severity.value,
        started_at=series.at_seconds,
        condition=condition,
        occurrence=str(_window(condition, series.at_seconds, trend.again_after_seconds)),
    )
    outcome = outcome_of(reported, replace(arrival, source=SOURCE, fields=fields))
    if not isinstance(outcome, Incident):
        return outcome
    group = f"trend\n{trend.name}\nserver={outcome.server_id}" if outcome.server_id else ""
    return outcome.model_copy(update={"kind": IncidentKind.TREND, "group": group})


def _judge_line(trend: LinearTrend, series: Series) -> Finding | None:
    wanted = ("present", "predicted", "predicted_lately", "slope", "slope_before", "fit", "samples")
    if any(name not in series.measures for name in wanted):
        return None
    present, predicted, lately, slope, before, fit, samples = (series.measures[name] for name in wanted)
    is_told = (
        not _is_past(trend, present)
        and _is_past(trend, predicted)
        and _is_past(trend, lately)
        and before * slope > 0
        and abs(before) >= EVENNESS_MINIMUM * abs(slope)
        and fit >= FIT_MINIMUM
        and samples >= COVERAGE_MINIMUM * (trend.window_seconds // trend.step)
    )
    if not is_told:
        return None
    fitted = predicted - slope * trend.within_seconds
    return Finding(value=present, seconds_left=max(0.0, (trend.limit - fitted) / slope))


def _judge_held(trend: HeldTrend, series: Series) -> Finding | None:
    wanted = ("present", "mildest", "samples")
    if any(name not in series.measures for name in wanted):
        return None
    present, mildest, samples = (series.measures[name] for name in wanted)
    is_covered = samples >= COVERAGE_MINIMUM * (trend.for_seconds // trend.step)
    if not (is_covered and _is_past(trend, present) and _is_past(trend, mildest)):
        return None
    return Finding(value=present, seconds_left=0.0)


def _is_past(trend: LinearTrend | HeldTrend, value: float) -> bool:
    return value > trend.limit if trend.worse is Worse.ABOVE else value < trend.limit


def _window(condition: str, at_seconds: float, length_seconds: int) -> int:
    shift_seconds = int.from_bytes(hashlib.sha256(condition.encode("utf-8", "backslashreplace")).digest()[:8])
    return math.floor((at_seconds + shift_seconds % length_seconds) / length_seconds)


def _text(trend: LinearTrend | HeldTrend, series: Series, finding: Finding, server_id: str | None) -> str:
    template = Template(trend.text)
    labels = {
        name: series.labels.get(name.removeprefix(LABEL_PREFIX), "?")
        for name in template.get_identifiers()
        if name.startswith(LABEL_PREFIX)
    }
    at = datetime.fromtimestamp(series.at_seconds, UTC)
    said = template.substitute(
        labels,
        server=server_id or "(unknown server)",
        trend=trend.name,
        value=_figure(finding.value),
        limit=_figure(trend.limit),
        time_left=_duration(finding.seconds_left),
    )
    return f"{said}\nA trend, not a failure yet: {trend.name}, as of {at:%Y-%m-%d %H:%M} UTC."


def _figure(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"  # noqa: PLR2004 - four digits either way


def _duration(seconds: float) -> str:
    """Return a time as a person says it: whole minutes, from an hour on hours and minutes, from two days on days."""
    if seconds < _MINUTE_SECONDS:
        return "less than a minute"
    if seconds < _HOUR_SECONDS:
        return f"{seconds / _MINUTE_SECONDS:.0f} min"
    if seconds < 2 * _DAY_SECONDS:
        hours, rest = divmod(round(seconds / _MINUTE_SECONDS), 60)
        return f"{hours} h {rest} min"
    return f"{seconds / _DAY_SECONDS:.1f} days"
