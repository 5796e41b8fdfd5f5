"""Two quick rows on the Redis that a distribution brings, instead of the embedded Valkey."""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.faults.matrix import ROWS
from tests.faults.report import is_as_it_must_be, render_line
from tests.faults.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.faults]

_TRIALS_OF_ROWS: Final = {"8": 1, "14": 2}
_SEED: Final = 1


def require_redis_server() -> Path:
    """Return redis-server's path; skip the test when there is none, or fail in CI (environment variable `CI`)."""
    program = shutil.which("redis-server")
    if program is not None:
        return Path(program)
    reason = "no redis-server on this machine: apt-get install redis-server (its service need not run)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def test_a_distribution_s_redis_keeps_the_promises_too(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row.number in _TRIALS_OF_ROWS]
    with Site(tmp_path, rows[0].setup, seed=_SEED, server=require_redis_server()) as site:
        assert "valkey_version" not in site.redis.info("server")
        for row in rows:
            row.make(site, _TRIALS_OF_ROWS[row.number])
            figures = site.close_row()
            assert is_as_it_must_be(row, figures), render_line(row, figures)
