"""What a sentence says and none of its evidence does: quotations, addresses, names, numbers, and telling words.

Pure. Whose statement shows a thing decides: health and deeds are never borne out by a log's words. Called by the
citations.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from worker.escalation.citation_claims import Said, stands_in
from worker.escalation.citation_evidence import Seen
from worker.escalation.citation_numbers import Number, bears_out
from worker.escalation.citation_words import Field, Word

__all__ = ["missing_from"]

_TOOLS_OF: Final[Mapping[Field, tuple[str, ...]]] = {
    Field.STATUS: ("get_server_health", "restart_service"),
    Field.LOG_KIND: ("fetch_recent_logs", "restart_service"),
    Field.DEED: ("restart_service",),
}
"""Whose statement shows it: what that does not say is denied rightly, and nobody else's word counts."""

_TOOLS_OF_NUMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "cpu": _TOOLS_OF[Field.STATUS],
    "memory": _TOOLS_OF[Field.STATUS],
    "people": _TOOLS_OF[Field.STATUS],
    "lines": _TOOLS_OF[Field.LOG_KIND],
    "failing lines": _TOOLS_OF[Field.LOG_KIND],
}

_ERRONEOUS: Final = frozenset({"failed", "fault", "dependency", "local fault", "fatal", "panic"})
"""What else bears out that there are errors."""

_ALSO: Final[Mapping[str, frozenset[str]]] = {
    "succeeded": frozenset({"recovered"}),
    "helped": frozenset({"recovered"}),
    "down": frozenset({"stopped"}),
    "performed": frozenset({"restarted"}),
    "asked for": frozenset({"refused", "restarted"}),
}
"""What else bears out a word."""

_SAID_ONLY: Final = frozenset({"succeeded", "helped", "asked for"})
"""What is denied only where the evidence denies it too: that nothing is said of it proves nothing."""

_CAUSES: Final = frozenset(
    {"deployment", "attack", "configuration", "hardware", "network", "certificate", "disk", "bug"}
)
"""What a log without errors says nothing of."""

_STEMS: Final = {"failed": "fail", "fault": "fault"}
"""A dependency's failure is one, too, and so is a local fault."""


def missing_from(
    said: Said, seen: Sequence[Seen], names: Sequence[str], *, is_quoting: bool, is_strict: bool
) -> Iterator[str]:
    """Yield what a sentence says and none of its evidence does; `names` may stand in any sentence."""
    for words in said.quotations:
        if not any(stands_in(words, one.folded if is_quoting else one.folded_stated) for one in seen):
            yield words
    told = [one.told(is_quoting=is_quoting) for one in seen]
    yield from (place for place in said.endpoints if not any(place in one.endpoints for one in told))
    raws = [one.raw if is_quoting else one.raw_stated for one in seen]
    for fixed in said.fixed:
        if fixed.casefold() not in names and not any(_has_word(fixed.casefold(), raw) for raw in raws):
            yield fixed
    for number in said.numbers:
        others = _numbers_of(number, seen, is_quoting=is_quoting)
        if not any(bears_out(other, number) and (not is_strict or number.is_of_the_same(other)) for other in others):
            yield number.as_written
    is_of_another = bool(said.fixed) and not any(fixed.casefold() in names for fixed in said.fixed)
    for word in said.words:
        telling = [one for one in seen if is_of_another or word.field is not Field.STATUS or not one.is_of_another]
        if not _is_borne_out(word, telling, is_quoting=is_quoting):
            yield word.as_written


def _numbers_of(claimed: Number, seen: Sequence[Seen], *, is_quoting: bool) -> Iterator[Number]:
    """Yield the numbers that may bear one out: of health and of a log's lines, those only that its tool states."""
    tools = _TOOLS_OF_NUMBERS.get(claimed.subject or "")
    for one in seen:
        if tools is None:
            yield from one.told(is_quoting=is_quoting).numbers
        elif one.tool in tools:
            yield from one.stated.numbers


def _has_word(word: str, raw: str) -> bool:
    return re.search(rf"(?<![a-z0-9.-]){re.escape(word)}(?![a-z0-9]|[-.][a-z0-9])", raw) is not None


def _is_borne_out(word: Word, seen: Sequence[Seen], *, is_quoting: bool) -> bool:
    alike = [other for one in seen for other in _words_of(one, word, is_quoting=is_quoting) if _is_alike(other, word)]
    if not word.is_denied:
        return any(not other.is_denied for other in alike)
    if any(not other.is_denied for other in alike):
        return False
    if not all(one.is_whole for one in seen):
        return False
    if word.field is Field.ERROR:
        return bool(alike) or (word.name not in _CAUSES and any(_lists_no_error(one) for one in seen))
    if word.name in _SAID_ONLY or word.as_written.startswith("never"):
        return bool(alike)
    return bool(alike) or any(one.tool in _TOOLS_OF[word.field] for one in seen)


def _words_of(one: Seen, word: Word, *, is_quoting: bool) -> tuple[Word, ...]:
    """Return the words that may bear one out, or speak against it: of health and deeds, their own tools' statements."""
    if word.field is Field.ERROR:
        return one.told(is_quoting=is_quoting or word.is_denied).words
    return one.stated.words if one.tool in _TOOLS_OF[word.field] else ()


def _is_alike(seen: Word, word: Word) -> bool:
    if word.name == "error":
        return seen.name == "error" or seen.name in _ERRONEOUS
    if seen.name in _ALSO.get(word.name, ()):
        return True
    return seen.name == word.name or (word.name in _STEMS and _STEMS[word.name] in seen.as_written)


def _lists_no_error(one: Seen) -> bool:
    words = one.stated.words
    return one.tool == "fetch_recent_logs" and bool(words) and all(word.is_denied for word in words)
