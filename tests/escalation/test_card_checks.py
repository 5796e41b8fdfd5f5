"""What was checked, in an engineer's words: a log's lines are counted by what they are, not by the desk's own terms."""

import pytest

from tests.escalation.builders import LOGS
from worker.escalation.card_checks import check_of


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ("1 with local faults", "1 with errors of its own"),
        ("4 with local faults and other errors", "4 with errors of its own and other errors"),
        ("9 with other errors", "9 with errors"),
        ("9 with dependency failures and other errors", "9 with dependency failures and other errors"),
    ],
)
def test_a_log_s_lines_are_counted_in_words_that_are_no_terms_of_the_desk(found: str, told: str) -> None:
    seen = LOGS.model_copy(update={"statement": f"400 log lines, {found}"})
    assert check_of(seen, 30).text.startswith(f"03:00:05 log: 400 lines, {told} “")
