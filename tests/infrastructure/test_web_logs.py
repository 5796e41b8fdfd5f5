"""The newest lines that fit into an answer: as many as can be, whatever their lengths."""

from collections.abc import Callable

import pytest

from worker.errors import SourceUnavailable
from worker.infrastructure.web_api import ANSWER_LIMIT_BYTES, Answer
from worker.infrastructure.web_logs import newest_that_fit


def shown(log: list[int], *, lines: int) -> tuple[list[int], int]:
    """Read a log with lines of these lengths, oldest first; return the newest that came, and how often was asked."""
    asked: list[int] = []

    def ask(wanted: int) -> Answer:
        asked.append(wanted)
        body = b"".join(b"x" * (length - 1) + b"\n" for length in log[-wanted:])
        return Answer(200, body[:ANSWER_LIMIT_BYTES], is_cut=len(body) > ANSWER_LIMIT_BYTES)

    body, in_the_end = newest_that_fit(ask, lines=lines, lines_in=lambda plain: plain.count(b"\n"), whose="The log")
    assert in_the_end == asked[-1]
    return [len(line) + 1 for line in body.splitlines()], len(asked)


@pytest.mark.parametrize(
    ("log", "at_least", "at_most_asked"),
    [
        ([200] * 10_001, 10_001, 1),
        ([250] * 10_001, 6_000, 2),
        ([2_000] * 10_001, 750, 2),
        ([100] * 9_000 + [2_000] * 1_001, 600, 3),
        ([3 * ANSWER_LIMIT_BYTES] + [100] * 10_000, 150, 2),
        ([10] * 9_901 + [100_000] * 100, 5, 4),
    ],
)
def test_as_many_as_fit_are_read(log: list[int], at_least: int, at_most_asked: int) -> None:
    lengths, asked = shown(log, lines=10_001)
    assert at_least <= len(lengths)
    assert asked <= at_most_asked
    assert lengths == log[-len(lengths) :]


def test_lines_that_never_fit_are_a_sentence() -> None:
    with pytest.raises(SourceUnavailable, match=r"^The log has lines that are too long to read\.$"):
        shown([ANSWER_LIMIT_BYTES + 1] * 10, lines=10)


def never(_: bytes) -> int:
    return 0


def as_many_as_bytes(plain: bytes) -> int:
    return len(plain)


@pytest.mark.parametrize("lines_in", [never, as_many_as_bytes])
def test_a_count_that_is_wrong_ends_all_the_same(lines_in: Callable[[bytes], int]) -> None:
    cut = Answer(200, b"x" * 100, is_cut=True)
    with pytest.raises(SourceUnavailable):
        newest_that_fit(lambda _: cut, lines=10_001, lines_in=lines_in, whose="The log")
