"""The base of everything that Firstline writes: frozen, closed, and with aware times."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

__all__ = ["Frozen", "IncidentId"]

IncidentId = Annotated[str, StringConstraints(pattern=r"^inc-[0-9a-f]{20}$")]


class Frozen(BaseModel):
    """A value that cannot change and knows all its fields: what we write, we read back exactly."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
