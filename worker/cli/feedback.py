"""`firstline feedback`: how often engineers say that the desk was right, and their words for a knowledge base."""

import json
import sys

from worker.bootstrap import connect
from worker.cli.words import one_line
from worker.redaction import SECRETS_MASKER
from worker.registry.feedback import Share, feedback, figures
from worker.settings import RedisSettings

__all__ = ["export_feedback", "show_figures"]


def show_figures(settings: RedisSettings, *, as_json: bool) -> None:
    """Print the shares of right, each with its count and the interval in which the true share lies with 95 %."""
    told = figures(judgement for _, judgement in feedback(connect(settings)))
    if as_json:
        shares = {name: {group: _record(share) for group, share in groups.items()} for name, groups in told.items()}
        sys.stdout.write(f"{json.dumps(shares)}\n")
        return
    if not told:
        sys.stdout.write("Nobody has judged a conclusion yet: see `firstline queue right` and `wrong`.\n")
    for name, groups in told.items():
        sys.stdout.write(f"{name.replace('_', ' ')}\n")
        sys.stdout.writelines(f"  {one_line(group):<40} {_line(share)}\n" for group, share in groups.items())


def export_feedback(settings: RedisSettings) -> None:
    """Print each person's last word on each incident, oldest first, one JSON object a line."""
    words = sorted(feedback(connect(settings)), key=lambda word: word[0])
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
