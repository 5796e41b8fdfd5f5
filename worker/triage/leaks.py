"""Takes the desk's own prompt out of what a model says: a text from outside may have asked for it.

`report.py` alone calls this, for the summary. It finds the prompt's sentences word by word, whatever their spacing, and
the fence's letters whatever stands between them; a model that tells either in words of its own is not stopped, so a
prompt must hold no secret but the fence of one claim.
"""

import re
from functools import lru_cache
from typing import Final

__all__ = ["without_prompt"]

_SENTENCE_CHARACTERS: Final = 25
_LONG_SENTENCE_CHARACTERS: Final = 80
_SENTENCES_BY_CHANCE: Final = 2
"""A clause or two, such as “a restart is unlikely to help”, may be said in earnest; a long sentence or more may not."""

_BETWEEN_LETTERS: Final = r"[\W_]{0,4}"

_NOTE: Final = "[words of the prompt]"
_SENTENCE_END: Final = re.compile(r"(?<=[.:;])\s+|\n")


def without_prompt(said: str, *, prompt: str, fence: str) -> str:
    """Return what was said, with a note where sentences of the prompt stood, and without the fence."""
    told = _without_sentences(said, _sentences(prompt))
    return re.sub(_BETWEEN_LETTERS.join(fence), _NOTE, told, flags=re.IGNORECASE) if fence else told


def _without_sentences(said: str, sentences: re.Pattern[str]) -> str:
    found = sentences.findall(said)
    is_chance = len(found) <= _SENTENCES_BY_CHANCE and all(len(one) < _LONG_SENTENCE_CHARACTERS for one in found)
    if is_chance:
        return said
    kept = sentences.sub(_NOTE, said)
    return re.sub(rf"{re.escape(_NOTE)}(?:\W{{0,8}}{re.escape(_NOTE)})+", _NOTE, kept)


@lru_cache(maxsize=1)
def _sentences(prompt: str) -> re.Pattern[str]:
    sentences = {part.strip() for part in _SENTENCE_END.split(prompt) if len(part.strip()) >= _SENTENCE_CHARACTERS}
    shapes = (r"\s+".join(map(re.escape, part.split())) for part in sorted(sentences, key=len, reverse=True))
    return re.compile("|".join(shapes) or r"(?!)", re.IGNORECASE)
