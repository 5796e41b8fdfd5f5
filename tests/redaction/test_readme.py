"""The room's page: whoever looks up where something is masked finds the file in which it is."""

import re
from pathlib import Path
from typing import Final

import pytest

import worker.redaction

_PAGE: Final = Path(worker.redaction.__file__).with_name("README.md")
_ROWS: Final = [line for line in _PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "](" in line]


@pytest.mark.parametrize("row", _ROWS)
def test_each_file_that_the_table_names_masks(row: str) -> None:
    for name, target in re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", row):
        file = (_PAGE.parent / target).resolve()
        assert file.as_posix().endswith(name)
        assert "from worker.redaction" in file.read_text("utf-8")


def test_a_command_stands_beside_its_own_file() -> None:
    (commands,) = (row for row in _ROWS if "`firstline status`" in row)
    assert all(name in commands for name in ("worker/cli/status.py", "worker/cli/dead_letters.py"))
    (pages,) = (row for row in _ROWS if "direct pages" in row)
    assert "producers/spool/pagerduty_events.py" in pages
