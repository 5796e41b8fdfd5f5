"""A trusted sink sees addresses again and never a secret; and no result waits for a map."""

import io
from collections.abc import Mapping

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.escalation.builders import incident, result
from worker.contract.incident import TEXT_LIMIT_BYTES
from worker.errors import ConfigurationError
from worker.escalation import ConsoleNotifier, JsonNotifier
from worker.escalation.revealing import RevealingNotifier, Vault
from worker.ports import Notifier

_SAID = "[IP_ADDRESS_1] refuses password=[PASSWORD]"


class Kept:
    """A vault with one map, or one that fails."""

    def __init__(self, values: Mapping[str, str], error: Exception | None = None) -> None:
        self._values = values
        self._error = error

    def values_of(self, incident_id: str) -> Mapping[str, str]:
        if self._error is not None:
            raise self._error
        return self._values


def delivered(kind: type[ConsoleNotifier] | type[JsonNotifier], vault: Vault | None) -> str:
    pipe = io.StringIO()
    bare: Notifier = kind(pipe)
    notifier: Notifier = bare if vault is None else RevealingNotifier(bare, vault)
    notifier.deliver(result(incident=incident(text=_SAID), summary=f"{_SAID} [E1]"))
    return pipe.getvalue()


@pytest.mark.parametrize("kind", [ConsoleNotifier, JsonNotifier])
def test_a_trusted_sink_sees_addresses_again_and_never_a_secret(
    kind: type[ConsoleNotifier] | type[JsonNotifier],
) -> None:
    told = delivered(kind, Kept({"[IP_ADDRESS_1]": "10.1.2.3"}))
    assert "10.1.2.3 refuses password=[PASSWORD]" in told
    assert "IP_ADDRESS" not in told


@pytest.mark.parametrize("kind", [ConsoleNotifier, JsonNotifier])
def test_any_other_sink_gets_the_masked_result(kind: type[ConsoleNotifier] | type[JsonNotifier]) -> None:
    assert _SAID in delivered(kind, None)


@pytest.mark.parametrize(
    "vault",
    [
        Kept({}),
        Kept({}, RedisConnectionError("gone")),
        Kept({}, ConfigurationError("no key")),
        Kept({"[IP_ADDRESS_1]": "x" * TEXT_LIMIT_BYTES}),
        Kept({"no placeholder": "10.1.2.3"}),
    ],
)
def test_no_result_waits_for_a_map(vault: Vault) -> None:
    assert _SAID in delivered(JsonNotifier, vault)
