"""Placeholders shown again, in a whole value: for a trusted sink, and for a person who said why.

Secrets have no value to show. Nothing here asks whether it may be done: whoever calls has asked.
"""

from typing import TypeVar

from pydantic import BaseModel

from worker.redaction.placeholders import Placeholders

__all__ = ["revealed_model", "revealed_value"]

_Model = TypeVar("_Model", bound=BaseModel)


def revealed_model(model: _Model, placeholders: Placeholders) -> _Model:
    """Return a value of the contract with the values of its placeholders.

    Raises `ValueError` when the contract does not take what came out, because it is too long, for example.
    """
    return type(model).model_validate(revealed_value(model.model_dump(mode="json"), placeholders))


def revealed_value(value: object, placeholders: Placeholders) -> object:
    """Return a value of JSON with the values of its placeholders, at any depth."""
    match value:
        case str():
            return placeholders.revealed(value)
        case list():
            return [revealed_value(item, placeholders) for item in value]
        case dict():
            return {placeholders.revealed(name): revealed_value(item, placeholders) for name, item in value.items()}
        case _:
            return value
