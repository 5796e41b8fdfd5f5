"""The base of everything that Firstline writes: frozen, closed, and with aware times."""

from pydantic import BaseModel, ConfigDict

__all__ = ["Frozen"]


class Frozen(BaseModel):
    """A value that cannot change and knows all its fields: what we write, we read back exactly."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
