"""What an installation says about its own text: what is always taken out, and what never is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["RedactionRules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionRules:
    """The rules of `redaction.toml`, and the names of the inventory. Matching ignores case.

    `kept` are words that are never masked: server ids and service names, so that a model can name its target, and the
    allow list. `domains` are those whose host names are masked, with everything below them. `denied` are words that are
    always masked, `users` names of people and accounts. `national_ids` are patterns by name, in RE2's syntax.
    `people_language` is that of the text in which people's names are looked for, or None: they are not.
    """

    kept: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    national_ids: Mapping[str, str] = field(default_factory=dict)
    masks_uuids: bool = False
    people_language: str | None = None
