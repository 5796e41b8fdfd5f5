"""What stands before a sink: a trusted one sees real addresses and hosts again, and secrets none sees.

`firstline escalations` wraps each of its sinks. A result never waits for want of a map: without a key, without a map,
or when the map can't be read, it is delivered masked, as the stream has it. So it is when the audit could not be told
first which sink sees it.
"""

import hashlib
from collections.abc import Mapping
from typing import Protocol, TypeVar

import structlog
from redis.exceptions import RedisError

from worker.contract import TriageResult
from worker.contract.handling import Handled
from worker.errors import ContractError, FirstlineError
from worker.ports import Follower, Notifier
from worker.redaction import SECRETS_MASKER, Masker, Placeholders, revealed_model

__all__ = ["RevealingNotifier", "SecretFreeFollower", "SecretFreeNotifier", "Vault", "gated", "gated_follower"]

_Shown = TypeVar("_Shown", TriageResult, Handled)

log = structlog.get_logger()


class Vault(Protocol):
    """What keeps the values of an incident's placeholders."""

    def values_of(self, incident_id: str) -> Mapping[str, str]:
        """Return the values by placeholder; empty where none are kept, or nobody can open them.

        Raises `RedisError` when Redis does not give them.
        """
        ...

    def note_reveal(self, incident_id: str, *, sink: str, digest: str) -> None:
        """Tell the audit, once, that the sink is shown the result with this hash; return when it is written.

        Raises `RedisError` and `FirstlineError` when that is not known: then show nothing.
        """
        ...


def gated(notifier: Notifier, sink: str, *, is_trusted: bool, vault: Vault | None) -> Notifier:
    """Return the notifier of a sink with what has to stand before it; `vault` is None without a key."""
    gate = SecretFreeNotifier(notifier)
    if not is_trusted:
        return gate
    if vault is None:
        log.warning("sink.not_revealed", sink=sink, remedy="set FIRSTLINE_REDACTION_KEYS, as the workers have it")
        return gate
    return RevealingNotifier(gate, vault, sink)


def gated_follower(follower: Follower, sink: str, *, is_trusted: bool, vault: Vault | None) -> Follower:
    """Return the follower of a sink with what has to stand before it, as its notifier has."""
    return SecretFreeFollower(follower, vault if is_trusted else None, sink=sink)


class RevealingNotifier:
    """Hands results on with the values of their placeholders. Thread-safe as far as its notifier is."""

    def __init__(self, notifier: Notifier, vault: Vault, sink: str) -> None:
        self._notifier = notifier
        self._vault = vault
        self._sink = sink

    def deliver(self, result: TriageResult) -> None:
        """Deliver one result, shown as far as can be. Raises what the notifier raises."""
        self._notifier.deliver(_revealed(result, self._vault, self._sink))


class SecretFreeNotifier:
    """Hands results on without secrets: the last gate, whoever wrote to the stream, and whatever was revealed.

    Thread-safe as far as its notifier is.
    """

    def __init__(self, notifier: Notifier, masker: Masker = SECRETS_MASKER) -> None:
        self._notifier = notifier
        self._masker = masker

    def deliver(self, result: TriageResult) -> None:
        """Deliver one result. Raises what the notifier raises, and `ContractError` when nothing is left to show."""
        self._notifier.deliver(_without_secrets(result, self._masker))


class SecretFreeFollower:
    """Hands on what engineers did, without secrets: people write them into notes. With a vault, results are revealed.

    Thread-safe as far as its follower is.
    """

    def __init__(self, follower: Follower, vault: Vault | None, masker: Masker = SECRETS_MASKER, *, sink: str) -> None:
        self._follower = follower
        self._vault = vault
        self._sink = sink
        self._masker = masker

    def follow(self, result: TriageResult, handled: Handled) -> bool:
        """Show one action, and say whether it was sent.

        Raises what the follower raises, and `ContractError` when nothing is left to show.
        """
        revealed = _revealed(result, self._vault, self._sink) if self._vault is not None else result
        return self._follower.follow(_without_secrets(revealed, self._masker), _without_secrets(handled, self._masker))


def _revealed(result: TriageResult, vault: Vault, sink: str) -> TriageResult:
    incident_id = result.incident.incident_id
    try:
        values = vault.values_of(incident_id)
        if not values:
            return result
        shown = revealed_model(result, Placeholders(values))
        digest = hashlib.sha256(result.model_dump_json().encode("utf-8", "backslashreplace")).hexdigest()
        vault.note_reveal(incident_id, sink=sink, digest=digest)
    except (RedisError, FirstlineError, ValueError) as error:  # the last: too long for the contract, when shown
        log.warning("result.not_revealed", incident_id=incident_id, error=type(error).__name__)
        return result
    return shown


def _without_secrets(shown: _Shown, masker: Masker) -> _Shown:
    try:
        return masker.checked_model(shown)
    except ValueError as error:
        raise ContractError("it can't be shown without what must not leave") from error
