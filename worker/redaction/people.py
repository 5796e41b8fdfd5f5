"""People's names, which have no shape of their own: a model of language finds them, beside the patterns.

Off unless the redaction file says `people = "presidio"`. What the patterns find wins, and what is kept stays. Whoever
needs a detector of rules takes `detector_of`, so that nobody leaves the names out.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from worker.redaction.detector import PatternDetector
from worker.redaction.kinds import Finding, Kind
from worker.redaction.masker import Detector
from worker.redaction.name_shapes import may_hold_name, names_within
from worker.redaction.overlaps import without_overlaps
from worker.redaction.presidio import presidio_names
from worker.redaction.rules import RedactionRules

__all__ = ["PIECE_CHARACTERS", "NameFinder", "PeopleDetector", "detector_of"]

PIECE_CHARACTERS: Final = 4_000
"""What the model reads at once, so that its memory is bounded: spaCy speaks of 10 KB for each character."""

_OVERLAP_CHARACTERS: Final = 200
"""What two pieces of a long line have in common, so that no name is cut in two."""

_SURROGATES: Final = dict.fromkeys(range(0xD800, 0xE000), "?")


class NameFinder(Protocol):
    """What says where people's names may stand. Many threads may ask at once."""

    def names_in(self, text: str) -> Sequence[tuple[int, int]]:
        """Return where names start and end, in any order. May raise: the text is withheld then."""
        ...


class PeopleDetector:
    """Finds what another detector finds, and people's names where that has found nothing.

    A model takes programs for people ("Redis Sentinel"), and is never less sure of it. A diagnosis that lost its
    program is worth nothing, and who is known can be listed under `users`: to miss a name is the lesser harm. So the
    model is asked only about lines that hold a first and a last name in title case, and nothing else is believed: no
    "Kafka", no "Ada" alone, no words of programs. Other lines cost no more than a look.
    """

    def __init__(self, wrapped: Detector, names: NameFinder, *, kept: frozenset[str] = frozenset()) -> None:
        self._wrapped = wrapped
        self._names = names
        self._kept = frozenset(" ".join(phrase.casefold().split()) for phrase in kept)
        self._most_kept_words = max((phrase.count(" ") + 1 for phrase in self._kept), default=0)

    def find(self, text: str) -> Sequence[Finding]:
        """Return what was found, by place, without overlaps.

        A line that may hold a name takes the model's time: some milliseconds, and 20 for each 1,000 characters of it.
        """
        found = self._wrapped.find(text)
        plain = text if text.isascii() else text.translate(_SURROGATES)
        people = [
            Finding(start, end, Kind.PERSON)
            for named_from, named_to in self._named(plain)
            for free_from, free_to in _free(found, named_from, named_to)
            for start, end in names_within(plain, free_from, free_to)
            if not self._holds_kept(plain[start:end])
        ]
        return without_overlaps(found, people) if people else found

    def kind_named(self, name: str) -> Kind | None:
        """Return what the other detector says of a field's name."""
        return self._wrapped.kind_named(name)

    def _named(self, text: str) -> Iterator[tuple[int, int]]:
        for place, piece in _pieces(text):
            for start, end in self._names.names_in(piece):
                yield place + start, place + end

    def _holds_kept(self, name: str) -> bool:
        words = name.casefold().split()
        return any(
            " ".join(words[first:last]) in self._kept
            for first in range(len(words))
            for last in range(first + 1, min(first + self._most_kept_words, len(words)) + 1)
        )


def detector_of(rules: RedactionRules) -> Detector:
    """Return what finds under an installation's rules: by patterns, and people's names where the rules ask for them.

    Raises `ConfigurationError` with the remedy when they ask for a model that is not installed.
    """
    patterns = PatternDetector(rules)
    if rules.people_language is None:
        return patterns
    return PeopleDetector(patterns, presidio_names(rules.people_language), kept=rules.kept)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield what may hold a name, with its place: lines, and of long lines pieces that overlap."""
    start = 0
    for line in text.splitlines(keepends=True):
        for place in range(0, max(1, len(line) - _OVERLAP_CHARACTERS), PIECE_CHARACTERS - _OVERLAP_CHARACTERS):
            piece = line[place : place + PIECE_CHARACTERS]
            if may_hold_name(piece):
                yield start + place, piece
        start += len(line)


def _free(found: Sequence[Finding], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield what of a place none of the findings covers; they are in order, without overlaps."""
    place = bisect_right(found, start, key=lambda finding: finding.end)
    while place < len(found) and found[place].start < end:
        if start < found[place].start:
            yield start, found[place].start
        start = found[place].end
        place += 1
    if start < end:
        yield start, end
