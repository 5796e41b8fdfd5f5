"""The card as JSON, in the form that ``deploy/card.schema.json`` publishes.

Pure. Called by sinks that hand cards to programs; a test holds the published schema against this.
"""

from worker.escalation.card_parts import Card

__all__ = ["as_json", "card_schema"]


def as_json(card: Card) -> dict[str, object]:
    """Return the card as values of JSON: nothing is escaped, for whoever shows a text knows where."""
    return card.model_dump(mode="json")


def card_schema() -> dict[str, object]:
    """Return the JSON schema (draft 2020-12) of what `as_json` returns."""
    schema = Card.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
