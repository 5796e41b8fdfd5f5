"""What engineers say of the desk's conclusions: each person's last word on an incident, and the figures made of it.

It is kept for good, with what it judges, so that models, prompts and the knowledge base can be measured by it. Written
by the script `handling.lua`.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from pydantic import ValidationError
from redis import Redis

from worker.contract.base import Frozen
from worker.contract.queue import FEEDBACK
from worker.registry.concluded import Concluded
from worker.registry.view import time_of

__all__ = ["Judgement", "Share", "feedback", "figures"]

_AT_ONCE: Final = 500
_Z_OF_95_PERCENT: Final = 1.959964

log = structlog.get_logger()


class Judgement(Frozen):
    """One person's word: whether what was concluded was right, and why not."""

    is_right: bool
    person: str
    because: str
    concluded: Concluded


@dataclass(frozen=True, slots=True)
class Share:
    """How many of so many words say right, and between which shares the true one lies with 95 % (Wilson's interval)."""

    right: int
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        """Return the lower and the upper bound, both from 0 to 1; few words make it wide."""
        if self.count == 0:
            return 0.0, 1.0
        share, squared = self.right / self.count, _Z_OF_95_PERCENT**2
        middle = share + squared / (2 * self.count)
        margin = _Z_OF_95_PERCENT * math.sqrt((share * (1 - share) + squared / (4 * self.count)) / self.count)
        whole = 1 + squared / self.count
        return max(0.0, (middle - margin) / whole), min(1.0, (middle + margin) / whole)


def feedback(redis: Redis) -> Iterator[tuple[datetime, Judgement]]:
    """Yield every last word with its time, in no order; what can't be read is left out, and hides no other."""
    for name, stored in redis.hscan_iter(FEEDBACK, count=_AT_ONCE):
        milliseconds, _, text = str(stored).partition(" ")
        try:
            yield time_of(int(milliseconds)), Judgement.model_validate_json(text)
        except (ValidationError, ValueError, OverflowError, OSError):
            log.warning("feedback.unreadable", name=str(name))


_GROUPINGS: Final[Mapping[str, Callable[[Concluded], str]]] = {
    "model": lambda concluded: concluded.model,
    "answered_by": lambda concluded: "a language model" if concluded.is_llm else "rules",
    "prompt_hash": lambda concluded: concluded.prompt_hash,
    "disposition": lambda concluded: concluded.disposition,
    "ending": lambda concluded: concluded.ending,
}


def figures(judgements: Iterable[Judgement]) -> dict[str, dict[str, Share]]:
    """Return the shares of right: over all, by model, by rules or language model, prompts, disposition and ending."""
    counts: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for judgement in judgements:
        counts["all"]["all"].append(judgement.is_right)
        for grouping, name_of in _GROUPINGS.items():
            counts[grouping][name_of(judgement.concluded)].append(judgement.is_right)
    return {
        grouping: {name: Share(sum(words), len(words)) for name, words in sorted(groups.items())}
        for grouping, groups in counts.items()
    }
