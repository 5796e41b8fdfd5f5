"""The report of a run: one line a row, and what the figures are worth."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import quantiles
from typing import Final

from tests.faults.ledger import Figures
from tests.faults.matrix import NOT_COVERED, Row

__all__ = ["Line", "is_as_it_must_be", "render", "render_line"]

Line = tuple[Row, Figures]

_HEAD: Final = (
    "| row | fault | trials | promised | lost | double restarts | overlaps | late restarts | duplicate results "
    "| over budget | restarts | recovery p50 / p95 s | notes |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
)
_TIMES: Final = (
    "Two workers of four threads, leases of 3 s, a sweep each 0.5 s with 1 s patience "
    "(the product: 30 s, 10 s, 30 s), so recovery here is shorter than there."
)
_RECOVERY: Final = "Recovery is counted from the first fault that met an open incident to its result."
_ONE_FIGURE_HAS_NO_QUANTILES: Final = 2


def is_as_it_must_be(row: Row, figures: Figures) -> bool:
    """Whether a row is safe, or a control has shown what it must; a row without trials has shown nothing."""
    if row.must_show is not None:
        return int(getattr(figures, row.must_show)) > 0
    return figures.trials > 0 and figures.is_safe


def render_line(row: Row, figures: Figures) -> str:
    """Return one row of the table."""
    notes = [f"{name} {number:g}" for name, number in figures.notes.items()]
    notes += list(figures.complaints) if row.must_show is None else [f"must show {row.must_show}"]
    if not is_as_it_must_be(row, figures):
        notes.insert(0, "**FAILED**")
    cells: list[object] = [
        row.number, row.fault, figures.trials, figures.promised, figures.lost, figures.doubles, figures.overlaps,
        figures.late, figures.duplicates, figures.over_budget, figures.restarts, _recovery(figures.recovery_seconds),
        "; ".join(notes),
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def render(lines: Sequence[Line], *, command: str, seed: int, server: str, minutes: float) -> str:
    """Return the whole report as Markdown."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("celery", "kombu", "redis", "firstline"))
    run = f"`{command}`, seed {seed}, {minutes:.1f} minutes, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
    cores = f"{os.cpu_count()} cores, shared with others"
    place = f"The server is {server}. Python {platform.python_version()}, {packages}; {cores}."
    table = "\n".join([_HEAD, *(render_line(*line) for line in lines)])
    gaps = "\n".join(f"- row {number}: {why}" for number, why in NOT_COVERED.items())
    worth = f"{_worth(lines)} {_RECOVERY}"
    parts = ("# Fault report", run, f"{place} {_TIMES}", table, worth, "Not covered, or in part:", gaps)
    return "\n\n".join(parts) + "\n"


def _worth(lines: Sequence[Line]) -> str:
    """Say how little zero failures prove: with none in n tries, the 95 % upper bound is about 3/n."""
    protected = [figures for row, figures in lines if row.must_show is None]
    trials = sum(figures.trials for figures in protected)
    promised = sum(figures.promised for figures in protected)
    restarts = sum(figures.restarts for figures in protected)
    lost = sum(figures.lost for figures in protected)
    doubles = sum(figures.doubles for figures in protected)
    return (
        f"Over all rows but the controls: {trials} trials; "
        f"{promised} incidents promised, {lost} lost{_bound(lost, promised)}; "
        f"{restarts} restarts, {doubles} double{_bound(doubles, restarts)}."
    )


def _bound(failures: int, tries: int) -> str:
    return "" if failures or not tries else f" (95 % upper bound 3/{tries} = {300 / tries:.2g} %)"


def _recovery(seconds: Sequence[float]) -> str:
    if not seconds:
        return "-"
    if len(seconds) < _ONE_FIGURE_HAS_NO_QUANTILES:
        return f"{seconds[0]:.1f} / {seconds[0]:.1f}"
    cuts = quantiles(seconds, n=20, method="inclusive")
    return f"{cuts[9]:.1f} / {cuts[18]:.1f}"
