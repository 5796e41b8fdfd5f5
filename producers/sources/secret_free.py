"""No secret gets past the door: what a source sends is stripped of passwords and keys before anything keeps it.

Every parser's alert and every quotation goes through here, under the default rules, without a key or a file. Addresses,
hosts and people stay: the server is found in them, and the worker masks them in whatever leaves. What identifies an
alert is worked out from what was sent, so a duplicate stays one. Pure, and nothing raises: a text that could not be
looked at is withheld, and its alert is taken in without it.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from producers.sources.bounds import cut_label
from worker.contract.incident import TEXT_LIMIT_BYTES
from worker.contract.text import cut_to_bytes
from worker.redaction import SECRETS_MASKER, WITHHELD, Masker

__all__ = ["DOOR", "Door"]

_LOOKED_AT_CHARACTERS: Final = 16 * TEXT_LIMIT_BYTES
"""Of a longer text the rest is cut off anyway."""

_CUT_NOTE_BYTES: Final = 64


class Door:
    """Strips alerts with one masker. It holds no state, so many threads may use it at once."""

    def __init__(self, masker: Masker = SECRETS_MASKER) -> None:
        self._masker = masker

    def text(self, sent: str) -> str:
        """Return a text, made visible already, without secrets, and cut where it is too long for an alert.

        It is looked through before it is cut: half a key would look like none.
        """
        head = sent[:_LOOKED_AT_CHARACTERS]
        masked = self._masker.masked(head)
        kept = sent if masked == head else masked
        is_short = len(kept.encode("utf-8", "backslashreplace")) <= TEXT_LIMIT_BYTES
        return kept if is_short else cut_to_bytes(kept, TEXT_LIMIT_BYTES - _CUT_NOTE_BYTES)

    def labels(self, labels: Mapping[str, str], whole: Mapping[str, str]) -> dict[str, str]:
        """Return labels without secrets; the value under a secret's name is one. `whole` are those that were cut."""
        masked = {name: self._masker.masked(value) for name, value in whole.items()}
        again = {name: cut_label(value) for name, value in masked.items() if value != whole[name]}
        return self._masker.masked_labels({**labels, **again})

    def name(self, name: str | None) -> str | None:
        """Return a server's or a service's name without a secret; None when it could not be looked at."""
        masked = self._masker.masked(name) if name else None
        return None if masked == WITHHELD else masked

    def group(self, group: str) -> str:
        """Return a group; of one that holds a secret its hash, so that two groups stay two."""
        return group if self._masker.masked(group) == group else hashlib.sha256(group.encode()).hexdigest()


DOOR: Final = Door()
