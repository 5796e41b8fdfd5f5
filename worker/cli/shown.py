"""An incident as it may be shown: masked with its own placeholders, or with their values for a person who said why."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from pydantic import BaseModel
from redis import Redis

from worker.bootstrap import make_detector
from worker.cli.audit import REVEAL, write_audit
from worker.cli.incident_placeholders import placeholders_to_mask, placeholders_to_reveal
from worker.cli.words import one_line
from worker.contract import Alert, Incident
from worker.errors import ConfigurationError, FirstlineError
from worker.redaction import SECRETS_MASKER, Detector, Masker, Placeholders, revealed_model
from worker.registry.placeholder_store import PlaceholderStore
from worker.registry.view import RegistryEntry, RegistryView
from worker.settings import Settings

__all__ = ["detector_to_show", "entry_of", "entry_to_show"]

_Model = TypeVar("_Model", bound=BaseModel)


def detector_to_show(settings: Settings) -> Detector:
    """Return the workers' detector; where the inventory is not at hand, one that keeps no name and masks the more.

    Raises `ConfigurationError` for the redaction file and what it asks for: without them less would be masked.
    """
    try:
        return make_detector(settings)
    except ConfigurationError:
        return make_detector(settings, kept=frozenset())


def entry_of(connection: Redis, incident_id: str) -> RegistryEntry:
    """Return an incident as the registry has it. Raises `FirstlineError` with a hint when it does not."""
    entry = RegistryView(connection).find(incident_id)
    if entry is None:
        raise FirstlineError(
            f"The registry has no incident {one_line(incident_id)!r}: look at `firstline status`, "
            "or it was closed more than seven days ago."
        )
    return entry


def entry_to_show(
    connection: Redis,
    incident_id: str,
    *,
    vault: PlaceholderStore | None,
    detector: Detector,
    reveal_why: str | None,
    gate: Masker = SECRETS_MASKER,
) -> RegistryEntry:
    """Return an incident masked; with `reveal_why` with its placeholders' values, once that is written down.

    `vault` is None without a key; `gate` takes secrets out of what was revealed. Raises `FirstlineError` when the
    registry does not have the incident, or it can't be told without what had to be taken out; `ConfigurationError` when
    nothing can be revealed; `Unconfirmed` when the audit could not be written.
    """
    entry = entry_of(connection, incident_id)
    if reveal_why is None:
        return _masked(entry, Masker(detector, placeholders_to_mask(connection, entry, vault=vault)))
    placeholders = placeholders_to_reveal(entry, vault=vault)
    masked = _masked(entry, Masker(detector, placeholders))
    write_audit(connection, action=REVEAL, incident_id=incident_id, why=reveal_why)
    return _revealed(masked, placeholders, gate)


def _masked(entry: RegistryEntry, masker: Masker) -> RegistryEntry:
    """Return what the registry has, masked: alerts are text from outside, the rest was masked when it was written.

    Where there is a result its alert is shown: without a key only that has the placeholders of the triage.
    """
    try:
        masked = _changed(entry, masker.checked_model, of_alert=lambda alert: _masked_alert(alert, masker))
        return masked if masked.result is None else replace(masked, incident=masked.result.incident)
    except ValueError as error:
        raise FirstlineError(
            f"{entry.incident.incident_id} is not shown: what is left of it when it is masked can't be read."
        ) from error


def _revealed(entry: RegistryEntry, placeholders: Placeholders, gate: Masker) -> RegistryEntry:
    """Return a masked entry with the values of its placeholders, and no secret that stood inside of one.

    What does not fit the contract then stays masked.
    """

    def revealed(model: _Model) -> _Model:
        try:
            return gate.checked_model(revealed_model(model, placeholders))
        except ValueError:
            return model

    return _changed(entry, revealed, of_alert=revealed)


class _Change(Protocol):
    def __call__(self, model: _Model) -> _Model: ...


def _changed(entry: RegistryEntry, change: _Change, *, of_alert: Callable[[Alert], Alert]) -> RegistryEntry:
    incident = of_alert(entry.incident)
    assert isinstance(incident, Incident)  # noqa: S101 - what a change makes of one is one
    return replace(
        entry,
        incident=incident,
        steps=tuple(change(step) for step in entry.steps),
        result=None if entry.result is None else change(entry.result),
        occurrences=change(entry.occurrences),
        alerts=tuple(of_alert(alert) for alert in entry.alerts),
    )


def _masked_alert(alert: Alert, masker: Masker) -> Alert:
    masked: dict[str, object] = {"text": masker.masked(alert.text)}
    if isinstance(alert, Incident):
        masked |= {"labels": masker.masked_labels(alert.labels), "group": masker.masked(alert.group)}
    return masker.checked_model(alert.model_copy(update=masked))
