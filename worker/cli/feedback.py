"""`firstline feedback`: how often engineers say that the desk was right, why it was not, and their words for others."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Final

from worker.bootstrap import connect
from worker.cli.words import one_line
from worker.redaction import SECRETS_MASKER
from worker.registry.feedback import Judgement, Share, feedback, figures
from worker.settings import RedisSettings

__all__ = ["export_feedback", "show_figures"]

_REASONS: Final = 10


def show_figures(settings: RedisSettings, *, as_json: bool) -> None:
    """Print the shares of right, each with its count and the interval in which the true share lies with 95 %.

    For people the newest reasons stand below.
    """
    words = sorted(feedback(connect(settings)), key=itemgetter(0), reverse=True)
    told = figures(judgement for _, judgement in words)
    if as_json:
        shares = {name: {group: _record(share) for group, share in groups.items()} for name, groups in told.items()}
        sys.stdout.write(f"{json.dumps(shares)}\n")
        return
    if not words:
        sys.stdout.write("Nobody has judged a conclusion yet: see `firstline queue right` and `wrong`.\n")
    sys.stdout.writelines(f"{line}\n" for line in [*_tables(told), *_reasons(words)])


def _tables(told: Mapping[str, Mapping[str, Share]]) -> Iterator[str]:
    """Yield a table of each grouping; one that has a single group would only say once more what holds of all."""
    single = []
    for name, groups in told.items():
        title = name.replace("_", " ")
        if name == "all":
            yield f"{title:<42} {_line(groups[name])}"
        elif len(groups) == 1:
            single.append(f"{title} {_shown(*groups)}")
        else:
            yield title
            yield from (f"  {_shown(group):<40} {_line(share)}" for group, share in groups.items())
    if single:
        yield f"All of them: {', '.join(single)}."


def _reasons(words: Iterable[tuple[datetime, Judgement]]) -> Iterator[str]:
    reasons = [(at, judgement) for at, judgement in words if judgement.because]
    if reasons:
        yield "why it was wrong, the newest first"
    for at, judgement in reasons[:_REASONS]:
        concluded = judgement.concluded
        where = f"{_shown(concluded.incident_id)}  {_shown(concluded.server_id or 'unknown')}"
        yield f"  {at:%Y-%m-%d %H:%M}Z  {where}  {_shown(judgement.person)}: {_shown(judgement.because)}"
    if len(reasons) > _REASONS:
        yield f"  and {len(reasons) - _REASONS} more: see `firstline feedback export`"


def export_feedback(settings: RedisSettings) -> None:
    """Print each person's last word on each incident, oldest first, one JSON object a line."""
    words = sorted(feedback(connect(settings)), key=itemgetter(0))
    for at, judgement in words:
        record = SECRETS_MASKER.checked_value(judgement.model_dump(mode="json"))
        assert isinstance(record, dict)  # noqa: S101 - what is masked keeps its form
        sys.stdout.write(f"{json.dumps({'at': at.isoformat()} | record)}\n")


def _record(share: Share) -> dict[str, float]:
    low, high = share.interval
    return {"right": share.right, "count": share.count, "low": round(low, 4), "high": round(high, 4)}


def _line(share: Share) -> str:
    low, high = share.interval
    return f"{share.right} of {share.count} right ({share.right / share.count:.0%}; {low:.0%} to {high:.0%})"


def _shown(text: str) -> str:
    return one_line(SECRETS_MASKER.checked(text))
