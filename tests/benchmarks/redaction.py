"""How much redaction finds, how much it takes away without need, and how fast it is: `make bench`.

Recall and over-masking are counted over a corpus with canaries (`tests/redaction/corpus`); the families that were held
out from the patterns' author stand apart. So do the lines of two testers (`tests/redaction/blind`), where six
characters in a row are a canary missed. Speed is of one core and of whole texts, the best of several turns: what else
runs can only make it slower. The times of hostile texts are beside that of ordinary lines of the same size.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tests.redaction.blind import blind_lines, found
from tests.redaction.corpus import (
    CLEAN_RULES,
    HOSTILE,
    RULES,
    OverMasking,
    Planted,
    Recall,
    clean_lines,
    ordinary_lines,
    over_masking,
    planted_lines,
    recall,
    system_lines,
)
from worker.redaction import Masker, PatternDetector, Placeholders, RedactionRules

_SEED: Final = 7
_CANARIES: Final = 20_000
_BLIND_SEEDS: Final = range(8)
_CLEAN_LINES: Final = 10_000
_TURNS: Final = 5
_TEXT_BYTES: Final = 1_000_000
_HOSTILE_BYTES: Final = 200_000


def _text(lines: Iterable[Planted], size_bytes: int) -> str:
    made, length = [], 0
    for line in lines:
        made.append(line.text)
        length += len(line.text.encode()) + 1
        if length >= size_bytes:
            break
    return "\n".join(made)


def _seconds(detector: PatternDetector, text: str, turns: int = _TURNS) -> float:
    """Return the seconds that one masking of the text takes: the best of several turns."""
    best = float("inf")
    for _ in range(turns):
        started = time.perf_counter()
        Masker(detector, Placeholders()).masked(text)
        best = min(best, time.perf_counter() - started)
    return best


def _speeds() -> dict[str, float]:
    """Return megabytes a second by kind of text."""
    texts = {
        "lines in the shapes of 16 systems": (_text(system_lines(_SEED, 10**6), _TEXT_BYTES), CLEAN_RULES),
        "ordinary lines": (_text(ordinary_lines(_SEED, 10**6), _TEXT_BYTES), CLEAN_RULES),
        "clean lines that come near": (_text(clean_lines(_SEED, 10**6), _TEXT_BYTES), CLEAN_RULES),
        "lines with canaries": (_text(planted_lines(_SEED, 10**6), _TEXT_BYTES), RULES),
    }
    return {
        name: len(text.encode()) / 1e6 / _seconds(PatternDetector(rules), text) for name, (text, rules) in texts.items()
    }


def _growth() -> dict[str, float]:
    """Return the time of twice and four times the text, as multiples of the time of one."""
    detector, text = PatternDetector(CLEAN_RULES), _text(ordinary_lines(_SEED, 10**6), _TEXT_BYTES // 2)
    one = _seconds(detector, text)
    return {f"{times}x": _seconds(detector, "\n".join([text] * times)) / one for times in (2, 4)}


def _hostile() -> dict[str, float]:
    """Return the time of each hostile text, as a multiple of that of ordinary lines of the same size; worst first."""
    detector = PatternDetector(RedactionRules())
    ordinary = _seconds(detector, _text(ordinary_lines(_SEED, 10**6), _HOSTILE_BYTES))
    ratios = {
        name: _seconds(detector, part * (_HOSTILE_BYTES // len(part.encode())), turns=2) / ordinary
        for name, part in HOSTILE.items()
    }
    return dict(sorted(ratios.items(), key=lambda each: -each[1]))


def _found() -> Recall:
    detector = PatternDetector(RULES)
    return recall(planted_lines(_SEED, _CANARIES), lambda: Masker(detector, Placeholders()))


def _found_blind() -> float:
    lines = (line for seed in _BLIND_SEEDS for line in blind_lines(seed))
    return found(lines, PatternDetector(CLEAN_RULES)).share


def _lost() -> dict[str, OverMasking]:
    lines, clean = PatternDetector(RULES), PatternDetector(CLEAN_RULES)
    return {
        "lines with canaries": over_masking(planted_lines(_SEED, _CANARIES), lambda: Masker(lines, Placeholders())),
        "clean lines that come near": over_masking(
            clean_lines(_SEED, _CLEAN_LINES), lambda: Masker(clean, Placeholders())
        ),
    }


def _measured() -> dict[str, Any]:
    planted, lost = _found(), _lost()
    return {
        "canaries": planted.planted.total(),
        "recall": {
            "all": planted.share(),
            "held out from the patterns' author": planted.share(held_out=True),
            "not held out": planted.share(held_out=False),
            "lines of two testers who had not seen the patterns": _found_blind(),
        },
        "recall by family": {name: planted.share(family=name) for name in sorted({key[0] for key in planted.planted})},
        "recall by shape": {name: planted.share(shape=name) for name in sorted({key[1] for key in planted.planted})},
        "over-masking": {name: each.share for name, each in lost.items()},
        "diagnostic tokens": {name: each.tokens for name, each in lost.items()},
        "megabytes a second": _speeds(),
        "time by size of text": _growth(),
        "time of hostile text, beside ordinary text": _hostile(),
    }


def _printed(figures: dict[str, Any]) -> Iterator[str]:
    for name, value in figures.items():
        if not isinstance(value, dict):
            yield f"{name}: {value:,}"
            continue
        yield f"\n{name}"
        for part, figure in value.items():
            if name.startswith(("recall", "over")):
                yield f"  {part:<52} {figure:8.2%}"
            else:
                yield f"  {part:<52} {figure:10,.2f}"


def main() -> None:
    """Print the figures: tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    options = parser.parse_args()
    figures = _measured()
    sys.stdout.write((json.dumps(figures) if options.json else "\n".join(_printed(figures))) + "\n")


if __name__ == "__main__":
    main()
