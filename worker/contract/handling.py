"""What engineers do with an incident that reached them: who has it, what they found, and whether the desk was right.

It says nothing of the server: only a triage does. Written by `firstline escalations`' commands, read by whoever shows
the queue, and by sinks that follow.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from worker.contract.base import Frozen

__all__ = ["DESK", "Action", "Handled", "Handling", "HandlingState"]

DESK: Final = "the desk"
"""Who did what the desk does by itself. No account can have this name: there is a blank in it."""


class Action(StrEnum):
    """One thing that an engineer says. `RIGHT` and `WRONG` judge what the desk concluded; the second needs a reason."""

    CLAIM = "claim"
    RELEASE = "release"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    NOTE = "note"
    RIGHT = "right"
    WRONG = "wrong"


class HandlingState(StrEnum):
    """Where an escalated incident stands with engineers."""

    OPEN = "open"
    CLAIMED = "claimed"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Handled(Frozen):
    """One action: by whom, when (by Redis' clock), and in which words."""

    at: AwareDatetime
    person: Annotated[str, Field(min_length=1, max_length=128)]
    action: Action
    words: Annotated[str, Field(max_length=2_000)] = ""


class Handling(Frozen):
    """An incident's handling: its state, who has it, and what was done, oldest first."""

    incident_id: str
    state: HandlingState = HandlingState.OPEN
    person: str | None = None
    history: tuple[Handled, ...] = ()
