"""A small exporter on loopback whose values move as a test says, and data of hours ago for a Prometheus that starts."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.integration.monitoring import require_program

__all__ = ["backfill", "running_exporter"]

SAMPLE_SECONDS: Final = 60

Values = Callable[[float], Mapping[str, float]]
"""Gives each series' value at a time: seconds since the beginning."""


@contextmanager
def running_exporter(values: Values) -> Iterator[str]:
    """Serve /metrics on loopback, and yield its address (``host:port``)."""
    began_seconds = time.monotonic()

    def answer(_: Request) -> Response:
        lines = [f"{series} {value}\n" for series, value in values(time.monotonic() - began_seconds).items()]
        return Response("".join(lines), content_type="text/plain; version=0.0.4")

    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        server.expect_request("/metrics").respond_with_handler(answer)
        yield f"127.0.0.1:{server.port}"


def backfill(folder: Path, families: Mapping[str, tuple[str, Values]], *, hours: int) -> None:
    """Write the last hours of each metric family (its type and values) into the data of a Prometheus not yet started.

    The time that `Values` are given runs from 0 to `hours`, in seconds.
    """
    require_program("prometheus")  # promtool comes with it
    folder.mkdir(parents=True, exist_ok=True)
    now_seconds, length_seconds = int(time.time()), hours * 3600
    lines = []
    for family, (kind, values) in families.items():
        lines.append(f"# TYPE {family} {kind}")
        moments = [(second, values(second)) for second in range(0, length_seconds + 1, SAMPLE_SECONDS)]
        for series in moments[0][1]:
            lines += [f"{series} {at[series]} {now_seconds - length_seconds + second}" for second, at in moments]
    source = folder / "backfill.txt"
    source.write_text("\n".join([*lines, "# EOF\n"]))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(source), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
