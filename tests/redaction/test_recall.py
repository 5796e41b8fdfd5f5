"""Over a corpus whose shapes the patterns' author did not write: canaries are gone, and secrets do not come back."""

from collections import defaultdict
from functools import cache

import pytest

from tests.redaction.canaries import Blind
from tests.redaction.corpus import RULES, Planted, leaked, planted_lines, recall
from worker.redaction import Detector, Masker, PatternDetector, Placeholders

SEED = 20_261_126
CANARIES = 3_000
LEAST_RECALL = 0.995


@cache
def lines() -> tuple[Planted, ...]:
    return tuple(planted_lines(SEED, CANARIES))


def check_recall(detector: Detector) -> None:
    figures = recall(lines(), lambda: Masker(detector, Placeholders()))
    families: dict[str, int] = defaultdict(int)
    for leak in figures.leaks:
        families[f"{leak.canary.family}/{leak.canary.shape}"] += 1
    assert figures.share() >= LEAST_RECALL, dict(families)


def test_nearly_every_canary_is_gone() -> None:
    check_recall(PatternDetector(RULES))


def test_with_a_detector_that_finds_nothing_they_are_seen_to_stay() -> None:
    with pytest.raises(AssertionError):
        check_recall(Blind())
    assert recall(lines()[:200], lambda: Masker(Blind(), Placeholders())).share() == 0


def test_the_corpus_holds_every_kind_in_sixteen_formats() -> None:
    assert len({line.format for line in lines()}) == 16
    assert len({canary.kind for line in lines() for canary in line.canaries}) >= 15
    assert sum(len(line.canaries) for line in lines()) >= CANARIES


def test_the_same_seed_gives_the_same_lines() -> None:
    assert tuple(planted_lines(SEED, 50)) == lines()[: len(tuple(planted_lines(SEED, 50)))]


def test_a_value_has_one_placeholder_however_often_its_line_is_masked() -> None:
    mask = Masker(PatternDetector(RULES), Placeholders())
    first = [mask.masked(line.text) for line in lines()[:300]]
    assert [mask.masked(line.text) for line in lines()[:300]] == first


def test_secrets_never_come_back_from_their_placeholders() -> None:
    mask = Masker(PatternDetector(RULES), Placeholders())
    some = lines()[:700]
    for line in some:
        mask.masked(line.text)
    kept = ("\n".join(mask.placeholders.values.values()),)
    secrets = [canary for line in some for canary in line.canaries if not canary.kind.is_reversible]
    assert sum(leaked(secret, kept) for secret in secrets) <= len(secrets) * (1 - LEAST_RECALL)


def test_a_part_of_six_characters_and_sixty_percent_is_a_leak() -> None:
    canary = next(canary for line in lines() for canary in line.canaries if canary.family == "gcp api key")
    key = canary.forms[0]
    assert leaked(canary, (f"x {key[:24]} y",))
    assert not leaked(canary, (f"x {key[:12]} y",))
