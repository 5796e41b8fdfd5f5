"""An engineer's approval of a proposed restart, as the incident that carries it out has it.

By itself it permits nothing: the decision that it tells of stands in the registry's entry of the proposal, and is
looked up there again. No source of alerts can set it.
"""

from typing import Annotated, Final

from pydantic import StringConstraints

from worker.contract.base import Frozen, IncidentId

__all__ = ["PERSON_CHARACTERS", "WHY_CHARACTERS", "Approval"]

PERSON_CHARACTERS: Final = 128
WHY_CHARACTERS: Final = 2_000


class Approval(Frozen):
    """Which incident's proposal was approved, by whom, and in which words."""

    incident_id: IncidentId
    person: Annotated[str, StringConstraints(min_length=1, max_length=PERSON_CHARACTERS)]
    why: Annotated[str, StringConstraints(max_length=WHY_CHARACTERS)]
