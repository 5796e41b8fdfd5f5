"""How much a card may say: two hundred words, and what of them goes to what when there is more to tell.

Pure. Called by the card and by whatever makes its parts.
"""

from dataclasses import dataclass
from typing import Final

from worker.contract.text import visible

__all__ = ["LOOSENINGS", "ROOMIEST", "WORDS_LIMIT", "Limits", "clipped", "words_of"]

WORDS_LIMIT: Final = 200
_BYTES_A_WORD: Final = 24
"""Text without spaces, or of endless words, is bounded by its bytes; long paths of a log fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many words or entries of each kind a card has; as they stand here, for the worst that there is to tell."""

    alert_words: int = 3
    further_alerts: int = 0
    cause_words: int = 3
    deeds: int = 0
    deed_words: int = 2
    suspicion_words: int = 2
    steps: int = 1
    checks: int = 1
    check_words: int = 3
    ruled_out: int = 0
    note_sentences: int = 1


LOOSENINGS: Final = tuple(
    {name: value}
    for name, value in (
        *(("cause_words", 16), ("check_words", 11), ("checks", 2), ("deed_words", 8), ("deeds", 1)),
        *(
            ("suspicion_words", 3),
            ("suspicion_words", 6),
            ("cause_words", 24),
            ("cause_words", 36),
            ("cause_words", 48),
        ),
        *(("deeds", 2), ("deed_words", 14)),
        *(("note_sentences", 2), ("ruled_out", 1), ("steps", 2)),
        *(("alert_words", 10), ("check_words", 14), ("deeds", 3)),
        *(("deed_words", 20), ("ruled_out", 2), ("checks", 3), ("check_words", 20), ("deed_words", 36)),
        *(("steps", 3), ("alert_words", 18), ("checks", 4), ("ruled_out", 4)),
        *(("suspicion_words", 14), ("check_words", 30), ("further_alerts", 1), ("checks", 6), ("cause_words", 70)),
        *(("alert_words", 30), ("further_alerts", 2)),
    )
)
"""What a card may have more of, the most needed first: each is taken where the card still has few enough words.

The cause comes before all but what was done and seen in its shortest form, and is so the last that is cut. One thing
that is ruled out and a second step come before longer quotations.
"""

ROOMIEST: Final = Limits(**{name: value for loosening in LOOSENINGS for name, value in loosening.items()})


def clipped(text: str, words: int, *, limit_bytes: int | None = None) -> str:
    """Return the first words of a text, visible, on one line, with “…” right behind where there are more."""
    parts, limit = text.split(maxsplit=words), limit_bytes or words * _BYTES_A_WORD
    whole = visible(" ".join(parts[:words])[:limit])
    kept = whole.encode("utf-8", "backslashreplace")[:limit].decode("utf-8", "ignore").rstrip()
    is_all = len(parts) <= words and len(" ".join(parts)) <= limit and kept == whole
    return kept if is_all else f"{kept}…"


def words_of(text: str) -> int:
    """Return how many words a text has, marks that stand alone among them."""
    return len(text.split())
