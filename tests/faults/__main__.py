"""Run the fault matrix and print its table: `python -m tests.faults --trials long --minutes 8 --report FILE`.

It exits with 1 when a row loses, doubles or overlaps anything, or when a control does not.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from tests.faults.matrix import ROWS, Row, grouped
from tests.faults.report import Line, is_as_it_must_be, render, render_line
from tests.faults.setup import Setup
from tests.faults.site import Site

_SETTLING_SECONDS: Final = 15.0
_LARGEST_SHARE_OF_SETTLING: Final = 0.3
"""Of a row's time, for what is still open when its last trial is begun; what is left of it is the later rows'."""

_CONTROLS_SECONDS: Final = 100.0
"""Kept for the controls, which always have all trials of their short size."""

_EXIT_TERMINATED: Final = 143
_SERVER: Final = {"server": ""}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that were asked for, one after the other, within the time; return the exit code."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_EXIT_TERMINATED))  # so that every program is ended first
    started = time.monotonic()
    rows = [row for row in ROWS if not options.rows or row.number.rstrip("abcde") in options.rows]
    lines = []
    for row, figures in _run(rows, options, give_up=started + 60 * options.minutes):
        lines.append((row, figures))
        sys.stderr.write(f"{render_line(row, figures)}\n")
    report = render(
        sorted(lines, key=lambda line: ROWS.index(line[0])),
        command=" ".join(["python -m tests.faults", *(sys.argv[1:] if arguments is None else arguments)]),
        seed=options.seed,
        server=_SERVER["server"],
        minutes=(time.monotonic() - started) / 60,
    )
    sys.stdout.write(report)
    if options.report:
        options.report.write_text(report, encoding="utf-8")
    return 0 if all(is_as_it_must_be(*line) for line in lines) and lines else 1


def _run(rows: Sequence[Row], options: argparse.Namespace, *, give_up: float) -> Iterator[Line]:
    """Yield each row's figures; rows that share a setup share a site."""
    left = sum(row.weight for row in rows)
    give_up -= _CONTROLS_SECONDS * any(row.must_show for row in rows)
    for setup, sharing in groupby(grouped(rows), key=lambda row: row.setup):
        with ExitStack() as stack:
            site = _opened(stack, setup, options)
            for row in sharing:
                started = time.monotonic()
                if row.must_show is not None:
                    site.deadline = give_up + _CONTROLS_SECONDS
                    _make(row, site, row.short)
                else:
                    share_seconds = max(give_up - started, 0) * row.weight / left
                    sys.stderr.write(f"row {row.number}: {row.fault}, up to {share_seconds:.0f} s\n")
                    settling_seconds = min(share_seconds * _LARGEST_SHARE_OF_SETTLING, _SETTLING_SECONDS)
                    site.deadline = started + share_seconds - settling_seconds
                    _make(row, site, _trials(row, options.trials))
                left -= row.weight
                figures = site.close_row()
                sys.stderr.write(f"    {figures.trials} trials in {time.monotonic() - started:.1f} s\n")
                yield row, figures


def _make(row: Row, site: Site, trials: int) -> None:
    """Make a row's faults; one that breaks off has failed, and the others have their turn all the same."""
    try:
        row.make(site, trials)
    except AssertionError as error:
        site.complain(f"row {row.number} broke off: {error}")


def _opened(stack: ExitStack, setup: Setup, options: argparse.Namespace) -> Site:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="firstline-faults-"))
    site = stack.enter_context(Site(Path(folder), setup, seed=options.seed, server=options.server))
    site.allowed_minutes = options.minutes if options.trials == "long" else 0.0
    info: Any = site.redis.info("server")
    _SERVER["server"] = f"{info.get('server_name', 'redis')} {info.get('valkey_version', info['redis_version'])}"
    return site


def _trials(row: Row, size: str) -> int:
    return {"short": row.short, "long": row.long}.get(size) or int(size)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--trials", default="short", metavar="short|long|N", help="how often each fault is made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=8.0, help="no new trial is begun when this is over")
    parser.add_argument("--rows", type=lambda text: text.split(","), default=[], metavar="1,2,8", help="default: all")
    parser.add_argument("--server", type=Path, metavar="FILE", help="a redis-server or valkey-server; default: ours")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report here too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
