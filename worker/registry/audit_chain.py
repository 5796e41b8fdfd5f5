"""Checks the audit's chain: whether every entry is what was written, in its order, and none is missing.

Pure: entries in, a verdict out. Whoever can write to Redis can also write the whole chain anew, and cut its end off
with its note: only a place that is kept elsewhere (an anchor) tells that.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from worker.registry.audit import NOTHING_BEFORE, AuditAction, Noted, Place, hash_of
from worker.registry.audit_unchained import Unchained

__all__ = ["Verdict", "judged"]

_FLAWS_TOLD: Final = 20
_IDS_TOLD: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found: `flaws` are the broken places, as sentences; `entries` and `end` what is good before the first.

    `unchained` entries are older than the chain: nothing vouches for them but the first entry, when `are_covered`.
    """

    entries: int
    unchained: int
    are_covered: bool
    end: Place
    flaws: tuple[str, ...]

    @property
    def flaw(self) -> str | None:
        """The first broken place, or None when the log is whole."""
        return self.flaws[0] if self.flaws else None


def judged(entries: Iterable[tuple[str, Mapping[str, str]]], *, noted: Noted, anchors: Sequence[Place] = ()) -> Verdict:
    """Check a whole log, oldest entry first; behind a broken place it goes on as that place says of itself.

    `noted` must have been read before the entries, `anchors` are places that somebody kept.
    """
    walk = _Walk(noted, anchors)
    for stream_id, fields in entries:
        walk.take(stream_id, fields)
    walk.end_here()
    return Verdict(
        entries=walk.good.sequence,
        unchained=walk.older.count,
        are_covered=walk.are_covered,
        end=walk.good,
        flaws=tuple(walk.flaws),
    )


class _Walk:
    """One reading of a log, entry by entry."""

    def __init__(self, noted: Noted, anchors: Sequence[Place]) -> None:
        self.flaws = list[str]()
        self.older = Unchained()
        self.are_covered = False
        self.good = NOTHING_BEFORE
        self._end = NOTHING_BEFORE
        self._noted = noted
        self._places = dict(noted.places)
        self._ids = set[str]()
        self._anchors = anchors

    def take(self, stream_id: str, fields: Mapping[str, str]) -> None:
        """Check the next entry against what came before."""
        if "hash" not in fields and self._end == NOTHING_BEFORE:
            self.older.add(stream_id, fields)
            return
        for flaw in self._flaws_of(fields):
            self._tell(f"At {stream_id}: {flaw}")
        self._ids.add(fields.get("entry_id", ""))
        self._end = _claimed(fields) or self._end
        if not self.flaws:
            self.good = self._end

    def end_here(self) -> None:
        """Check what stands beside the log, now that all of it was read."""
        if self.older.count and self._end == NOTHING_BEFORE:
            self._tell(
                f"{_no_hash(self.older.count)} If it is of an older version, the next entry that is written covers it."
            )
        for flaw in _flaws_at_the_end(self._end, self._noted, self._anchors):
            self._tell(flaw)
        if self._places:
            some = ", ".join(f"{name} (entry {_before_colon(place)})" for name, place in _first(self._places))
            self._tell(f"Entries are noted beside the log that are not there, {len(self._places)} in all: {some}.")

    def _tell(self, flaw: str) -> None:
        if len(self.flaws) < _FLAWS_TOLD:
            self.flaws.append(flaw)

    def _flaws_of(self, fields: Mapping[str, str]) -> Iterator[str]:
        flaw = _flaw_of(fields, self._end, self._ids)
        if flaw is not None:
            yield flaw
        if self._end == NOTHING_BEFORE:
            yield from self._flaws_of_the_first(fields)
        place = _claimed(fields)
        if place is None:
            return
        noted = self._places.pop(fields.get("entry_id", ""), str(place))
        if noted != str(place):
            yield f"entry {place.sequence} is not the one that was noted beside the log when it was written."
        if any(anchor.sequence == place.sequence and anchor != place for anchor in self._anchors):
            yield f"entry {place.sequence} is not the anchor's: the chain was written anew, from there or before."

    def _flaws_of_the_first(self, fields: Mapping[str, str]) -> Iterator[str]:
        is_cover = fields.get("action") == AuditAction.MIGRATION
        self.are_covered = is_cover and self.older.are_told_by(_details_of(fields))
        if is_cover and not self.are_covered:
            yield f"it covers other entries without a hash than the {self.older.count} before it."
        elif self.older.count and not is_cover:
            yield _no_hash(self.older.count)


def _no_hash(count: int) -> str:
    return (
        f"What stands in front without a hash ({count} in all) is covered by no entry: anybody may have put it there."
    )


def _first(places: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(places.items())[:_IDS_TOLD]


def _before_colon(place: str) -> str:
    return place.partition(":")[0][:20]


def _details_of(fields: Mapping[str, str]) -> object:
    try:
        return json.loads(fields.get("details", ""))
    except ValueError:
        return None


def _claimed(fields: Mapping[str, str]) -> Place | None:
    try:
        return Place.read(f"{fields['sequence']}:{fields['hash']}")
    except (KeyError, ValueError):
        return None


def _flaw_of(fields: Mapping[str, str], end: Place, ids: set[str]) -> str | None:
    expected = end.sequence + 1
    sequence = fields.get("sequence", "none")
    if "hash" not in fields:
        return f"an entry without a hash stands where entry {expected} belongs."
    if sequence != str(expected):
        return f"entry {sequence} stands where entry {expected} belongs: entries are missing or in another order."
    if fields["hash"] != hash_of(fields):
        return f"entry {expected} was changed: its hash is not that of its words."
    if fields.get("previous") != end.hash:
        return f"entry {expected} does not follow entry {end.sequence}: one of them is another than was written."
    if fields.get("entry_id", "") in ids:
        return f"entry {expected} has the id of an earlier one: it was written twice."
    return None


def _flaws_at_the_end(end: Place, noted: Noted, anchors: Sequence[Place]) -> Iterator[str]:
    for anchor in anchors:
        if anchor.sequence > end.sequence:
            yield _cut(end, "the anchor", anchor)
    if noted.end is None:
        if end != NOTHING_BEFORE:
            yield "The note of the end beside the log is missing: its end may have been cut off."
        return
    try:
        place = Place.read(noted.end)
    except ValueError:
        yield "The note of the end beside the log can't be read; the next entry that is written mends it."
        return
    if place.sequence > end.sequence:
        yield _cut(end, "the note beside it", place)
    elif place.sequence == end.sequence and place != end:
        yield f"Entry {end.sequence} is not the one that is noted beside the log."


def _cut(end: Place, what: str, place: Place) -> str:
    where = f"ends with entry {end.sequence}" if end.sequence else "is empty"
    return f"The log {where}, but {what} knows entry {place.sequence}: its end was cut off."
