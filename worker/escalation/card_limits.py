"""How much a card may say: two hundred words, and what gives way first when there is more to tell.

Pure. Called by the card and by whatever makes its parts.
"""

from dataclasses import dataclass
from typing import Final

from worker.contract.text import visible

__all__ = ["LIMITS", "WORDS_LIMIT", "Limits", "clipped", "words_of"]

WORDS_LIMIT: Final = 200
_BYTES_A_WORD: Final = 24
"""Text without spaces, or of endless words, is bounded by its bytes; long paths of a log fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many words or entries of each kind one tightness allows."""

    alert_words: int
    further_alerts: int
    cause_words: int
    deeds: int
    deed_words: int
    suspicion_words: int
    steps: int
    checks: int
    check_words: int
    ruled_out: int
    note_sentences: int


LIMITS: Final = (
    Limits(
        alert_words=30,
        further_alerts=2,
        cause_words=60,
        deeds=3,
        deed_words=36,
        suspicion_words=16,
        steps=3,
        checks=6,
        check_words=30,
        ruled_out=4,
        note_sentences=3,
    ),
    Limits(
        alert_words=20,
        further_alerts=1,
        cause_words=45,
        deeds=3,
        deed_words=26,
        suspicion_words=10,
        steps=3,
        checks=4,
        check_words=22,
        ruled_out=3,
        note_sentences=3,
    ),
    Limits(
        alert_words=14,
        further_alerts=0,
        cause_words=36,
        deeds=2,
        deed_words=20,
        suspicion_words=7,
        steps=2,
        checks=3,
        check_words=16,
        ruled_out=2,
        note_sentences=3,
    ),
    Limits(
        alert_words=10,
        further_alerts=0,
        cause_words=26,
        deeds=2,
        deed_words=16,
        suspicion_words=6,
        steps=2,
        checks=3,
        check_words=12,
        ruled_out=2,
        note_sentences=2,
    ),
    Limits(
        alert_words=6,
        further_alerts=0,
        cause_words=18,
        deeds=1,
        deed_words=12,
        suspicion_words=4,
        steps=1,
        checks=2,
        check_words=9,
        ruled_out=1,
        note_sentences=2,
    ),
    Limits(
        alert_words=6,
        further_alerts=0,
        cause_words=18,
        deeds=1,
        deed_words=10,
        suspicion_words=4,
        steps=1,
        checks=2,
        check_words=9,
        ruled_out=0,
        note_sentences=1,
    ),
    Limits(
        alert_words=4,
        further_alerts=0,
        cause_words=8,
        deeds=1,
        deed_words=6,
        suspicion_words=3,
        steps=1,
        checks=2,
        check_words=6,
        ruled_out=0,
        note_sentences=1,
    ),
)
"""From roomy to tight; the first whose card is short enough is taken, and the last one's always is."""


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
