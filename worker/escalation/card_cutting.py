"""Sentences of a card, cut to the words that there are: at a clause where one ends, with every quotation closed.

Pure. A sentence that would be cut to next to nothing is left out. Called by the card and by whatever makes its parts.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from worker.escalation.card_limits import clipped, words_of
from worker.escalation.card_parts import shown
from worker.escalation.card_sentences import Sentence

__all__ = ["fitting", "undated", "without_head"]

_SENTENCE_LIMIT_BYTES: Final = 400
_FEWEST_WORDS: Final = 6

_DATE: Final = re.compile(r"(?<=“)\d{4}-\d{2}-\d{2}[T ](?=\d{2}:\d{2})")
_HEAD: Final = re.compile(
    r"(?<=“)(?:\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?[ :]+)"
    r"(?:\[?(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)\]?[ :]+)?(?=[^\s”])"
)


def fitting(sentences: Sequence[Sentence], words: int) -> Iterator[Sentence]:
    """Yield sentences as long as there are words for them; one that is cut keeps its mark and its citations."""
    left = words
    for sentence in sentences:
        needed = words_of(shown(sentence))
        if needed <= left and len(shown(sentence)) <= _SENTENCE_LIMIT_BYTES:
            yield sentence
            left -= needed
            continue
        room = left - (needed - words_of(sentence.text)) - len(sentence.citations)
        if left == words or room >= _FEWEST_WORDS:
            yield _cut(sentence, max(room, min(words, _FEWEST_WORDS)))
        return


def undated(text: str) -> str:
    """Return a text whose quotations begin with no date; a log's time of day stays."""
    return _DATE.sub("", text)


def without_head(text: str) -> str:
    """Return a text whose quotations begin with what a log's line says, not with its time and level."""
    return _HEAD.sub("", text)


def _cut(sentence: Sentence, words: int) -> Sentence:
    text = clipped(sentence.text, words)
    if text.endswith("…"):
        text = _closed(_to_a_clause(text))
    lost = [f"[{cited.identifier}]" for cited in sentence.citations if cited.identifier not in text]
    return sentence.model_copy(update={"text": " ".join([text, *lost[:3]])})


def _to_a_clause(text: str) -> str:
    """Return a cut text without the clause that was begun last, where little is said in it and enough before it."""
    head, _, tail = text.rpartition(", ")
    is_quoted = "”" in tail or head.count("“") > head.count("”")
    is_apart = not is_quoted and words_of(tail) < _FEWEST_WORDS <= words_of(head)
    return f"{(head if is_apart else text.removesuffix('…')).rstrip(',;:')}…"


def _closed(text: str) -> str:
    return f"{text}”" if text.count("“") > text.count("”") else text
