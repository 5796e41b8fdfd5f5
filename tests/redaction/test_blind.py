"""Over the lines of two testers who had not seen the patterns: canaries are gone, and clean lines stay as they are."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import pytest

from tests.redaction.blind import BlindLine, blind_lines, clean_blind_lines, found
from tests.redaction.canaries import Blind, CanaryDetector
from tests.redaction.corpus import CLEAN_RULES, over_masking
from worker.redaction import Detector, Kind, Masker, PatternDetector, Placeholders

SEEDS = range(8)
LEAST_RECALL = 0.99
MOST_GONE = 0.01

# Templates whose canaries are not found, and why nobody could tell them from what must stay.
KNOWN_MISSES: Final[Mapping[str, str]] = {
    "mc alias set s3 https://s3.local {lowercase:26} {letters:32}": "two arguments without a name, of one tool",
    "login with x / {password:simple} failed": "a word behind a slash: as well a path, or one of two choices",
    "password=<{password:simple}>": "in angle brackets stands what was left out, as in password=<redacted>",
    'encrypt = "{token:base64}"': "a setting whose value is a key in the file of one tool alone",
    "[database]⏎user = app⏎password = {password:words}⏎port = 1": "blanks end a value: its first word alone is taken",
    "Password for the elastic user (reset with `bin/elasticsearch-reset-password`):⏎  {letters:20}": (
        "the value stands alone, a line below a sentence in brackets"
    ),
}


@cache
def lines() -> tuple[BlindLine, ...]:
    return tuple(line for seed in SEEDS for line in blind_lines(seed))


def check_recall(detector: Detector) -> None:
    figures = found(lines(), detector)
    assert figures.mostly_missed <= KNOWN_MISSES.keys(), [
        figures.examples[template] for template in figures.mostly_missed - KNOWN_MISSES.keys()
    ]
    assert figures.share >= LEAST_RECALL, figures.missed.most_common(20)


def check_over_masking(detector: Detector) -> None:
    clean = (line for seed in SEEDS for line in clean_blind_lines(seed))
    figures = over_masking(clean, lambda: Masker(detector, Placeholders()))
    assert figures.share <= MOST_GONE, list(figures.examples.values())[:20]


def test_nearly_every_canary_is_gone_and_no_template_is_missed_for_the_most_part() -> None:
    check_recall(PatternDetector(CLEAN_RULES))


def test_clean_lines_stay_as_they_are() -> None:
    check_over_masking(PatternDetector(CLEAN_RULES))


def test_with_a_detector_that_finds_nothing_every_canary_is_seen_to_stay() -> None:
    with pytest.raises(AssertionError):
        check_recall(Blind())
    assert found(blind_lines(0), Blind()).share == 0


def test_with_a_detector_that_masks_a_letter_the_loss_is_seen() -> None:
    with pytest.raises(AssertionError):
        check_over_masking(CanaryDetector({"o": Kind.SECRET}))


@pytest.mark.parametrize("template", KNOWN_MISSES)
def test_what_is_listed_as_missed_is_in_the_corpus_and_still_missed(template: str) -> None:
    listed = [line for line in lines() if line.template == template]
    assert listed
    assert template in found(listed, PatternDetector(CLEAN_RULES)).mostly_missed, "found by now: take it off the list"
