"""What to do with findings that overlap: nothing that was taken for secret may stay because of it. Pure."""

from bisect import bisect_left
from collections.abc import Sequence

from worker.redaction.kinds import Finding

__all__ = ["without_overlaps"]


def without_overlaps(found: Sequence[Finding], encoded: Sequence[Finding] = ()) -> Sequence[Finding]:
    """Return findings by place, without overlaps; they come in the order in which they are believed.

    Secrets that overlap become one, of the kind that was believed first. Of the others, and of whole words that hold
    something `encoded`, what overlaps a secret or one that was believed before is dropped.
    """
    if len(found) + len(encoded) < 2:  # noqa: PLR2004 - one overlaps nothing
        return [*found, *encoded]
    secrets = _merged([each for each in found if not each.kind.is_reversible])
    others = [each for each in found if each.kind.is_reversible]
    return _with(secrets, [*others, *encoded])


def _merged(secrets: Sequence[Finding]) -> list[Finding]:
    merged: list[tuple[int, Finding]] = []
    for rank, finding in sorted(enumerate(secrets), key=lambda ranked: ranked[1].start):
        if merged and finding.start < merged[-1][1].end:
            first_rank, first = merged.pop()
            kind = first.kind if first_rank < rank else finding.kind
            whole = Finding(first.start, max(first.end, finding.end), kind)
            merged.append((min(first_rank, rank), whole))
        else:
            merged.append((rank, finding))
    return [finding for _, finding in merged]


def _with(kept: list[Finding], others: Sequence[Finding]) -> Sequence[Finding]:
    starts = [each.start for each in kept]
    for finding in others:
        place = bisect_left(starts, finding.end)
        if place == 0 or kept[place - 1].end <= finding.start:
            starts.insert(place, finding.start)
            kept.insert(place, finding)
    return kept
