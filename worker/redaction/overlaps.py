"""What to do with findings that overlap: nothing that was taken for secret may stay because of it. Pure."""

from bisect import bisect_left
from collections.abc import Sequence

from worker.redaction.kinds import Finding

__all__ = ["without_overlaps"]


def without_overlaps(found: Sequence[Finding], encoded: Sequence[Finding] = ()) -> Sequence[Finding]:
    """Return findings by place, without overlaps; they come in the order in which they are believed.

    Secrets that overlap become one, of the kind of the longest. Of the others, and of whole words that hold something
    `encoded`, what overlaps a secret or one that was believed before is dropped.
    """
    if len(found) + len(encoded) < 2:  # noqa: PLR2004 - one overlaps nothing
        return [*found, *encoded]
    secrets = _merged([each for each in found if not each.kind.is_reversible])
    others = [each for each in found if each.kind.is_reversible]
    return _with(secrets, [*others, *encoded])


def _merged(secrets: Sequence[Finding]) -> list[Finding]:
    groups: list[list[Finding]] = []
    end = 0
    for finding in sorted(secrets, key=lambda each: each.start):
        if finding.start >= end:
            groups.append([])
        groups[-1].append(finding)
        end = max(end, finding.end)
    return [_whole(group) for group in groups]


def _whole(group: Sequence[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    longest = max(group, key=lambda each: each.end - each.start)
    return Finding(group[0].start, max(each.end for each in group), longest.kind)


def _with(kept: list[Finding], others: Sequence[Finding]) -> Sequence[Finding]:
    starts = [each.start for each in kept]
    for finding in others:
        place = bisect_left(starts, finding.end)
        if place == 0 or kept[place - 1].end <= finding.start:
            starts.insert(place, finding.start)
            kept.insert(place, finding)
    return kept
