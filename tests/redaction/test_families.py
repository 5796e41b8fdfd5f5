"""A family of patterns is tried on a few lines only: that must never cost a finding."""

import pytest

from tests.redaction.corpus import HOSTILE, planted_lines
from worker.redaction.families import Family, family, pattern
from worker.redaction.kinds import Kind
from worker.redaction.named_patterns import NAMED_FAMILIES
from worker.redaction.personal_patterns import PERSONAL_FAMILIES
from worker.redaction.token_patterns import TOKEN_FAMILIES

FAMILIES = (*TOKEN_FAMILIES, *NAMED_FAMILIES, *PERSONAL_FAMILIES)
TEXTS = [
    "\n".join(line.text for line in planted_lines(seed, 400)).encode("utf-8", "surrogatepass") for seed in range(6)
] + [("\n".join([piece * 40] * 8)).encode("utf-8", "surrogatepass") for piece in HOSTILE.values()]


def lost(families: tuple[Family, ...], texts: list[bytes]) -> list[bytes]:
    """Return what a pattern matches in a whole text, and in none of the windows of its family."""
    return [
        match.group()
        for each in families
        for text in texts
        for windows in [each.windows(text)]
        for pattern in each.patterns
        for match in pattern.compiled.finditer(text)
        if not any(start <= match.start() and match.end() <= end for start, end in windows)
    ]


def test_whatever_a_pattern_matches_stands_in_a_window_of_its_family() -> None:
    assert lost(FAMILIES, TEXTS) == []


def test_a_window_that_ends_too_early_would_be_seen() -> None:
    short = family(pattern(Kind.USER, "(a)"), pattern(Kind.PASSWORD, "(a\nb\nc)"))
    assert lost((short,), [b"a\nb\nc" + b"\n" * 3000]) == []
    assert lost((short,), [b"a" + b"." * 3000 + b"a\nb\nc\n"]) == [b"a\nb\nc"]
    longer = family(pattern(Kind.USER, "(a)"), pattern(Kind.PASSWORD, "(a\nb\nc)"), further_lines=2)
    assert lost((longer,), [b"a" + b"." * 3000 + b"a\nb\nc\n"]) == []


@pytest.mark.parametrize("text", [b"", b"\n", b"no address", b"\xff\xfe"])
def test_a_text_without_a_match_has_no_windows(text: bytes) -> None:
    assert family(pattern(Kind.IP_ADDRESS, r"(\d+\.\d+)")).windows(text) == []


def test_windows_stand_in_order_and_do_not_overlap() -> None:
    for each in FAMILIES:
        ends = [place for window in each.windows(TEXTS[0]) for place in window]
        assert ends == sorted(ends)
