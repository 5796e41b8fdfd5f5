"""One delivery as its sender takes it, and under which keys Redis has what is known of it.

Pure. Used by the records, their senders, and whoever shows how the sinks are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

__all__ = [
    "GIVEN_UP",
    "PAGE",
    "SETTLED",
    "SINKS",
    "Delivery",
    "Ended",
    "delivery_key",
    "due_key",
    "keys_of",
    "served_key",
    "sink_key",
    "taken_key",
]

PAGE: Final = "page"
"""The first step of every delivery; each further one is what an engineer did."""

SINKS: Final = "firstline:sinks"
GIVEN_UP: Final = "firstline:deliveries:given-up"
"""Sorted set of "sink incident" that no sink took, scored by the time in milliseconds."""
SETTLED: Final = "firstline:deliveries:settled"
"""The same of what was settled before its page was sent, so that nobody was paged."""


def delivery_key(sink: str, incident_id: str) -> str:
    """Return the key of the hash: state (WAITING, DELIVERED, HANDED_OVER, GIVEN_UP, SETTLED), result, tries, times.

    Beside it, at the same key and `:steps`, the list of what is still to be said, and at `:steps:left` what was done
    since the page and could not be said.
    """
    return f"firstline:delivery:{sink}:{incident_id}"


def due_key(sink: str) -> str:
    """Return the key of the sorted set of incidents with something to say, scored by when, in milliseconds.

    Beside it, at `:held`, which of them wait for the end of quiet hours, and at `:urgent`, which pass others when due.
    """
    return f"firstline:deliveries:{sink}"


def sink_key(sink: str) -> str:
    """Return the key of the hash with a sink's health: failures in a row, since when, and the last error."""
    return f"firstline:sink:{sink}"


def served_key(sink: str) -> str:
    """Return the key of what a consumer with a table for the sink says again and again; it ends soon after."""
    return f"{sink_key(sink)}:served"


def taken_key(sink: str, member: str) -> str:
    """Return the key of what a consumer has in hand at a sink, as "token incident"; it ends with the lease."""
    return f"{due_key(sink)}:taken:{member}"


def keys_of(sink: str, incident_id: str) -> tuple[str, str]:
    """Return the keys of a delivery's hash and of its steps."""
    key = delivery_key(sink, incident_id)
    return key, f"{key}:steps"


class Ended(IntEnum):
    """What became of a step whose tries ended; nothing where the lease went to another."""

    NOT_OURS = 0
    GIVEN_UP = 1
    HANDED_OVER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One step that was taken under a lease. `tries` counts this attempt; `note` says which sinks failed before.

    `is_doubtful` says of a page that the sink may have it from an earlier try.
    """

    sink: str
    incident_id: str
    step: str
    result: str
    note: str
    tries: int
    tried_for_seconds: float
    sink_is_down_for_seconds: float
    is_doubtful: bool
    token: str

    @classmethod
    def taken(cls, sink: str, token: str, reply: Iterable[object]) -> Self:
        """Read the answer of the script that takes a step."""
        incident_id, step, result, note, tries, age_milliseconds, wait_milliseconds, doubt = map(str, reply)
        return cls(
            sink=sink,
            incident_id=incident_id,
            step=step,
            result=result,
            note=note,
            tries=int(tries),
            tried_for_seconds=int(age_milliseconds) / 1000,
            sink_is_down_for_seconds=int(wait_milliseconds) / 1000,
            is_doubtful=doubt == "1",
            token=token,
        )

    @property
    def is_page(self) -> bool:
        """Whether it is the page, and not what was done since."""
        return self.step == PAGE
