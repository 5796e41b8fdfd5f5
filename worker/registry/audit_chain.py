"""Checks the audit's chain: whether every entry is what was written, in its order, and none is missing.

Pure: entries in, a verdict out. Whoever can write to Redis can also write the whole chain anew, and cut its end off
with its note: only a place that is kept elsewhere (an anchor) tells that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from worker.registry.audit import NOTHING_BEFORE, Place, hash_of

__all__ = ["Verdict", "judged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found: `flaw` is the first broken place, as a sentence, or None; `end` the last good place before it.

    `unchained` entries are older than the chain: nothing vouches for them.
    """

    entries: int
    unchained: int
    end: Place
    flaw: str | None


def judged(
    entries: Iterable[tuple[str, Mapping[str, str]]], *, noted_end: Place, anchors: Sequence[Place] = ()
) -> Verdict:
    """Check a whole log, oldest entry first, up to the first broken place.

    `noted_end` must have been read before the entries, `anchors` are places that somebody kept.
    """
    kept = {anchor.sequence: anchor.hash for anchor in anchors}
    end, unchained, ids = NOTHING_BEFORE, 0, set[str]()
    for stream_id, fields in entries:
        if "hash" not in fields and end == NOTHING_BEFORE:
            unchained += 1
            continue
        flaw = _flaw_of(fields, end, ids) or _flaw_by_anchor(fields, kept)
        if flaw is not None:
            told = f"At {stream_id}: {flaw}"
            return Verdict(entries=end.sequence, unchained=unchained, end=end, flaw=told)
        end = Place(end.sequence + 1, fields["hash"])
        ids.add(fields.get("entry_id", ""))
    flaw = _flaw_at_the_end(end, noted_end, anchors)
    return Verdict(entries=end.sequence, unchained=unchained, end=end, flaw=flaw)


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


def _flaw_by_anchor(fields: Mapping[str, str], kept: Mapping[int, str]) -> str | None:
    sequence = int(fields["sequence"])
    if kept.get(sequence, fields["hash"]) == fields["hash"]:
        return None
    return f"entry {sequence} is not the one of the anchor: the chain was written anew."


def _flaw_at_the_end(end: Place, noted_end: Place, anchors: Sequence[Place]) -> str | None:
    for what, place in [("the anchor", anchor) for anchor in anchors] + [("the note beside it", noted_end)]:
        if place.sequence > end.sequence:
            return (
                f"The log ends with entry {end.sequence}, but {what} knows entry {place.sequence}: its end was cut off."
            )
    if noted_end.sequence == end.sequence and noted_end != end:
        return f"Entry {end.sequence} is not the one that is noted beside the log."
    return None
