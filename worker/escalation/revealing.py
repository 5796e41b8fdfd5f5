"""What stands before a sink: a trusted one sees real addresses and hosts again, and secrets none sees.

`firstline escalations` wraps its notifier. A result never waits for want of a map: without a key, without a map, or
when the map can't be read, it is delivered masked, as the stream has it.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

import structlog
from redis.exceptions import RedisError

from worker.contract import TriageResult
from worker.errors import ContractError, FirstlineError
from worker.ports import Notifier
from worker.redaction import SECRETS_MASKER, Masker, Placeholders, revealed_model
from worker.redaction.sinks import Sink

__all__ = ["RevealingNotifier", "SecretFreeNotifier", "Vault", "gated"]

log = structlog.get_logger()


class Vault(Protocol):
    """What keeps the values of an incident's placeholders."""

    def values_of(self, incident_id: str) -> Mapping[str, str]:
        """Return the values by placeholder; empty where none are kept, or nobody can open them.

        Raises `RedisError` when Redis does not give them.
        """
        ...


def gated(notifier: Notifier, sink: Sink, *, trusted: Collection[Sink], vault: Vault | None) -> Notifier:
    """Return the notifier of a sink with what has to stand before it; `vault` is None without a key."""
    gate = SecretFreeNotifier(notifier)
    if sink not in trusted:
        return gate
    if vault is None:
        log.warning("sink.not_revealed", sink=sink, remedy="set FIRSTLINE_REDACTION_KEYS, as the workers have it")
        return gate
    return RevealingNotifier(gate, vault)


class RevealingNotifier:
    """Hands results on with the values of their placeholders. Thread-safe as far as its notifier is."""

    def __init__(self, notifier: Notifier, vault: Vault) -> None:
        self._notifier = notifier
        self._vault = vault

    def deliver(self, result: TriageResult) -> None:
        """Deliver one result, shown as far as can be. Raises what the notifier raises."""
        self._notifier.deliver(self._revealed(result))

    def _revealed(self, result: TriageResult) -> TriageResult:
        incident_id = result.incident.incident_id
        try:
            values = self._vault.values_of(incident_id)
            return revealed_model(result, Placeholders(values)) if values else result
        except (RedisError, FirstlineError, ValueError) as error:  # the last: too long for the contract, when shown
            log.warning("result.not_revealed", incident_id=incident_id, error=type(error).__name__)
            return result


class SecretFreeNotifier:
    """Hands results on without secrets: the last gate, whoever wrote to the stream, and whatever was revealed.

    Thread-safe as far as its notifier is.
    """

    def __init__(self, notifier: Notifier, masker: Masker = SECRETS_MASKER) -> None:
        self._notifier = notifier
        self._masker = masker

    def deliver(self, result: TriageResult) -> None:
        """Deliver one result. Raises what the notifier raises, and `ContractError` when nothing is left to show."""
        try:
            masked = self._masker.checked_model(result)
        except ValueError as error:
            raise ContractError("it can't be shown without what must not leave") from error
        self._notifier.deliver(masked)
