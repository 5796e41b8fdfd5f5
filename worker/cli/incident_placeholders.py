"""The placeholders under which an incident is shown, and those that may be revealed: its own, and nobody else's.

A number must never mean two machines: where what was kept can't be read, what is shown is numbered on from what was
told, and nothing is revealed. `firstline show` calls it.
"""

from collections.abc import Sequence
from typing import Final

import structlog
from redis import Redis

from worker.errors import ConfigurationError
from worker.redaction import Placeholders
from worker.redaction.placeholders import has_numbered
from worker.redaction.sealing import CannotOpenError
from worker.registry.placeholder_store import PlaceholderStore, most_kept
from worker.registry.view import RegistryEntry

__all__ = ["placeholders_to_mask", "placeholders_to_reveal"]

_NO_KEY: Final = (
    "Without a key nothing is kept that could be revealed: set FIRSTLINE_REDACTION_KEYS, the same for workers and here "
    "(.env.example says how to make one); incidents that are triaged from then on can be revealed."
)
_NOT_OPENED: Final = (
    "Nothing is revealed: none of the keys here opens what is kept for this incident, or it is damaged. Let "
    "FIRSTLINE_REDACTION_KEYS hold the key that its workers had; several may stand there, with commas between them."
)
_NOTHING_KEPT: Final = (
    "Nothing is revealed: this incident has numbered placeholders and nothing is kept of what they stand for. Its "
    "workers had no key; with FIRSTLINE_REDACTION_KEYS, incidents that are triaged from then on can be revealed."
)

log = structlog.get_logger()


def placeholders_to_mask(connection: Redis, entry: RegistryEntry, *, vault: PlaceholderStore | None) -> Placeholders:
    """Return the incident's placeholders; what has none gets a number that stands for nothing else in this incident.

    `vault` is None without a key.
    """
    incident_id = entry.incident.incident_id
    try:
        kept = vault.find(incident_id) if vault else None
    except CannotOpenError as error:
        log.warning("placeholders.not_opened", remedy="see FIRSTLINE_REDACTION_KEYS", error=str(error))
        kept = vault = None
    skipped = 0 if vault else most_kept(connection, incident_id)
    return Placeholders(kept.values if kept else None, told=_told(entry), skipped=skipped)


def placeholders_to_reveal(entry: RegistryEntry, *, vault: PlaceholderStore | None) -> Placeholders:
    """Return the incident's placeholders with their values.

    Raises `ConfigurationError` without a key, when no key opens what is kept, and when nothing is kept of the numbers
    that the incident has: an alert's own values may be shown only where nothing can be taken for them.
    """
    if vault is None:
        raise ConfigurationError(_NO_KEY)
    try:
        kept = vault.find(entry.incident.incident_id)
    except CannotOpenError as error:
        raise ConfigurationError(_NOT_OPENED) from error
    told = _told(entry)
    if kept is None and any(map(has_numbered, told)):
        raise ConfigurationError(_NOTHING_KEPT)
    return Placeholders(kept.values if kept else None, told=told)


def _told(entry: RegistryEntry) -> Sequence[str]:
    """Return whatever was written under the incident's placeholders."""
    written = [*entry.steps, *([entry.result] if entry.result else [])]
    return [model.model_dump_json() for model in written]
