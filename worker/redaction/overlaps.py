"""What to do with findings that overlap: nothing that was taken for secret may stay because of it. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter

from worker.redaction.kinds import Finding, Kind

__all__ = ["without_overlaps"]


def without_overlaps(found: Sequence[Finding], encoded: Sequence[Finding] = ()) -> Sequence[Finding]:
    """Return findings by place, without overlaps; they come in the order in which they are believed.

    Secrets that overlap become one, of the first kind that makes up most of it. Of the others,
    and of whole words that hold something `encoded`, what overlaps a secret or one that was believed before is dropped.
    """
    together = sorted([*found, *encoded], key=attrgetter("start"))
    if all(one.end <= following.start for one, following in pairwise(together)):
        return together
    secrets = _merged([each for each in found if not each.kind.is_reversible])
    others = [each for each in found if each.kind.is_reversible]
    return _with(secrets, [*others, *encoded])


def _merged(secrets: Sequence[Finding]) -> list[Finding]:
    groups: list[list[tuple[int, Finding]]] = []
    end = 0
    for ranked in sorted(enumerate(secrets), key=lambda ranked: ranked[1].start):
        if ranked[1].start >= end:
            groups.append([])
        groups[-1].append(ranked)
        end = max(end, ranked[1].end)
    return [_whole(group) for group in groups]


def _whole(group: Sequence[tuple[int, Finding]]) -> Finding:
    if len(group) == 1:
        return group[0][1]
    start, end = group[0][1].start, max(each.end for _, each in group)
    most = [
        each for _, each in sorted(group, key=lambda ranked: ranked[0]) if 2 * (each.end - each.start) > end - start
    ]
    return Finding(start, end, most[0].kind if most else Kind.SECRET)


def _with(kept: list[Finding], others: Sequence[Finding]) -> Sequence[Finding]:
    starts = [each.start for each in kept]
    for finding in others:
        place = bisect_left(starts, finding.end)
        if place == 0 or kept[place - 1].end <= finding.start:
            starts.insert(place, finding.start)
            kept.insert(place, finding)
    return kept
