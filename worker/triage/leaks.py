"""Takes the desk's own prompt out of what a model says: a text from outside may have asked for it.

`report.py` alone calls this, for the summary. It finds the prompt's sentences word by word, whatever their spacing; a
model that tells them in words of its own is not stopped, so a prompt must hold no secret but the fence of one claim.
"""

import re
from functools import lru_cache
from typing import Final

__all__ = ["without_prompt"]

_SENTENCE_CHARACTERS: Final = 25
"""Shorter ones may be said by chance."""

_NOTE: Final = "[words of the prompt]"
_SENTENCE_END: Final = re.compile(r"(?<=[.:;])\s+|\n")


def without_prompt(said: str, *, prompt: str, fence: str) -> str:
    """Return what was said, with a note where sentences of the prompt stood, and without the fence."""
    kept = _sentences(prompt).sub(_NOTE, said)
    told = re.sub(rf"{re.escape(_NOTE)}(?:\W{{0,8}}{re.escape(_NOTE)})+", _NOTE, kept)
    return told.replace(fence, _NOTE) if fence else told


@lru_cache(maxsize=1)
def _sentences(prompt: str) -> re.Pattern[str]:
    sentences = {part.strip() for part in _SENTENCE_END.split(prompt) if len(part.strip()) >= _SENTENCE_CHARACTERS}
    shapes = (r"\s+".join(map(re.escape, part.split())) for part in sorted(sentences, key=len, reverse=True))
    return re.compile("|".join(shapes) or r"(?!)", re.IGNORECASE)
