"""What a reader of a log needs stays: over lines with canaries, and over clean ones that come near to every kind."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from random import Random

import pytest

from tests.redaction.corpus import (
    CLEAN_RULES,
    HOSTILE,
    RULES,
    Planted,
    clean_lines,
    over_masking,
    planted_lines,
    together,
)
from worker.redaction import WITHHELD, Detector, Finding, Kind, Masker, PatternDetector, Placeholders, RedactionRules

SEED = 20_261_126
CANARIES = 3_000
CLEAN_LINES = 3_000
MOST_GONE = 0.01
LINES_TOGETHER = 40


class Greedy:
    """Finds a secret in every word: the easy way to full recall."""

    def find(self, text: str) -> Sequence[Finding]:
        return [Finding(0, len(text), Kind.SECRET)] if text else []

    def kind_named(self, name: str) -> Kind | None:
        return Kind.SECRET


@cache
def canary_lines() -> tuple[Planted, ...]:
    return tuple(planted_lines(SEED, CANARIES))


@cache
def lines_without() -> tuple[Planted, ...]:
    return tuple(clean_lines(SEED, CLEAN_LINES))


def check(lines: Iterable[Planted], detector: Detector) -> None:
    figures = over_masking(lines, lambda: Masker(detector, Placeholders()))
    assert figures.share <= MOST_GONE, list(figures.examples.values())[:20]


def test_lines_with_canaries_keep_what_stands_beside_them() -> None:
    check(canary_lines(), PatternDetector(RULES))


def test_lines_that_are_masked_together_keep_it_too() -> None:
    check(together(canary_lines(), LINES_TOGETHER), PatternDetector(RULES))


def test_clean_lines_keep_what_only_looks_like_a_secret() -> None:
    check(lines_without(), PatternDetector(CLEAN_RULES))


@pytest.mark.parametrize("lines", [canary_lines, lines_without])
def test_with_a_detector_that_masks_everything_the_loss_is_seen(lines: Callable[[], tuple[Planted, ...]]) -> None:
    with pytest.raises(AssertionError):
        check(lines(), Greedy())


def test_server_ids_and_services_that_are_kept_stay_in_every_line() -> None:
    mask = Masker(PatternDetector(RULES), Placeholders())
    for line in (*canary_lines()[:500], *lines_without()[:1000]):
        masked = mask.masked(line.text)
        missing = [name for name in RULES.kept if name in line.tokens and name not in masked]
        assert not missing, (line.text, masked)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_masked_and_not_withheld(name: str) -> None:
    text = HOSTILE[name] * (20_000 // len(HOSTILE[name]))
    assert WITHHELD not in Masker(PatternDetector(RedactionRules()), Placeholders()).masked(text)


def test_an_id_of_ours_is_never_taken_for_anything() -> None:
    chance, detector = Random(3), PatternDetector(RULES)
    ids = [f"inc-{chance.randbytes(10).hex()}" for _ in range(20_000)]
    assert [each for each in ids if detector.find(each)] == []
