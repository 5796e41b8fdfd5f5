"""Takes the desk's own prompt out of what a model says: a text from outside may have asked for it.

`report.py` alone calls this, for the summary. It finds the prompt's sentences word by word, whatever their spacing, and
the fence's letters whatever stands between them; a model that tells either in words of its own is not stopped, so a
prompt must hold no secret but the fence of one claim.
"""

import re
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
    told = _without_sentences(said, prompt)
    if not fence or fence.casefold() not in "".join(filter(str.isalnum, told)).casefold():
        return told
    return re.sub(_BETWEEN_LETTERS.join(fence), _NOTE, told, flags=re.IGNORECASE)


def _without_sentences(said: str, prompt: str) -> str:
    """Look for each sentence as it is first: an expression of all of them costs a claim milliseconds to compile."""
    plain = _plain(said)
    known = [sentence for sentence in _sentences(prompt) if sentence in plain]
    if not known:
        return said
    shapes = (r"\s+".join(map(re.escape, sentence.split())) for sentence in known)
    sentences = re.compile("|".join(shapes), re.IGNORECASE)
    found = sentences.findall(said)
    is_chance = len(found) <= _SENTENCES_BY_CHANCE and all(len(one) < _LONG_SENTENCE_CHARACTERS for one in found)
    if is_chance:
        return said
    kept = sentences.sub(_NOTE, said)
    return re.sub(rf"{re.escape(_NOTE)}(?:\W{{0,8}}{re.escape(_NOTE)})+", _NOTE, kept)


def _sentences(prompt: str) -> list[str]:
    """Return the sentences that are looked for, longest first."""
    sentences = {_plain(part) for part in _SENTENCE_END.split(prompt) if len(part.strip()) >= _SENTENCE_CHARACTERS}
    return sorted(sentences, key=len, reverse=True)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
